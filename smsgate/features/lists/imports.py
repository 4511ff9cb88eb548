"""A file of numbers on its way in: previewed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import msgspec

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.lists.import_record import entered_before, record_import
from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow
from smsgate.features.lists.results import DUPLICATE, ListResult, change_text, counting
from smsgate.features.lists.rows import SeenNumbers, State
from smsgate.interface.operation import Progress
from smsgate.pipeline.services import Services
from smsgate.settings import Settings
from smsgate.store.keys import partition_of

CHUNK = 500
"""Numbers in one entry of the inbox."""
_ALL, _LOCKED, _OWN, _BACK, _CONSENT = range(5)
_IN = ord("1")
WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
_STATES: tuple[State, State] = ("opted_out", "subscribed")


def check_words(options: ListOptions, preview: ListResult) -> None:
    """Raise ``Unfit`` where consents would be recorded without their words."""
    if preview.subscribed and not options.words.strip():
        raise Unfit(
            "Say what the subscribers agreed to: the words that they were shown.", field="words"
        )


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the rows of a list have in common."""

    program: str
    """Name of a program, or ``all`` for an opt-out from everything."""
    state: State
    actor: str = ""
    id: str = ""
    """Of the list: its parts are entered once, however often they come. Empty: always anew."""
    note: str = ""
    """Recorded: the name of the file."""
    consent: Consent | None = None
    """What was agreed to, where the rows say that people subscribed."""


def scope_of(settings: Settings, program: str) -> str:
    """Where an opt-out of a list for a program (or ``all``) holds."""
    found = settings.programs.get(program)
    return ALL if found is None or found.scope == "all" else found.name


class NumberImport:
    """Enters the numbers of lists."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._store = services.store
        self._applier = services.applier

    def rehearse(self, numbers: Sequence[str], request: ImportRequest) -> list[str]:
        """What would become of each number (E.164): ``new``, ``repeat`` or ``refused``.

        Raises ``StoreUnavailable``, ``StoreNotReady``.
        """
        program = "" if request.program == ALL else request.program
        is_consent = request.state == "subscribed"
        blocked = "refused" if is_consent else "repeat"
        return [
            blocked
            if _is_blocked(bits)
            else "repeat"
            if is_consent and bits[_CONSENT] == _IN
            else "new"
            for bits in self._store.numbers.memberships(numbers, program, consents=is_consent)
        ]

    def enter(
        self,
        rows: Mapping[str, ListRow],
        request: ImportRequest,
        *,
        part: str = "",
        known: Collection[str] = (),
    ) -> list[str]:
        """Enter rows by number, wait until they are applied, and say what became of each.

        ``part`` says which part of the list this is, the same at every try; ``known`` are the parts
        that were entered once and are not to be entered again. Raises ``UnknownProgram``,
        ``StoreUnavailable``, ``StoreNotReady``; then some of it may be in, and trying again does no
        harm.
        """
        before = self.rehearse([*rows], request)
        entries = [one for one in self.entries(rows, request, part) if one.message_id not in known]
        added = self._store.inbox.add([Arrival(one) for one in entries])[0] if entries else []
        for entry, one in zip(entries, added, strict=True):
            partition = partition_of(entry.numbers[0])
            # One that is there already came by a try that ended, perhaps before it was applied.
            id_ = self._store.inbox_reader.newest(partition) if one.duplicate else one.id
            while id_ and self._store.inbox_reader.waits(partition, id_):
                self._applier.drain(partition)
        done = {"new": "not_applied", "repeat": "applied"}
        return [
            "repeat" if was == now == "repeat" else done.get(now, now)
            for was, now in zip(before, self.rehearse([*rows], request), strict=True)
        ]

    def entries(
        self, rows: Mapping[str, ListRow], request: ImportRequest, part: str
    ) -> Iterator[Entry]:
        """What goes into the inbox: entries of up to 500 numbers of one partition."""
        stops = request.state == "opted_out"
        intent = Intent.OPT_OUT_ALL if request.program == ALL else Intent.OPT_OUT
        decision = Decision(intent if stops else Intent.OPT_IN, rule="import", note=request.note)
        partitions: dict[int, list[str]] = defaultdict(list)
        for number in rows:
            partitions[partition_of(number)].append(number)
        for partition, numbers in sorted(partitions.items()):
            for at in range(0, len(numbers), CHUNK):
                some = tuple(numbers[at : at + CHUNK])
                since = tuple(rows[number].since_us for number in some)
                named = tuple(rows[number].source for number in some)
                yield Entry(
                    number="",
                    program=request.program,
                    decision=decision,
                    scope=scope_of(self._settings, request.program) if stops else "",
                    source="import",
                    actor=request.actor,
                    message_id=f"{request.id}-{part}-{partition}-{at // CHUNK}" * bool(request.id),
                    action="import",
                    consent=None if stops else request.consent,
                    numbers=some,
                    since_us=since if any(since) else (),
                    external_sources=named if any(named) else (),
                )


def _is_blocked(bits: bytes) -> bool:
    own, back = (bits[_OWN], bits[_BACK]) if len(bits) > _BACK else (0, 0)
    return _IN in (bits[_LOCKED], own) or (bits[_ALL] == _IN and back != _IN)


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

    Call it without ``applies`` first: then it is entered only if all of it can be read.

    ``result`` is where to write the rows that cannot be used, ``name`` that of the file. Raises
    ``ListUnreadable``, ``UnknownProgram``, ``Unfit``, ``StoreUnavailable``, ``StoreNotReady``.
    """
    options.check(services.settings)
    id_, known, settings, program = (
        _list_id(options, file),
        set[str](),
        services.settings,
        options.program,
    )
    with suppress(RecordsUnavailable):  # then the store's 48 hours have to do
        id_, known = entered_before(services.records, id_)
    consent = Consent(options.words.strip(), options.medium, source=name) if options.words else None
    request = ImportRequest(program, "opted_out", actor, id_, name, consent)
    list_file, numbers = ListFile(file, options), NumberImport(services)
    found = ListResult(format=list_file.format, import_id=id_, applied=applies)
    seen, changed = SeenNumbers(), Counter[State]()
    with counting(found, result) as count:
        for part, rows in enumerate(list_file.windows(WINDOW)):
            outcomes: dict[int, str] = {}
            for state in _STATES:  # beside an opt-out of the same file a consent is refused
                first = _first_rows(rows, state, seen)
                asked = replace(request, state=state)
                done = (
                    numbers.enter(first, asked, part=f"{part}{state[0]}", known=known)
                    if applies
                    else numbers.rehearse([*first], asked)
                )
                stopped = seen.among(first) if state == "subscribed" else ()
                for row, outcome in zip(first.values(), done, strict=True):
                    is_stopped = outcome == "new" and row.number in stopped
                    outcomes[row.line] = "refused" if is_stopped else outcome
                    changed[state] += outcomes[row.line] in ("new", "applied")
                found.subscribed += len(first) if state == "subscribed" else 0
            for row in rows:
                count(row.reason or outcomes.get(row.line, DUPLICATE), row.cell, row.line)
                found.undated += row.is_undated
            what = "Importing" if applies else "Reading the list"
            progress(what, list_file.read_bytes, list_file.size)
    for state, number in changed.items():
        scope = program if state == "subscribed" else scope_of(settings, program)
        found.changes.append(change_text(settings, state, scope, number, done=applies))
    if applies and found.outcomes.get("applied"):
        counts = ", ".join(f"{count} {outcome}" for outcome, count in found.outcomes.items())
        note = " ".join([f"{name}: {found.rows} rows: {counts}.", *found.changes])
        record_import(services, id_, program, actor, name, note, consent=consent)
    return found


def _first_rows(rows: list[ListRow], state: State, seen: SeenNumbers) -> dict[str, ListRow]:
    """By number the rows of a state that are the first with their number."""
    found: dict[str, ListRow] = {}
    for row in rows:
        if not row.reason and row.state == state:
            found.setdefault(row.number, row)
    new = seen.add(found, state)
    return {number: row for number, row in found.items() if number in new}


def _list_id(options: ListOptions, file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    digest.update(msgspec.json.encode(msgspec.structs.replace(options, words="", medium="other")))
    return f"import-{digest.hexdigest()[:32]}"
