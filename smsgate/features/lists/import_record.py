"""The imports on record: which there were, by whom, what they changed, whether they were undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.errors import SmsGateError
from smsgate.domain.messages import ALL, Entry
from smsgate.features.lists.rows import State
from smsgate.records import Records
from smsgate.records.database import lookup
from smsgate.records.event_rows import event_of
from smsgate.records.reader import stream_of
from smsgate.records.tables import events
from smsgate.settings import Settings
from smsgate.store.keys import PARTITIONS, partition_of
from smsgate.store.store import Store


class NoSuchList(SmsGateError):
    """No list has that id, or it belongs to another operator, or it was removed."""

    status = 404


def scope_of(settings: Settings, program: str) -> str:
    """Where an opt-out of a list for a program (or ``all``) holds."""
    found = settings.programs.get(program)
    return ALL if found is None or found.scope == "all" else found.name


def change_text(
    settings: Settings, state: State, scope: str, program: str, count: int, *, done: bool
) -> str:
    """What rows of a state do, or did, of which so many change something, in a sentence."""
    numbers = "1 number" if count == 1 else f"{count:,} numbers"
    programs = [one for one in settings.programs if scope == ALL or one.name == program]
    named = ", ".join(f"{one.title} ({one.name})" for one in programs)
    if state == "subscribed":
        verb, lifted = ("Recorded", "was") if done else ("Would record", "would be")
        return f"{verb} the consent of {numbers} to {named}. No opt-out {lifted} lifted."
    verb = "Opted" if done else "Would opt"
    where = (
        f"every program (scope all): {named}, and programs you add later"
        if scope == ALL
        else f"{named} only (scope {scope})"
    )
    return f"{verb} {numbers} out of {where}."


def titles_of(settings: Settings) -> dict[str, str]:
    """By program, as people know it."""
    return {one.name: one.title for one in settings.programs}


IMPORT_FILE, UNDONE_OUTCOME = "import_file", "undone"
"""Kind of the event of a whole list; its outcome where the list was undone."""
_LEDGER = 1_000
"""Newest events of a ledger among which those are looked for that the records do not have yet."""


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One import. ``by``: who did it, or undid it."""

    id: str
    at_us: int
    by: str
    file: str
    program: str
    """That it was for, or ``all``."""
    note: str
    """What it changed, in words; empty where it did not come to its end."""
    undone_us: int = 0
    """When it was last undone; 0 where it never was."""
    undone_by: str = ""
    undone_note: str = ""
    """How many numbers were put back, and how many kept what they have."""
    undone_reason: str = ""


def imports(store: Store, records: Records, limit: int) -> list[ImportRecord]:
    """The newest imports that came to their end, newest first.

    Raises ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    waiting = [
        one
        for one in store.ledger_reader.newest(partition_of(""), _LEDGER)
        if one.kind == IMPORT_FILE
    ]
    found = [one.event for one in records.history.newest(2 * limit, IMPORT_FILE)]
    all_events = {one.id: one for one in (*found, *waiting)}.values()
    ids = dict.fromkeys(
        _id(one) for one in _newest_first(all_events) if one.outcome != UNDONE_OUTCOME
    )
    mine = {id_: [one for one in all_events if _id(one) == id_] for id_ in [*ids][:limit]}
    return [_record(id_, some) for id_, some in mine.items()]


def import_of(records: Records, id_: str) -> ImportRecord:
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


def _record(id_: str, found: Iterable[Event]) -> ImportRecord:
    ordered = _newest_first(found)
    done = next(one for one in ordered if one.outcome != UNDONE_OUTCOME)
    undone = next((one for one in ordered if one.outcome == UNDONE_OUTCOME), None)
    return ImportRecord(
        id=id_,
        at_us=done.received_us,
        by=done.entry.actor if done.entry else "",
        file=done.entry.decision.note if done.entry else "",
        program=done.program,
        note=done.note if done.kind == IMPORT_FILE else "",
        undone_us=undone.received_us if undone else 0,
        undone_by=undone.entry.actor if undone and undone.entry else "",
        undone_note=undone.note if undone else "",
        undone_reason=undone.entry.decision.note if undone and undone.entry else "",
    )


def _newest_first(found: Iterable[Event]) -> list[Event]:
    return sorted(found, key=lambda one: one.received_us, reverse=True)


def _id(event: Event) -> str:
    return event.entry.message_id if event.entry else ""


def record_import(store: Store, entry: Entry, outcome: str, note: str) -> None:
    """Put on record that a whole list was imported (``applied``) or undone."""
    now_us = store.health.now_us()
    key = IMPORT_FILE if outcome == "applied" else outcome
    event = Event(
        id=event_id(now_us // 1000, key, entry.message_id),
        kind=IMPORT_FILE,
        outcome=outcome,
        number="",
        program=entry.program,
        entry=entry,
        received_us=now_us,
        applied_us=now_us,
        note=note,
        software=__version__,
    )
    store.ledger.append(partition_of(""), event)


def parts_of(records: Records, list_id: str, partition: int) -> Iterator[Event]:
    """The recorded parts of an imported list in a partition, in their order."""
    of_partition = (events.c.partition == partition, events.c.kind == "import")
    asked = (
        select(events.c.facts)
        .where(*_beginning_with(lookup(f"{list_id}-")), *of_partition)
        .order_by(events.c.seq)
    )
    for row in stream_of(records.database, asked):
        yield event_of(row.facts, None)


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
