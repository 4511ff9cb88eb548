"""The audit log: one order over four tables, filters, and pages without holes or repeats."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy import insert

from smsgate.consent.rules import decision_id
from smsgate.domain.messages import Intent
from smsgate.domain.signed_times import time_of
from smsgate.features.audit.operations import AuditEntry, AuditQuery, Group, read_audit_log
from smsgate.interface.operation import RowPage
from smsgate.records import Records
from smsgate.records.tables import content_versions, operator_actions
from tests.fakes.values import NUMBER, decision, entry
from tests.records.values import START_MS, event, lines

START_US = START_MS * 1000


def action(records, at: int, what: str, actor: str = "ana", operator: str = "", **more) -> None:
    """Add a row of ``operator_actions``, ``at`` ms after the start."""
    row = {"id": f"{at:016d}-x", "at_us": START_US + at * 1000, "what": what, "actor": actor}
    row |= {"operator": operator or actor, "note": "", "address": "10.0.0.1", **more}
    with records.database.writing() as connection:
        connection.execute(insert(operator_actions), row)


def version(records, at: float, number: int = 1, **more) -> None:
    row = {"kind": "keywords", "name": "es", "version": number, "content": "", "note": "more words"}
    row |= {"author": "ana", "saved_us": START_US + int(at * 1000), **more}
    with records.database.writing() as connection:
        connection.execute(insert(content_versions), row)


def manual(at: int, actor: str = "ana", kind: str = "opt_out", **more):
    """An event that an operator made."""
    intent = more.pop("intent", Intent.OPT_OUT)
    made = entry(
        intent,
        number=more.get("number", NUMBER),
        source=more.pop("source", "operator"),
        actor=actor,
        message_id=more.pop("message_id", ""),
        decision=decision(intent, rule="operator", note=more.pop("reason", "by phone")),
    )
    return event(at, entry=made, kind=kind, **more)


@pytest.fixture
def log(records) -> Records:
    """One thing of every group, and things that are none of staff."""
    action(records, 1, "signed in")
    action(records, 2, "role changed", operator="ben", note="viewer to agent")
    action(records, 3, "made the API key crm")
    action(records, 4, "retried a reply", note="3-1-0")
    action(records, 5, "exported numbers", actor="ben")
    version(records, 6)
    records.writer.keep(
        {
            0: lines(
                manual(7, number=NUMBER),
                manual(8, message_id=decision_id("3-1-0"), kind="reviewed", reason="ana decided"),
                manual(
                    9,
                    number="",
                    program="",
                    kind="adopted",
                    consent_state=None,
                    note="an older copy",
                ),
                manual(
                    10,
                    number="",
                    kind="import_file",
                    source="import",
                    message_id="list-1",
                    consent_state=None,
                    reason="old.csv",
                    note="old.csv: 3 applied.",
                ),
                manual(11, actor="crm", source="api"),
                event(12),
            )
        }
    )
    replies = {"kind": "replies", "name": "alerts", "note": "they moved"}
    version(records, 6.5, **replies)
    return records


def page(log, after="", limit=99, **wanted) -> RowPage[AuditEntry]:
    return read_audit_log.run(None, AuditQuery(after=after, limit=limit, **wanted), log)


def found(log, **wanted) -> list[str]:
    return [one.action for one in page(log, **wanted).items]


NEWEST_FIRST = [
    "Imported a list for alerts",
    "Older copy of the records accepted",
    "Reviewed: not an opt-out for alerts",
    "Opted out for alerts",
    "Saved replies",
    "Saved a keyword set",
    "Exported numbers",
    "Retried a reply",
    "Made the API key crm",
    "Role changed",
    "Signed in",
]


def test_all_that_staff_did_stands_in_one_order(log):
    entries = page(log).items
    assert [one.action for one in entries] == NEWEST_FIRST
    by_action = {one.action: one for one in entries}
    assert (by_action["Role changed"].about, by_action["Role changed"].note) == (
        "ben",
        "viewer to agent",
    )
    assert by_action["Opted out for alerts"].number == NUMBER
    assert by_action["Opted out for alerts"].note == "by phone"
    assert by_action["Imported a list for alerts"].about == "old.csv"
    keywords = by_action["Saved a keyword set"]
    assert (keywords.about, keywords.note) == ("Spanish", "version 1: more words")
    saved = by_action["Saved replies"]
    assert (saved.about, saved.note) == ("alerts", "version 1: they moved")
    assert by_action["Signed in"].address == "10.0.0.1"
    assert {one.person for one in entries} == {"ana", "ben"}


def test_each_group_has_its_own_and_together_they_have_all(log):
    by_group = {group: found(log, group=group) for group in filter(None, get_args(Group))}
    assert by_group == {
        "sign_ins": ["Signed in"],
        "people": ["Role changed"],
        "keys": ["Made the API key crm"],
        "numbers": ["Opted out for alerts"],
        "reviews": ["Reviewed: not an opt-out for alerts"],
        "replies": ["Saved replies", "Retried a reply"],
        "lists": ["Imported a list for alerts"],
        "exports": ["Exported numbers"],
        "keywords": ["Saved a keyword set"],
        "configuration": [],
        "system": ["Older copy of the records accepted"],
    }


def test_person_and_days_filter(log):
    assert found(log, person="ben") == ["Exported numbers"]
    assert found(log, person="nobody" * 100) == []
    assert found(log, since=time_of(START_US + 9_000), until=time_of(START_US + 10_000)) == [
        "Older copy of the records accepted"
    ]
    assert found(log, person="ana", group="exports") == []


@pytest.mark.parametrize("size", [1, 3])
def test_pages_have_neither_holes_nor_repeats(log, records, size):
    for number in range(2, 6):  # of the same moment as the event, in the next table
        version(records, 7, number)
    action(records, 7, "signed out")
    whole, seen, after = page(log).items, [], ""
    while after is not None:
        read = page(log, after, size)
        seen, after = [*seen, *read.items], read.next
    assert seen == whole
    assert len(seen) == len(NEWEST_FIRST) + 5


def test_without_records_there_is_nothing(bare_records):
    if not bare_records.database.absent:
        bare_records.migrate()
    assert page(bare_records).items == []
