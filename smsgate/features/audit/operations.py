"""The audit log: what staff did, newest first, from every table that has it.

Sign-ins, people, keys, replies and exports are in ``operator_actions``; what was done to numbers,
reviews, lists and the records is in ``events``; keyword sets and replies are in
``content_versions``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Select, String, and_, cast, or_, select
from sqlalchemy import text as sql

from smsgate import event_text
from smsgate.consent.reviews import REOPENED
from smsgate.consent.rules import REVIEWED
from smsgate.domain.errors import CursorRefused
from smsgate.domain.languages import language_name
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import ListPage
from smsgate.interface.operation import After, Column, Context, Limit, RowPage, operation
from smsgate.interface.schemas import SinceTime, UntilTime, micros
from smsgate.records import Records
from smsgate.records.database import lookup
from smsgate.records.reader import EVENTS, Row, recorded_of, rows_of
from smsgate.records.tables import MANUAL_EVENTS, content_versions, events, operator_actions

Group = Literal[
    "", "sign_ins", "people", "keys", "numbers", "reviews", "replies", "lists", "exports",
    "keywords", "configuration", "system",
]  # fmt: skip
_PLACE = re.compile(r"([0-9]{1,17})\.([0-9])\.(.{1,300})", re.ASCII)
_SIGN_INS = (
    "signed in",
    "signed out",
    "wrong password",
    "wrong code",
    "wrong passkey",
    "attempt while locked",
    "unknown name",
)
_FILE = "import_file"
_LISTS = ("import", "import_undone", _FILE)
Facts: TypeAlias = Mapping[str, str]


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which actions, newest first."""

    person: Annotated[str, msgspec.Meta(max_length=200, description="Who did it.")] = ""
    group: Annotated[Group, msgspec.Meta(description="What was done.", title="Action")] = ""
    since: SinceTime = None
    until: UntilTime = None
    after: After = ""
    limit: Limit = 50


class AuditEntry(msgspec.Struct, frozen=True):
    """One thing that a person did."""

    at: Annotated[datetime, Column("When")]
    person: str
    """Who did it; empty where nobody has the name that was typed."""
    action: str
    number: str = ""
    """The number that it is about, as it was recorded."""
    about: str = ""
    """Another person, a file or a keyword set that it is about."""
    note: Annotated[str, Column(kind="words")] = ""
    address: str = ""


class AuditPlace(NamedTuple):
    """Where a page ends: time, table and id of its last entry."""

    at_us: int
    source: int
    id: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A table, in which an entry stands, and what a row says."""

    asked: Select[Any]
    at_us: ColumnElement[int]
    id: ColumnElement[str]
    person: ColumnElement[str]
    groups: Mapping[str, ColumnElement[bool]]
    facts: Callable[[Row], Facts]


@operation(
    "GET /audit",
    command="audit",
    role="viewer",
    scope="admin",
    example={"group": "exports"},
    empty="No activity.",
)
def read_audit_log(_: Context, request: AuditQuery, records: Records) -> RowPage[AuditEntry]:
    """List what staff did, newest first."""
    place = _PLACE.fullmatch(request.after)
    if request.after and not place:
        raise CursorRefused("`after` is not the `next` of a page of the audit log.")
    behind = AuditPlace(int(place[1]), int(place[2]), place[3]) if place else None
    found: list[tuple[AuditPlace, AuditEntry]] = []
    for rank, source in enumerate(_SOURCES):
        if request.group and request.group not in source.groups:
            continue
        conditions = _conditions(source, request, behind, rank)
        asked = source.asked.add_columns(source.at_us, source.id, source.person).where(*conditions)
        asked = asked.order_by(source.at_us.desc(), source.id.desc()).limit(request.limit + 1)
        for row in rows_of(records.database, asked):
            *_, at_us, id_, person = row
            entry = AuditEntry(time_of(at_us), person, **source.facts(row))
            found.append((AuditPlace(at_us, rank, id_), entry))
    # Stable: entries of one moment stay as the database sorts their ids.
    found.sort(key=lambda one: (-one[0].at_us, one[0].source))
    shown = found[: request.limit]
    following = ".".join(map(str, shown[-1][0])) if len(found) > len(shown) else None
    return RowPage([entry for _, entry in shown], next=following)


def _conditions(
    source: _Source, request: AuditQuery, behind: AuditPlace | None, rank: int
) -> list[ColumnElement[bool]]:
    """What rows of one table must fulfil to be on a page."""
    at_us, found = source.at_us, list[ColumnElement[bool]]()
    if request.group:
        found.append(source.groups[request.group])
    if request.person.strip():
        found.append(source.person == lookup(request.person.strip()))
    if request.since:
        found.append(at_us >= micros(request.since))
    if request.until:
        found.append(at_us < micros(request.until))
    if behind is None:
        return found
    # The first condition is implied; an index can use it.
    found.append(at_us <= behind.at_us)
    if rank < behind.source:
        found.append(at_us < behind.at_us)
    elif rank == behind.source:
        found.append(or_(at_us < behind.at_us, source.id < behind.id))
    return found


def _account_facts(row: Row) -> Facts:
    """Of a row of ``operator_actions``."""
    return {
        "action": row.what[:1].upper() + row.what[1:],
        "about": row.operator if row.operator != row.actor else "",
        "note": row.note,
        "address": row.address,
    }


def _event_facts(row: Row) -> Facts:
    """Of an event about a number, about a whole list, or about the records themselves."""
    event = recorded_of(row[: len(EVENTS.selected_columns)]).event
    entry = event.entry
    reason = entry.decision.note if entry else ""
    if event.kind == _FILE and event.outcome == "applied":
        return {"action": event_text.headline(event), "about": reason, "note": event.note}
    outcome = event_text.outcome(event)
    result = outcome if outcome != "applied" else ""
    note = "" if event.number else event.note
    return {
        "action": event_text.headline(event),
        "number": event.number,
        "note": "; ".join(filter(None, (result, event_text.basis(entry), reason, note))),
    }


def _content_facts(row: Row) -> Facts:
    """Of a saved version of a keyword set, or of the replies of a program."""
    is_set = row.kind == "keywords"
    return {
        "action": "Saved a keyword set" if is_set else "Saved replies",
        "about": language_name(row.name) if is_set else row.name,
        "note": f"version {row.version}" + (f": {row.note}" if row.note else ""),
    }


_what = operator_actions.c.what
_accounts: dict[str, ColumnElement[bool]] = {
    "sign_ins": _what.in_(_SIGN_INS),
    "keys": _what.contains(" API key"),
    "replies": or_(_what.startswith("retried a "), _what.startswith("dismissed a ")),
    "exports": _what.startswith("exported "),
    "configuration": _what.startswith("sent a test "),
}
_is_review = or_(
    events.c.message_id.startswith(f"{REVIEWED}-"), events.c.message_id.startswith(f"{REOPENED}-")
)
_EVENT = (events.c.received_us, events.c.id, events.c.actor)
_CONTENT = content_versions.c
_SOURCES = (
    _Source(
        select(operator_actions),
        operator_actions.c.at_us,
        operator_actions.c.id,
        operator_actions.c.actor,
        _accounts | {"people": and_(*(~one for one in _accounts.values()))},
        _account_facts,
    ),
    _Source(
        # Word for word the condition of the index, or it is not used.
        EVENTS.where(sql(MANUAL_EVENTS), events.c.kind.not_in(_LISTS)),
        *_EVENT,
        {
            "numbers": and_(events.c.number != "", ~_is_review),
            "reviews": _is_review,
            "system": events.c.number == "",
        },
        _event_facts,
    ),
    _Source(
        EVENTS.where(events.c.kind == _FILE), *_EVENT, {"lists": events.c.id != ""}, _event_facts
    ),
    _Source(
        select(content_versions),
        _CONTENT.saved_us,
        _CONTENT.kind + "/" + _CONTENT.name + "/" + cast(_CONTENT.version, String),
        _CONTENT.author,
        {
            "keywords": _CONTENT.kind == "keywords",
            "replies": _CONTENT.kind == "replies",
        },
        _content_facts,
    ),
)
"""In the order of entries of one moment."""
OPERATIONS = (read_audit_log,)
PAGES = (
    ListPage(
        path="/console/audit",
        title="Audit log",
        operation=read_audit_log,
        help="Sign-ins, people, keys and exports are logged as they happen. Manual changes of "
        "numbers, review decisions and imports are events of the records and appear here within "
        "a second or so. What programs change by an API key at a number is in the history of that "
        "number. The file’s times are in UTC.",
    ),
)
