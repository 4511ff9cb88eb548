"""The imports on record: which there were, by whom, what they changed, whether they were undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from smsgate import __version__
from smsgate.consent.events import Event, event_id
from smsgate.domain.messages import ALL, Entry
from smsgate.features.lists.errors import NoSuchList
from smsgate.features.lists.storage import ListStorage
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.keys import PARTITIONS, partition_of

State = Literal["opted_out", "subscribed"]


class ImportChange(msgspec.Struct, frozen=True):
    """What the rows of one state do, or did."""

    state: State
    scope: str
    """``all``, or the program in which alone it holds."""
    programs: tuple[str, ...]
    """The programs that are concerned, of those that there are."""
    numbers: int
    """How many change, or changed."""


def scope_of(settings: Settings, program: str) -> str:
    """Where an opt-out of a list for a program (or ``all``) holds."""
    found = settings.programs.get(program)
    return ALL if found is None or found.scope == "all" else found.name


def change_text(change: ImportChange, titles: Mapping[str, str], *, done: bool) -> str:
    """The change in a sentence. ``titles``: by program, as people know it."""
    count = "1 number" if change.numbers == 1 else f"{change.numbers:,} numbers"
    named = ", ".join(f"{titles.get(name, name)} ({name})" for name in change.programs)
    if change.state == "subscribed":
        verb, lifted = ("Recorded", "was") if done else ("Would record", "would be")
        return f"{verb} the consent of {count} to {named}. No opt-out {lifted} lifted."
    verb = "Opted" if done else "Would opt"
    if change.scope == ALL:
        return (
            f"{verb} {count} out of every program (scope all): {named}, and programs you add later."
        )
    return f"{verb} {count} out of {named} only (scope {change.scope})."


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
    events = {one.id: one for one in (*found, *waiting)}.values()
    ids = dict.fromkeys(_id(one) for one in _newest_first(events) if one.outcome != UNDONE_OUTCOME)
    mine = {id_: [one for one in events if _id(one) == id_] for id_ in [*ids][:limit]}
    return [_record(id_, some) for id_, some in mine.items()]


def import_of(records: Records, id_: str) -> ImportRecord:
    """One import, also one that did not come to its end. Raises ``NoSuchList``, ``Records…``."""
    events = [one.event for one in records.reader.of_message("", id_)]
    events = [one for one in events if one.kind == IMPORT_FILE]
    if all(one.outcome == UNDONE_OUTCOME for one in events):
        parts = (
            part
            for partition in range(PARTITIONS)
            for part in ListStorage(records.database).of_list(id_, partition)
        )
        events += [part for part in [next(parts, None)] if part is not None]
    if not events:
        raise NoSuchList(
            f"No import {id_!r} is on record: `smsgate imports list` and GET /v1/imports have "
            "those that are."
        )
    return _record(id_, events)


def _record(id_: str, events: Iterable[Event]) -> ImportRecord:
    ordered = _newest_first(events)
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


def _newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda one: one.received_us, reverse=True)


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
