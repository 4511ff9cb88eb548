"""A file of numbers on its way in: previewed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.lists.import_record import entered_before, record_import
from smsgate.features.lists.list_file import ListFile, ListOptions, ListRow
from smsgate.features.lists.results import DUPLICATE, ListResult, change_text, counting
from smsgate.features.lists.rows import ListUnreadable, SeenNumbers, State
from smsgate.interface.operation import Progress
from smsgate.pipeline.manual import check_program
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
_Work: TypeAlias = Callable[[State, Mapping[str, ListRow], str], Sequence[str]]


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
    source: str = "import"
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
        is_opt_out = request.state == "opted_out"
        found = self._store.numbers.memberships(numbers, program, consents=not is_opt_out)
        if is_opt_out:
            return ["repeat" if _is_blocked(bits) else "new" for bits in found]
        return [
            "refused" if _is_blocked(bits) else "repeat" if bits[_CONSENT] == _IN else "new"
            for bits in found
        ]

    def enter(
        self,
        numbers: Sequence[str],
        request: ImportRequest,
        since_us: Sequence[int] = (),
        sources: Sequence[str] = (),
        *,
        part: str = "",
        known: Collection[str] = (),
    ) -> list[str]:
        """Enter numbers (E.164), wait until they are applied, and say what became of each.

        ``since_us`` and ``sources`` say of each since when it stands so and where the list has it
        from, if that is known; ``part`` which part of the list this is, the same at every try;
        ``known`` which parts were entered once and are not to be entered again. Raises
        ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``; then some of it may be in, and
        trying again does no harm.
        """
        if request.program != ALL or request.state == "subscribed":
            check_program(self._settings, request.program)
        before = self.rehearse(numbers, request)
        entries = self._entries(numbers, request, since_us, part, sources)
        new = [one for one in entries if one.message_id not in known]
        added = self._store.inbox.add([Arrival(entry) for entry in new])[0] if new else []
        for entry, one in zip(new, added, strict=True):
            partition = partition_of(entry.numbers[0])
            # One that is there already came by a try that ended, perhaps before it was applied.
            id_ = self._store.inbox_reader.newest(partition) if one.duplicate else one.id
            while id_ and self._store.inbox_reader.waits(partition, id_):
                self._applier.drain(partition)
        done = {"new": "not_applied", "repeat": "applied"}
        after = self.rehearse(numbers, request)
        return [
            "repeat" if was == now == "repeat" else done.get(now, now)
            for was, now in zip(before, after, strict=True)
        ]

    def _entries(
        self,
        numbers: Sequence[str],
        request: ImportRequest,
        since_us: Sequence[int],
        part: str,
        sources: Sequence[str] = (),
    ) -> Iterator[Entry]:
        stops = request.state == "opted_out"
        intent = Intent.OPT_OUT_ALL if request.program == ALL else Intent.OPT_OUT
        partitions: dict[int, dict[str, int]] = defaultdict(dict)
        for place, number in enumerate(numbers):
            partitions[partition_of(number)].setdefault(number, place)
        for partition, places in sorted(partitions.items()):
            of_partition = [*places.items()]
            for at in range(0, len(of_partition), CHUNK):
                some = of_partition[at : at + CHUNK]
                since = tuple(since_us[place] for _, place in some) if since_us else ()
                named = tuple(sources[place] for _, place in some) if sources else ()
                yield Entry(
                    number="",
                    program=request.program,
                    decision=Decision(
                        intent if stops else Intent.OPT_IN, rule="import", note=request.note
                    ),
                    scope=scope_of(self._settings, request.program) if stops else "",
                    source=request.source,
                    actor=request.actor,
                    message_id=f"{request.id}-{part}-{partition}-{at // CHUNK}" * bool(request.id),
                    action="import",
                    consent=None if stops else request.consent,
                    numbers=tuple(number for number, _ in some),
                    since_us=since if any(since) else (),
                    external_sources=named if any(named) else (),
                )


def _is_blocked(bits: bytes) -> bool:
    own, back = (bits[_OWN], bits[_BACK]) if len(bits) > _BACK else (0, 0)
    return _IN in (bits[_LOCKED], own) or (bits[_ALL] == _IN and back != _IN)


class FileImport:
    """One file, and what is to be done with its rows."""

    def __init__(
        self, services: Services, options: ListOptions, file: BinaryIO, *, actor: str, name: str
    ) -> None:
        """Recognise the file. Raises ``ListUnreadable``, ``UnknownProgram``, ``Unfit``."""
        options.check(services.settings)
        self._services, self._options, self._bytes = services, options, file
        self._number_import = NumberImport(services)
        self._file = ListFile(file, options)
        consent = None
        if options.words:
            consent = Consent(options.words.strip(), options.medium, source=name)
        self._request = ImportRequest(
            options.program,
            options.state or "opted_out",
            actor=actor,
            id=_list_id(options, file),
            note=name,
            consent=consent,
        )

    def preview(self, progress: Progress, result: Path | None = None) -> ListResult:
        """Read the whole file and say what would become of it; nothing is entered.

        ``result`` is where to write the rows that cannot be used. Raises ``ListUnreadable``,
        ``StoreUnavailable``, ``StoreNotReady``.
        """

        def rehearse(state: State, rows: Mapping[str, ListRow], _: str) -> list[str]:
            return self._number_import.rehearse([*rows], replace(self._request, state=state))

        return self._run("Reading the list", progress, result, rehearse, done=False)

    def apply(self, progress: Progress, result: Path | None = None) -> ListResult:
        """Enter what was previewed, and wait until all of it is applied. Raises as ``preview``."""
        if _list_id(self._options, self._bytes) != self._request.id:
            raise ListUnreadable("The file was changed while it was imported: import it again.")
        request, known = self._request, set[str]()
        with suppress(RecordsUnavailable):  # then the store's 48 hours have to do
            list_id, known = entered_before(self._services.records, request.id)
            request = replace(request, id=list_id)

        def enter(state: State, rows: Mapping[str, ListRow], part: str) -> list[str]:
            return self._number_import.enter(
                [*rows],
                replace(request, state=state),
                [one.since_us for one in rows.values()],
                [one.source for one in rows.values()],
                part=part,
                known=known,
            )

        found = self._run("Importing", progress, result, enter, done=True)
        found.import_id, found.applied = request.id, True
        if found.outcomes.get("applied"):
            counts = ", ".join(f"{count} {name}" for name, count in found.outcomes.items())
            note = " ".join([f"{request.note}: {found.rows} rows: {counts}.", *found.changes])
            record_import(
                self._services,
                request.id,
                request.program,
                request.actor,
                request.note,
                note,
                consent=request.consent,
            )
        return found

    def _run(
        self, what: str, progress: Progress, path: Path | None, work: _Work, *, done: bool
    ) -> ListResult:
        found = ListResult(format=self._file.format, import_id=self._request.id)
        seen, changed = SeenNumbers(), Counter[State]()
        with counting(found, path) as count:
            for part, rows in enumerate(self._file.windows(WINDOW)):
                outcomes: dict[int, str] = {}
                for state in _STATES:  # beside an opt-out of the same file a consent is refused
                    first = _first_rows(rows, state, seen)
                    stopped = seen.among(first) if state == "subscribed" else ()
                    done_to = work(state, first, f"{part}{state[0]}") if first else ()
                    for row, outcome in zip(first.values(), done_to, strict=True):
                        is_stopped = outcome == "new" and row.number in stopped
                        outcomes[row.line] = "refused" if is_stopped else outcome
                        changed[state] += outcomes[row.line] in ("new", "applied")
                    found.subscribed += len(first) if state == "subscribed" else 0
                for row in rows:
                    count(row.reason or outcomes.get(row.line, DUPLICATE), row.cell, row.line)
                    found.undated += row.is_undated
                progress(what, self._file.read_bytes, self._file.size)
        settings, program = self._services.settings, self._options.program
        for state, number in changed.items():
            scope = program if state == "subscribed" else scope_of(settings, program)
            found.changes.append(change_text(settings, state, scope, number, done=done))
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
