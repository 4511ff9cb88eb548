"""Imports: a file of numbers on its way in, and the imports that are on record.

A file is previewed, or read once as a whole and then entered. Nothing is entered before the whole
file was read without a fault that makes it no list. The id of the list is made of its contents and
of what was asked for, and that of each part of its numbers; so the same file has one effect,
however often it comes and wherever the first try ended.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Annotated, Literal

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, select

from smsgate.consent.events import Event
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import NotFound
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent, StoredEntry
from smsgate.domain.signed_times import time_of
from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow, SeenNumbers
from smsgate.features.lists.results import DUPLICATE, ListResult, change_text, counting
from smsgate.features.lists.rows import State
from smsgate.interface.operation import Column, Progress
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.history import operator_event
from smsgate.records import Recorded, Records
from smsgate.records.database import lookup
from smsgate.records.reader import EVENTS, recorded_of, rows_of, stream_of
from smsgate.records.tables import events
from smsgate.settings import Settings
from smsgate.store.inbox import Inbox
from smsgate.store.keys import partition_of
from smsgate.store.store import Store

CHUNK = 500
"""Numbers in one entry of the inbox."""
WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
IMPORT_FILE, UNDONE_OUTCOME = "import_file", "undone"
"""Kind of the event of a whole list; its outcome where the list was undone."""


class Import(msgspec.Struct, frozen=True):
    """That a list was imported, or an import undone."""

    id: str
    """Of the import."""
    at: Annotated[datetime, Column("When")]
    action: Literal["imported", "undone"]
    actor: Annotated[str, Column("By")]
    program: str
    """That it was for, or ``all``."""
    reason: Annotated[str, Column("File or reason")]
    """The name of the file; or why it was undone."""
    changed: Annotated[str, Column("Result")]
    """What that changed, in words."""


@dataclass(frozen=True)
class Importer:
    """Enters numbers of lists, and waits until they are applied.

    Everything raises ``StoreUnavailable``, ``StoreNotReady``, ``RecordsUnavailable``; then some of
    a list may be in, and trying again does no harm.
    """

    settings: Settings
    store: Store
    applier: InboxApplier
    archiver: LedgerArchiver
    records: Records

    @cached_property
    def _inbox(self) -> Inbox:
        """Asks for no workers, which would only get in the way of ``apply``."""
        return Inbox(self.store.client)

    def run(
        self,
        options: ListOptions,
        file: IO[bytes],
        progress: Progress,
        result: Path | None = None,
        *,
        actor: str,
        name: str,
        applies: bool = False,
    ) -> ListResult:
        """Read a list and say what would become of it, or enter it.

        ``result`` is where to write the rows that cannot be used, ``name`` that of the file. Raises
        ``ListUnreadable``, ``UnknownProgram``, ``Unfit``.
        """
        options.check(self.settings)
        list_file, words = ListFile(file, options), options.words.strip()
        if applies:
            list_file.read_through(progress)
        self.archiver.move_all()
        id_, known = entered_before(self.records, list_file.id)
        asked = Entry(
            number="",
            program=options.program,
            decision=Decision(Intent.OPT_IN, rule="import", note=name),
            source="import",
            actor=actor,
            message_id=id_,
            action="import",
        )
        consent = Consent(words, options.medium, source=name) if words else None
        stops = Intent.OPT_OUT_ALL if options.program == ALL else Intent.OPT_OUT
        entries: dict[State, Entry] = {
            "opted_out": replace(asked, decision=replace(asked.decision, intent=stops)),
            "subscribed": replace(asked, consent=consent),
        }
        found = ListResult(format=list_file.format, import_id=id_, applied=applies)
        seen, changed = SeenNumbers(), Counter[State]()
        with counting(found, result) as count:
            for rows in list_file.windows(WINDOW):
                outcomes: dict[int, str] = {}
                for state, entry in entries.items():  # opt-outs first: they beat consents
                    first = seen.first(rows, state)
                    if state == "subscribed" and not words:
                        done = dict.fromkeys(first, "no_words")
                    elif applies:
                        done = self.enter(first, entry, known)
                    else:
                        done = self.rehearse(first, entry)
                    outcomes |= {first[number].line: outcome for number, outcome in done.items()}
                    if done:
                        changed[state] += sum(one in ("new", "applied") for one in done.values())
                for row in rows:
                    count(row.reason or outcomes.get(row.line, DUPLICATE), row.cell, row.line)
                    found.undated += row.is_undated
                what = "Importing" if applies else "Reading the list"
                progress(what, list_file.read_bytes, list_file.size)
        found.require_readable_row()
        for state, number in changed.items():
            scope = options.program if state == "subscribed" else self._scope(options.program)
            found.changes.append(change_text(self.settings, state, scope, number, done=applies))
        if applies and (found.outcomes.get("applied") or id_ not in known):
            counts = ", ".join(f"{count} {outcome}" for outcome, count in found.outcomes.items())
            note = " ".join([f"{name}: {found.rows} rows: {counts}.", *found.changes])
            scope = self._scope(options.program) if "opted_out" in changed else ""
            self.record(replace(entries["subscribed"], scope=scope), note)
        return found

    def rehearse(
        self, rows: Mapping[str, ListRow], asked: Entry, applied: str = "new"
    ) -> dict[str, str]:
        """What would become of rows by number; ``applied`` is the word for what would change.

        By the rules that apply them, so that a preview says what an import does.
        """
        now_us, effects = self.store.health.now_us(), self.applier.lists.effects
        events = (
            event
            for entry in self.entries(rows, asked)
            for event in effects(
                partition_of(entry.numbers[0]), StoredEntry(f"{now_us // 1000}-0", now_us, entry)
            ).events
        )
        return _outcomes(events, applied)

    def enter(
        self, rows: Mapping[str, ListRow], asked: Entry, known: Collection[str] = ()
    ) -> dict[str, str]:
        """Enter rows by number, and say what became of each.

        ``asked`` is what their entries have in common; ``known`` are message ids that are not to be
        entered again.
        """
        entries = [one for one in self.entries(rows, asked) if one.message_id not in known]
        outcomes = _outcomes(self.apply(entries), "applied")
        earlier = {number: row for number, row in rows.items() if number not in outcomes}
        return outcomes | self.rehearse(earlier, asked, "not_applied")

    def entries(self, rows: Mapping[str, ListRow], asked: Entry) -> Iterator[Entry]:
        """What goes into the inbox: entries of up to 500 numbers of one partition."""
        state: State = "opted_out" if asked.decision.intent.stops else "subscribed"
        scope = self._scope(asked.program) if asked.decision.intent.stops else ""
        partitions: dict[int, list[str]] = defaultdict(list)
        for number in rows:
            partitions[partition_of(number)].append(number)
        for numbers in partitions.values():
            for at in range(0, len(numbers), CHUNK):
                some = tuple(numbers[at : at + CHUNK])
                since = tuple(rows[number].since_us for number in some)
                named = tuple(rows[number].source for number in some)
                part = hashlib.sha256(f"{state}{some}".encode()).hexdigest()[:16]
                yield replace(
                    asked,
                    scope=scope,
                    message_id=f"{asked.message_id}-{part}" if asked.message_id else "",
                    numbers=some,
                    since_us=since if any(since) else (),
                    external_sources=named if any(named) else (),
                )

    def apply(self, entries: Sequence[Entry]) -> list[Event]:
        """Enter entries and wait until they are applied, here or by a worker.

        Gives their events, but not those of entries that an earlier try had applied.
        """
        inbox, found = self.store.inbox_reader, list[Event]()
        added = self._inbox.add([Arrival(one) for one in entries]) if entries else []
        for partition in {partition_of(one.numbers[0]) for one in entries}:
            # What is there already came by a try that ended, perhaps before it was applied.
            newest = inbox.newest(partition)
            while newest and inbox.waits(partition, newest):
                found += self.applier.drain(partition)
        ids = {one.id for one in added} - {""}
        names = {one.message_id for one in entries} - {""}
        found = [one for one in found if one.inbox_id in ids or entry_of(one).message_id in names]
        new = {entry.message_id for entry, one in zip(entries, added, strict=True) if one.id}
        missing = new - {"", *(entry_of(one).message_id for one in found)}
        if missing:  # a worker was faster
            self.archiver.move_all()
        reader = self.records.reader
        return found + [one.event for id_ in missing for one in reader.of_message("", id_)]

    def record(self, asked: Entry, note: str, outcome: str = "applied", id_: str = "") -> None:
        """Put on record that a whole list was imported, or undone, and what that changed.

        ``id_``: that of the event, where of several with the same one only the first is kept.
        """
        now_us, about = self.store.health.now_us(), (asked.message_id, outcome)
        reason = asked.decision.note
        event = operator_event(IMPORT_FILE, note, asked.actor, reason, now_us, *about)
        decision = entry_of(event).decision
        entry = replace(asked, decision=decision, action="", phone=False)
        event = replace(
            event,
            id=id_ or event.id,
            program=asked.program,
            scope=asked.scope,
            outcome=outcome,
            entry=entry,
        )
        self.store.ledger.append(partition_of(""), event)

    def _scope(self, program: str) -> str:
        """Where an opt-out of a list for a program (or ``all``) holds."""
        found = self.settings.programs.get(program)
        return found.stop_scope if found else ALL


def _outcomes(events: Iterable[Event], applied: str) -> dict[str, str]:
    """What events of lists say of each number; ``applied`` is the word for what changed."""
    words = {"applied": applied, "stale": "not_applied"}
    return {
        number: words.get(group.outcome, group.outcome)
        for event in events
        for group in event.listed
        for number in group.numbers
    }


def entry_of(event: Event) -> Entry:
    """The entry that an event of a list is recorded with."""
    if event.entry is None:
        raise ValueError("an import is recorded with its entry")
    return event.entry


def imports(records: Records, limit: int) -> list[Import]:
    """The newest imports that came to their end, and undos, newest first.

    Raises ``RecordsUnavailable``.
    """
    return [_import(one.event) for one in records.reader.newest(limit, IMPORT_FILE)]


def import_of(records: Records, id_: str) -> Import:
    """One import. Raises ``NotFound``, ``RecordsUnavailable``."""
    return _import(import_event(records, id_))


def import_event(records: Records, id_: str) -> Event:
    """The event of a whole imported list. Raises ``NotFound``, ``RecordsUnavailable``."""
    for one in records.reader.of_message("", id_):
        if one.event.kind == IMPORT_FILE and one.event.outcome != UNDONE_OUTCOME:
            return one.event
    raise NotFound(
        f"No import {id_!r} is on record: `smsgate imports list` and GET /v1/imports have those "
        "that are."
    )


def _import(event: Event) -> Import:
    entry = entry_of(event)
    return Import(
        id=entry.message_id,
        at=time_of(event.received_us),
        action="undone" if event.outcome == UNDONE_OUTCOME else "imported",
        actor=entry.actor,
        program=event.program,
        reason=entry.decision.note,
        changed=event.note,
    )


def parts_of(records: Records, list_id: str) -> Iterator[Recorded]:
    """The recorded parts of an imported list, in the order of each partition."""
    is_part = begins_with(f"{list_id}-") & (events.c.kind == "import")
    asked = EVENTS.where(is_part).order_by(events.c.seq, events.c.partition)
    return map(recorded_of, stream_of(records.database, asked))


def entered_before(records: Records, list_id: str) -> tuple[str, set[str]]:
    """The id that a list is entered under, and the message ids that it has on record.

    Once an import was undone, the same file is another list: its id has a dot and how often.
    """
    times = sum(one.startswith(list_id) for one in undone_lists(records))
    list_id = f"{list_id}.{times}" if times else list_id
    asked = select(events.c.message_id).where(begins_with(list_id))
    ids = {row.message_id for row in rows_of(records.database, asked)}
    return list_id, {one for one in ids if one == list_id or one.startswith(f"{list_id}-")}


def undone_lists(records: Records) -> set[str]:
    """The ids of the lists that were undone, though some of their numbers may have been kept."""
    is_undo = (events.c.kind == IMPORT_FILE) & (events.c.outcome == UNDONE_OUTCOME)
    rows = rows_of(records.database, select(events.c.message_id).where(is_undo))
    return {row.message_id for row in rows}


def list_of(event: Event) -> str:
    """The id of the list whose numbers an event enters or puts back."""
    entry = entry_of(event)
    return entry.undoes or entry.message_id.rpartition("-")[0]


def begins_with(prefix: str) -> ColumnElement[bool]:
    """Whether an event is that of an entry of ours whose message id begins so."""
    ids, prefix = events.c.message_id, lookup(prefix)
    return (events.c.account == "") & (ids >= prefix) & (ids < f"{prefix}~")
