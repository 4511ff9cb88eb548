"""Imports: a file of numbers on its way in, and the imports that are on record.

A file is previewed, or read once as a whole and then entered. Nothing is entered before the whole
file was read without a fault that makes it no list. The id of the list is made of its contents and
of what was asked for, and that of each part of its numbers; so the same file has one effect,
however often it comes and wherever the first try ended.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import ColumnElement, select

from smsgate.consent.events import Event
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, SmsGateError, Unfit
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.domain.signed_times import time_of
from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow, SeenNumbers
from smsgate.features.lists.results import DUPLICATE, ListResult, change_text, counting
from smsgate.features.lists.rows import State
from smsgate.interface.operation import Progress
from smsgate.pipeline.history import operator_event
from smsgate.pipeline.services import Services
from smsgate.records import Records
from smsgate.records.database import lookup
from smsgate.records.reader import event_of, stream_of
from smsgate.records.tables import events
from smsgate.settings import Settings
from smsgate.store.keys import partition_of

CHUNK = 500
"""Numbers in one entry of the inbox."""
WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
IMPORT_FILE, UNDONE_OUTCOME = "import_file", "undone"
"""Kind of the event of a whole list; its outcome where the list was undone."""
_STATES: tuple[State, State] = ("opted_out", "subscribed")


class NoSuchList(SmsGateError):
    """No list has that id, or it belongs to another operator, or it was removed."""

    status = 404


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the rows of a list have in common."""

    program: str
    """Name of a program, or ``all`` for an opt-out from everything."""
    state: State
    actor: str = ""
    id: str = ""
    """Of the list: its numbers are entered once, however often they come. Empty: always anew."""
    note: str = ""
    """Recorded: the name of the file."""
    consent: Consent | None = None
    """What was agreed to, where the rows say that people subscribed."""


def scope_of(settings: Settings, program: str) -> str:
    """Where an opt-out of a list for a program (or ``all``) holds."""
    found = settings.programs.get(program)
    return ALL if found is None or found.scope == "all" else found.name


def rehearse(services: Services, numbers: Sequence[str], request: ImportRequest) -> list[str]:
    """What would become of each number (E.164): ``new``, ``repeat`` or ``refused``.

    Raises ``StoreUnavailable``, ``StoreNotReady``.
    """
    program, is_consent = request.program, request.state == "subscribed"
    programs, blocked = [program] * (program != ALL), "refused" if is_consent else "repeat"
    states = services.store.numbers.consent_states_of(numbers, programs, states=False)
    return [
        blocked
        if one.blocked(program)
        else "repeat"
        if is_consent and program in one.consents
        else "new"
        for one in map(states.__getitem__, numbers)
    ]


def enter(
    services: Services,
    rows: Mapping[str, ListRow],
    request: ImportRequest,
    known: Collection[str] = (),
) -> list[str]:
    """Enter rows by number, wait until they are applied, and say what became of each.

    ``known`` are message ids that are not to be entered again. Raises ``StoreUnavailable``,
    ``StoreNotReady``; then some of it may be in, and trying again does no harm.
    """
    before = rehearse(services, [*rows], request)
    entries = entries_of(services.settings, rows, request)
    apply_entries(services, [one for one in entries if one.message_id not in known])
    done = {"new": "not_applied", "repeat": "applied"}
    return [
        "repeat" if was == now == "repeat" else done.get(now, now)
        for was, now in zip(before, rehearse(services, [*rows], request), strict=True)
    ]


def entries_of(
    settings: Settings, rows: Mapping[str, ListRow], request: ImportRequest
) -> Iterator[Entry]:
    """What goes into the inbox: entries of up to 500 numbers of one partition."""
    stops = request.state == "opted_out"
    intent = Intent.OPT_OUT_ALL if request.program == ALL else Intent.OPT_OUT
    decision = Decision(intent if stops else Intent.OPT_IN, rule="import", note=request.note)
    partitions: dict[int, list[str]] = defaultdict(list)
    for number in rows:
        partitions[partition_of(number)].append(number)
    for numbers in partitions.values():
        for at in range(0, len(numbers), CHUNK):
            some = tuple(numbers[at : at + CHUNK])
            since = tuple(rows[number].since_us for number in some)
            named = tuple(rows[number].source for number in some)
            part = hashlib.sha256(f"{request.state}{some}".encode()).hexdigest()[:16]
            yield Entry(
                number="",
                program=request.program,
                decision=decision,
                scope=scope_of(settings, request.program) if stops else "",
                source="import",
                actor=request.actor,
                message_id=f"{request.id}-{part}" if request.id else "",
                action="import",
                consent=None if stops else request.consent,
                numbers=some,
                since_us=since if any(since) else (),
                external_sources=named if any(named) else (),
            )


def apply_entries(services: Services, entries: Sequence[Entry]) -> list[Event]:
    """Enter entries and wait until they are applied, here or by a worker.

    Gives the events of those that were applied here.
    """
    inbox, found = services.store.inbox_reader, list[Event]()
    added = services.store.inbox.add([Arrival(one) for one in entries]) if entries else []
    for partition in {partition_of(one.numbers[0]) for one in entries}:
        # What is there already came by a try that ended, perhaps before it was applied.
        newest = inbox.newest(partition)
        while newest and inbox.waits(partition, newest):
            found += services.applier.drain(partition)
    ids = {one.id for one in added}
    return [one for one in found if one.inbox_id in ids]


def run_import(
    services: Services,
    options: ListOptions,
    file: BinaryIO,
    progress: Progress,
    result: Path | None = None,
    *,
    actor: str,
    name: str,
    applies: bool = False,
) -> ListResult:
    """Read a list and say what would become of it, or enter it and wait until it is applied.

    ``result`` is where to write the rows that cannot be used, ``name`` that of the file. Raises
    ``ListUnreadable``, ``UnknownProgram``, ``Unfit``, ``StoreUnavailable``, ``StoreNotReady``.
    """
    options.check(services.settings)
    list_file, words = ListFile(file, options), options.words.strip()
    if applies:  # all of it can be read, before any of it is entered
        deque(_windows(list_file, words, "Reading the list", progress), maxlen=0)
    id_, known, settings = _list_id(options, file), set[str](), services.settings
    with suppress(RecordsUnavailable):  # then the store's 48 hours have to do
        id_, known = entered_before(services.records, id_)
    consent = Consent(words, options.medium, source=name) if words else None
    request = ImportRequest(options.program, "opted_out", actor, id_, name, consent)
    found = ListResult(format=list_file.format, import_id=id_, applied=applies)
    seen, changed = SeenNumbers(), Counter[State]()
    with counting(found, result) as count:
        what = "Importing" if applies else "Reading the list"
        for rows in _windows(list_file, words, what, progress):
            outcomes: dict[int, str] = {}
            for state in _STATES:  # beside an opt-out of the same file a consent is refused
                first, asked = seen.first(rows, state), replace(request, state=state)
                if applies:
                    done = enter(services, first, asked, known)
                else:  # the store does not have those opt-outs
                    left = seen.opted_out(first) if state == "subscribed" else ()
                    would = zip(first, rehearse(services, [*first], asked), strict=True)
                    done = ["refused" if number in left else one for number, one in would]
                for row, outcome in zip(first.values(), done, strict=True):
                    outcomes[row.line] = outcome
                    changed[state] += outcome in ("new", "applied")
            for row in rows:
                count(row.reason or outcomes.get(row.line, DUPLICATE), row.cell, row.line)
                found.undated += row.is_undated
    for state, number in changed.items():
        scope = options.program if state == "subscribed" else scope_of(settings, options.program)
        found.changes.append(change_text(settings, state, scope, number, done=applies))
    if applies and (found.outcomes.get("applied") or id_ not in known):
        counts = ", ".join(f"{count} {outcome}" for outcome, count in found.outcomes.items())
        note = " ".join([f"{name}: {found.rows} rows: {counts}.", *found.changes])
        record_import(services, id_, options.program, actor, name, note, consent=consent)
    return found


def _windows(
    list_file: ListFile, words: str, what: str, progress: Progress
) -> Iterator[list[ListRow]]:
    """The rows, many at once. Raises ``Unfit`` for consents without words."""
    for rows in list_file.windows(WINDOW):
        if not words and any(row.state == "subscribed" and not row.reason for row in rows):
            raise Unfit(
                "Say what the subscribers agreed to: the words that they were shown.", field="words"
            )
        yield rows
        progress(what, list_file.read_bytes, list_file.size)


def _list_id(options: ListOptions, file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    digest.update(msgspec.json.encode(msgspec.structs.replace(options, words="", medium="other")))
    return f"import-{digest.hexdigest()[:32]}"


class Import(msgspec.Struct, frozen=True):
    """One import."""

    id: str
    imported: datetime
    actor: str
    file: str
    program: str
    """That it was for, or ``all``."""
    changed: str
    """What it changed, in words."""
    undone: datetime | None = None
    """When it was last undone, and by whom, why, and how many numbers were put back."""
    undone_by: str = ""
    undone_reason: str = ""
    undone_note: str = ""


def imports(records: Records, limit: int) -> list[Import]:
    """The newest imports that came to their end, newest first. Raises ``RecordsUnavailable``."""
    found = [one.event for one in records.reader.newest(2 * limit, IMPORT_FILE)]
    ids = dict.fromkeys(_entry(one).message_id for one in found if one.outcome != UNDONE_OUTCOME)
    return [
        _import(one for one in found if _entry(one).message_id == id_) for id_ in [*ids][:limit]
    ]


def import_of(records: Records, id_: str) -> Import:
    """One import. Raises ``NoSuchList``, ``RecordsUnavailable``."""
    found = [one.event for one in records.reader.of_message("", id_)]
    found = [one for one in found if one.kind == IMPORT_FILE]
    if all(one.outcome == UNDONE_OUTCOME for one in found):
        raise NoSuchList(
            f"No import {id_!r} is on record: `smsgate imports list` and GET /v1/imports have "
            "those that are."
        )
    return _import(found)


def _import(found: Iterable[Event]) -> Import:
    """By the events of a whole list.

    The first says what it changed. Where the same file came again before that was in the records,
    there is another, of a list that changed nothing.
    """
    in_order = sorted(found, key=lambda one: one.received_us)
    done = next(one for one in in_order if one.outcome != UNDONE_OUTCOME)
    undone = next((one for one in reversed(in_order) if one.outcome == UNDONE_OUTCOME), None)
    of_undo = _entry(undone) if undone else None
    return Import(
        id=_entry(done).message_id,
        imported=time_of(done.received_us),
        actor=_entry(done).actor,
        file=_entry(done).decision.note,
        program=done.program,
        changed=done.note,
        undone=time_of(undone.received_us) if undone else None,
        undone_by=of_undo.actor if of_undo else "",
        undone_reason=of_undo.decision.note if of_undo else "",
        undone_note=undone.note if undone else "",
    )


def _entry(event: Event) -> Entry:
    if event.entry is None:
        raise ValueError("an import is recorded with its entry")
    return event.entry


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
    event = operator_event(IMPORT_FILE, note, actor, reason, now_us, id_, outcome)
    of_list = {"program": program, "source": "import", "message_id": id_, "consent": consent}
    entry = msgspec.structs.replace(_entry(event), **of_list)
    event = msgspec.structs.replace(event, program=program, outcome=outcome, entry=entry)
    services.store.ledger.append(partition_of(""), event)


def parts_of(records: Records, list_id: str, partition: int) -> Iterator[Event]:
    """The recorded parts of an imported list in a partition, in their order."""
    of_partition = (events.c.partition == partition, events.c.kind == "import")
    asked = (
        select(events.c.facts)
        .where(*_beginning_with(f"{list_id}-"), *of_partition)
        .order_by(events.c.seq)
    )
    return (event_of(row.facts, None) for row in stream_of(records.database, asked))


def entered_before(records: Records, list_id: str) -> tuple[str, set[str]]:
    """The id that a list is entered under, and the message ids that it has on record.

    Once an import was undone, the same file is another list: its id has a dot and how often.
    """
    asked = select(events.c.message_id, events.c.outcome, events.c.kind)
    rows = [*stream_of(records.database, asked.where(*_beginning_with(list_id)))]
    undone = {
        row.message_id for row in rows if (row.kind, row.outcome) == (IMPORT_FILE, UNDONE_OUTCOME)
    }
    list_id = f"{list_id}.{len(undone)}" if undone else list_id
    return list_id, {
        row.message_id
        for row in rows
        if row.message_id == list_id or row.message_id.startswith(f"{list_id}-")
    }


def _beginning_with(prefix: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions for entries of ours whose message id begins so."""
    ids, prefix = events.c.message_id, lookup(prefix)
    return events.c.account == "", ids >= prefix, ids < f"{prefix}~"
