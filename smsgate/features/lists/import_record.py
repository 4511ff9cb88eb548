"""The imports on record: which there were, by whom, what they changed, whether they were undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, select

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import SmsGateError
from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.domain.signed_times import time_of
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.records.database import lookup
from smsgate.records.reader import event_of, stream_of
from smsgate.records.tables import events
from smsgate.store.keys import PARTITIONS, partition_of

IMPORT_FILE, UNDONE_OUTCOME = "import_file", "undone"
"""Kind of the event of a whole list; its outcome where the list was undone."""


class NoSuchList(SmsGateError):
    """No list has that id, or it belongs to another operator, or it was removed."""

    status = 404


class Import(msgspec.Struct, frozen=True):
    """One import."""

    id: str
    imported: datetime
    actor: str
    file: str
    program: str
    """That it was for, or ``all``."""
    changed: str
    """What it changed, in words; empty where it did not come to its end."""
    undone: datetime | None = None
    """When it was last undone, and by whom, why, and how many numbers were put back."""
    undone_by: str = ""
    undone_reason: str = ""
    undone_note: str = ""


def imports(records: Records, limit: int) -> list[Import]:
    """The newest imports that came to their end, newest first. Raises ``RecordsUnavailable``."""
    found = [one.event for one in records.history.newest(2 * limit, IMPORT_FILE)]
    ids = dict.fromkeys(_id(one) for one in found if one.outcome != UNDONE_OUTCOME)
    return [_record(id_, [one for one in found if _id(one) == id_]) for id_ in [*ids][:limit]]


def import_of(records: Records, id_: str) -> Import:
    """One import, also one that did not come to its end. Raises ``NoSuchList``, ``Records…``."""
    found = [one.event for one in records.reader.of_message("", id_)]
    found = [one for one in found if one.kind == IMPORT_FILE]
    if all(one.outcome == UNDONE_OUTCOME for one in found):
        parts = (
            part for partition in range(PARTITIONS) for part in parts_of(records, id_, partition)
        )
        found += [part for part in [next(parts, None)] if part is not None]
    if not found:
        raise NoSuchList(
            f"No import {id_!r} is on record: `smsgate imports list` and GET /v1/imports have "
            "those that are."
        )
    return _record(id_, found)


def _record(id_: str, found: Iterable[Event]) -> Import:
    ordered = sorted(found, key=lambda one: one.received_us, reverse=True)
    done = next(one for one in ordered if one.outcome != UNDONE_OUTCOME)
    undone = next((one for one in ordered if one.outcome == UNDONE_OUTCOME), None)
    return Import(
        id=id_,
        imported=time_of(done.received_us),
        actor=done.entry.actor if done.entry else "",
        file=done.entry.decision.note if done.entry else "",
        program=done.program,
        changed=done.note if done.kind == IMPORT_FILE else "",
        undone=time_of(undone.received_us) if undone else None,
        undone_by=undone.entry.actor if undone and undone.entry else "",
        undone_reason=undone.entry.decision.note if undone and undone.entry else "",
        undone_note=undone.note if undone else "",
    )


def _id(event: Event) -> str:
    return event.entry.message_id if event.entry else ""


def record_import(
    services: Services,
    id_: str,
    program: str,
    actor: str,
    reason: str,
    note: str,
    *,
    outcome: str = "applied",
    consent: Consent | None = None,
) -> None:
    """Put on record that a whole list was imported or undone.

    ``reason`` is the name of the file, or why it was undone; ``note`` what that changed.
    """
    now_us = services.store.health.now_us()
    key = IMPORT_FILE if outcome == "applied" else outcome
    entry = Entry(
        number="",
        program=program,
        decision=Decision(Intent.NONE, rule=key, note=reason),
        source="import",
        actor=actor,
        message_id=id_,
        phone=False,
        consent=consent,
    )
    event = Event(
        id=event_id(now_us // 1000, key, id_),
        kind=IMPORT_FILE,
        outcome=outcome,
        number="",
        program=program,
        entry=entry,
        received_us=now_us,
        applied_us=now_us,
        note=note,
        software=__version__,
    )
    services.store.ledger.append(partition_of(""), event)


def parts_of(records: Records, list_id: str, partition: int) -> Iterator[Event]:
    """The recorded parts of an imported list in a partition, in their order."""
    of_partition = (events.c.partition == partition, events.c.kind == "import")
    asked = (
        select(events.c.facts)
        .where(*_beginning_with(lookup(f"{list_id}-")), *of_partition)
        .order_by(events.c.seq)
    )
    return (event_of(row.facts, None) for row in stream_of(records.database, asked))


def entered_before(records: Records, list_id: str) -> tuple[str, set[str]]:
    """The id that a list is entered under, and its parts that were entered before.

    Once an import was undone, the same file is another list: its id has a dot and how often.
    """
    is_undone = (events.c.kind == IMPORT_FILE, events.c.outcome == UNDONE_OUTCOME)
    undone = len(_message_ids(records, lookup(list_id), *is_undone))
    list_id = f"{list_id}.{undone}" if undone else list_id
    return list_id, _message_ids(records, lookup(f"{list_id}-"))


def _message_ids(records: Records, prefix: str, *conditions: ColumnElement[bool]) -> set[str]:
    asked = select(events.c.message_id).where(*_beginning_with(prefix), *conditions)
    return {row.message_id for row in stream_of(records.database, asked)}


def _beginning_with(prefix: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions for entries of ours whose message id begins so."""
    ids = events.c.message_id
    return events.c.account == "", ids >= prefix, ids < f"{prefix}~"
