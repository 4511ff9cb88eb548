"""A file of numbers on its way in: previewed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, NamedTuple

import msgspec

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.features.lists.columns import ColumnNames, ListUnreadable, plain, printable
from smsgate.features.lists.import_record import (
    IMPORT_FILE,
    change_text,
    entered_before,
    record_import,
    scope_of,
)
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import OUTCOMES, ImportRequest, NumberImport
from smsgate.features.lists.rows import (
    BLANK,
    OTHER,
    REASONS,
    ListRow,
    RowReader,
    SeenNumbers,
    State,
    region_of,
)
from smsgate.files import csv_file
from smsgate.interface.operation import Progress
from smsgate.interface.schemas import Medium
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.services import Services
from smsgate.settings import Settings

ColumnName = Annotated[
    str, msgspec.Meta(max_length=200, description="A header, or a position from 1.")
]
Region = Annotated[
    str, msgspec.Meta(max_length=40, description="Country of numbers without one, such as US.")
]
_READ_BYTES = 1 << 20
WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
SHOWN = 10
"""Rows that could not be used that are shown, the first ones."""
_MAX_PROGRAMS, _OTHERS = 50, "(others)"
"""Values of the program column that are counted one by one, and what stands for the rest."""
_MAX_NAMED = 10
DUPLICATE = "duplicate"
ROW_OUTCOMES = {
    **OUTCOMES,
    **REASONS,
    DUPLICATE: "same number as an earlier row",
    OTHER: "not about an opt-out",
    BLANK: "empty line",
}
"""What each outcome of a row means."""
_CHANGING, _KNOWN, _NOT_COUNTED = ("new", "applied"), ("repeat", DUPLICATE), (OTHER, BLANK)


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to read a list, and what its rows have in common."""

    program: Annotated[
        str,
        msgspec.Meta(
            max_length=100,
            description="Program that the numbers opted out of, or `all`; empty where "
            "`program_column` says the program of each row.",
        ),
    ] = ""
    state: Annotated[
        Literal["", "opted_out", "subscribed"],
        msgspec.Meta(
            description="State of every number; empty: as the file says, else opted out. "
            "`subscribed` records consents and lifts no opt-out."
        ),
    ] = ""
    region: Region = ""
    column: ColumnName = ""
    date_column: ColumnName = ""
    state_column: ColumnName = ""
    program_column: ColumnName = ""
    source_column: ColumnName = ""
    words: Annotated[
        str, msgspec.Meta(max_length=2_000, description="What subscribers agreed to.")
    ] = ""
    medium: Annotated[Medium, msgspec.Meta(description="Where they agreed to it.")] = "other"

    def column_names(self) -> ColumnNames:
        """The columns that were named."""
        return ColumnNames(
            self.column,
            self.date_column,
            self.state_column,
            self.program_column,
            self.source_column,
        )


class UnusedRow(msgspec.Struct, frozen=True):
    """A row that could not be used."""

    line: int
    cell: str
    outcome: str


class ProgramOutcome(msgspec.Struct, frozen=True):
    """What becomes of the rows for a program."""

    program: str
    """Its name, or ``all``."""
    new: int
    """Numbers that change, or changed."""
    known: int
    """Rows that say what holds already, or what an earlier row says."""
    refused: int
    """Rows that are not used."""
    reasons: dict[str, int]
    """Why not."""


class ImportResult(msgspec.Struct, tag=True):
    """What a file holds, and what would become of it, or became."""

    format: str
    encoding: str
    import_id: str
    applied: bool = False
    rows: int = 0
    subscribed: int = 0
    """Numbers that the file says subscribed."""
    outcomes: dict[str, int] = {}
    """Rows by what becomes of them, or why they are not used."""
    programs: list[ProgramOutcome] = []
    unknown_programs: dict[str, int] = {}
    """Rows whose program there is not, by what they say."""
    undated: int = 0
    """Rows whose date cannot be read: since when they hold is unknown."""
    changes: list[str] = []
    """What would change, or changed, in sentences."""
    first: list[UnusedRow] = []
    """The first rows that could not be used."""
    unused: int = 0
    """Rows that could not be used."""


class _Group(NamedTuple):
    """What rows say alike of their numbers."""

    state: State
    program: str
    """A program, or ``all``."""


_Work = Callable[[_Group, Mapping[str, ListRow], str], list[str]]


class FileImport:
    """One file, and what is to be done with its rows."""

    def __init__(
        self,
        services: Services,
        options: ImportOptions,
        file: BinaryIO,
        *,
        actor: str,
        name: str,
        allowed: Collection[str] = (),
    ) -> None:
        """Recognise the file.

        Where a column says the program, options without a program enter each row for its own; with
        one, only the rows of that; and with ``all`` every row. ``allowed`` are the programs that
        rows may be for; empty: every program. Raises ``ListUnreadable``, ``UnknownProgram``,
        ``Unfit``.
        """
        check_options(services.settings, options)
        self._services = services
        self._number_import = NumberImport(services)
        self._options = options
        self._file = ListFile(file, options.column_names())
        self._bytes = file
        self._list_id = _list_id(options, file)
        self._seen = SeenNumbers()
        consent = None
        if options.words:
            consent = Consent(words=options.words, medium=options.medium, source=name)
        self._request = ImportRequest(
            options.program, options.state or "opted_out", actor=actor, note=name, consent=consent
        )
        self._reader = RowReader(
            self._file.columns,
            region=region_of(options.region),
            state=self._request.state,
            forced=bool(options.state),
            program=options.program,
            programs=_programs_by_name(services.settings, options.program, allowed),
        )

    def preview(self, progress: Progress, result: Path | None = None) -> ImportResult:
        """Read the whole file and say what would become of it; nothing is entered.

        ``result`` is where to write a CSV file with the outcome of each row. Raises
        ``ListUnreadable``, ``StoreUnavailable``, ``StoreNotReady``.
        """
        return self._run("Reading the list", progress, result, self._previewed)

    def apply(self, progress: Progress, result: Path | None = None) -> ImportResult:
        """Enter what was previewed, and wait until all of it is applied. Raises as ``preview``."""
        if _list_id(self._options, self._bytes) != self._list_id:
            raise ListUnreadable("The file was changed while it was imported: import it again.")
        list_id, known = self._list_id, set[str]()
        with suppress(RecordsUnavailable):  # then the store's 48 hours have to do
            list_id, known = entered_before(self._services.records, list_id)
        request = replace(self._request, id=list_id)

        def enter(group: _Group, rows: Mapping[str, ListRow], part: str) -> list[str]:
            part += group.state[0]
            return self._number_import.enter(
                [*rows],
                replace(request, state=group.state, program=group.program),
                [one.since_us for one in rows.values()],
                [one.source for one in rows.values()],
                part=part if self._options.program else f"{part}-{group.program}",
                known=known,
            )

        found = self._run("Importing", progress, result, enter)
        found.import_id, found.applied = list_id, True
        if found.outcomes.get("applied"):
            entry = Entry(
                number="",
                program=request.program,
                decision=Decision(Intent.NONE, rule=IMPORT_FILE, note=request.note),
                source=request.source,
                actor=request.actor,
                message_id=list_id,
                phone=False,
                consent=request.consent,
            )
            counts = ", ".join(f"{count} {name}" for name, count in found.outcomes.items())
            note = " ".join([f"{request.note}: {found.rows} rows: {counts}.", *found.changes])
            record_import(self._services.store, entry, "applied", note)
        return found

    def _previewed(self, group: _Group, rows: Mapping[str, ListRow], _: str) -> list[str]:
        request = replace(self._request, state=group.state, program=group.program)
        outcomes = self._number_import.rehearse([*rows], request)
        # By then the opt-outs of earlier rows of this file will have been applied.
        scope = scope_of(self._services.settings, group.program)
        is_consent = group.state == "subscribed"
        earlier = set[str]()
        for one in {ALL, scope} if is_consent else {ALL} - {scope}:
            earlier |= self._seen.among(_Group("opted_out", one), rows)
        instead = "refused" if is_consent else "repeat"
        return [
            instead if outcome == "new" and number in earlier else outcome
            for number, outcome in zip(rows, outcomes, strict=True)
        ]

    def _run(self, what: str, progress: Progress, result: Path | None, work: _Work) -> ImportResult:
        file, self._seen = self._file, SeenNumbers()
        counts = _Counts(ImportResult(file.format, file.encoding, self._list_id))
        columns = ["line", "given", "number", "outcome", "why", "state", "program"]
        with csv_file(result, columns) if result else nullcontext() as write:
            for part, rows in enumerate(self._windows(counts)):
                outcomes = self._outcomes(rows, work, f"{part}", counts)
                for row in rows:
                    outcome = row.reason or outcomes.get(row.line, DUPLICATE)
                    counts.add(row, outcome)
                    if write is not None:
                        state = "" if row.reason or outcome == DUPLICATE else row.state
                        why = ROW_OUTCOMES.get(outcome, "")
                        cell = printable(row.cell, 200)
                        write([row.line, cell, row.number, outcome, why, state, row.program])
                progress(what, min(file.read_bytes, file.size), file.size)
        return counts.result(self._services.settings, done=work != self._previewed)

    def _outcomes(
        self, rows: list[ListRow], work: _Work, part: str, counts: _Counts
    ) -> dict[int, str]:
        """By line what became of the rows that are the first with their number."""
        firsts: dict[_Group, dict[str, ListRow]] = defaultdict(dict)
        for row in rows:
            if not row.reason:
                firsts[self._scoped(row)].setdefault(row.number, row)
        groups: dict[_Group, dict[str, ListRow]] = defaultdict(dict)
        for scoped, some in firsts.items():
            new = self._seen.add(scoped, some)
            for number, row in some.items():
                if number in new:
                    groups[_Group(row.state, row.program)][number] = row
        found: dict[int, str] = {}
        for group in sorted(groups, key=self._order):
            outcomes = work(group, groups[group], part)
            lines = (row.line for row in groups[group].values())
            found.update(zip(lines, outcomes, strict=True))
            scope = self._scoped(group).program
            counts.changes[group.state, scope, "" if scope == ALL else group.program] += sum(
                one in _CHANGING for one in outcomes
            )
        return found

    def _windows(self, counts: _Counts) -> Iterator[list[ListRow]]:
        read, date, program = self._reader.read, self._file.columns.date, self._file.columns.program
        window: list[ListRow] = []
        for line, cells in self._file.rows():
            row = read(line, cells)
            window.append(row)
            if date is not None and not row.since_us and RowReader.cell(cells, date).strip():
                counts.undated += 1
            if row.reason == "unknown_program":
                counts.add_unknown(RowReader.cell(cells, program))
            if len(window) >= WINDOW:
                yield window
                window = []
        yield window

    def _scoped(self, group: ListRow | _Group) -> _Group:
        """The state and where it holds: rows of programs with one scope do the same."""
        if group.state == "subscribed":
            return _Group(group.state, group.program)
        return _Group(group.state, scope_of(self._services.settings, group.program))

    def _order(self, group: _Group) -> tuple[bool, bool, str]:
        """Of the groups of a window those that may decide others come first.

        Beside an opt-out of the same window a consent is refused.
        """
        return group.state == "subscribed", self._scoped(group).program != ALL, group.program


class _Counts:
    """Counts rows while a file is read."""

    def __init__(self, found: ImportResult) -> None:
        self._found = found
        self._outcomes: Counter[str] = Counter()
        self._programs: dict[str, Counter[str]] = defaultdict(Counter)
        self._unknown: Counter[str] = Counter()
        self.changes: Counter[tuple[State, str, str]] = Counter()
        self.undated = 0

    def add(self, row: ListRow, outcome: str) -> None:
        self._found.rows += 1
        self._outcomes[outcome] += 1
        if row.program and outcome not in _NOT_COUNTED:
            self._programs[row.program][outcome] += 1
        if not row.reason and outcome != DUPLICATE:
            self._found.subscribed += row.state == "subscribed"
        is_unused = outcome == "not_applied" or (outcome in REASONS and outcome != "other_program")
        self._found.unused += is_unused
        if is_unused and len(self._found.first) < SHOWN:
            self._found.first.append(UnusedRow(row.line, printable(row.cell), outcome))

    def add_unknown(self, cell: str) -> None:
        name = printable(cell.strip(), 60)
        known = name in self._unknown or len(self._unknown) < _MAX_PROGRAMS
        self._unknown[name if known else _OTHERS] += 1

    def result(self, settings: Settings, *, done: bool) -> ImportResult:
        found = self._found
        found.outcomes = dict(self._outcomes.most_common())
        found.unknown_programs = dict(self._unknown.most_common())
        found.undated = self.undated
        found.programs = [_program_outcome(*one) for one in self._programs.items()]
        found.changes = [
            change_text(settings, *what, count, done=done) for what, count in self.changes.items()
        ]
        return found


def _program_outcome(program: str, outcomes: Counter[str]) -> ProgramOutcome:
    reasons = {
        name: count for name, count in outcomes.most_common() if name not in (*_CHANGING, *_KNOWN)
    }
    new, known = (sum(outcomes[one] for one in some) for some in (_CHANGING, _KNOWN))
    return ProgramOutcome(program, new, known, sum(reasons.values()), reasons)


def _list_id(options: ImportOptions, file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_READ_BYTES):
        digest.update(chunk)
    digest.update(msgspec.json.encode(msgspec.structs.replace(options, words="", medium="other")))
    return f"import-{digest.hexdigest()[:32]}"


def check_options(settings: Settings, options: ImportOptions) -> None:
    """Raise ``UnknownProgram`` or ``Unfit`` where they do not say for which program rows are."""
    region_of(options.region)
    if not options.program and not options.program_column:
        raise Unfit(
            "Say for which program the list is, or which column names the program of each row.",
            field="program",
        )
    if options.program and (options.program != ALL or options.state == "subscribed"):
        check_program(settings, options.program)


def _programs_by_name(
    settings: Settings, name: str, allowed: Collection[str]
) -> dict[str, str] | None:
    """By what a file may call it the program that is meant; None where every row is.

    ``name`` is the one program that is meant, or empty for every one of ``allowed``. What two
    programs are called is none of them, unless it is the very name of one.
    """
    if name == ALL:
        return None
    programs = [one for one in settings.programs if name in ("", one.name)]
    programs = [one for one in programs if not allowed or one.name in allowed]
    titles: dict[str, set[str]] = defaultdict(set)
    for program in programs:
        for title in (program.title, *program.formerly):
            titles[plain(title)].add(program.name)
    names = {title: found.pop() for title, found in titles.items() if title and len(found) == 1}
    return names | {plain(one.name): one.name for one in programs}


def unknown_programs_text(result: ImportResult, settings: Settings) -> str:
    """Which programs of a file there are not, and what would be right; empty for none."""
    if not result.unknown_programs:
        return ""
    first = [*result.unknown_programs.items()][:_MAX_NAMED]
    wrong = ", ".join(f"{name!r} ({count:,})" for name, count in first)
    wrong += ", …" if len(result.unknown_programs) > len(first) else ""
    right = ", ".join(
        one.name if one.title == one.name else f"{one.name} ({one.title})"
        for one in settings.programs
    )
    return f"Unknown programs in the file: {wrong}. Use one of: {right}."


def import_text(result: ImportResult, settings: Settings) -> str:
    """A result for somebody at a terminal."""
    lines = [f"{result.format}, {result.encoding}; {result.rows:,} rows.", *result.changes]
    if len(result.programs) > 1:
        for one in result.programs:
            reasons = ", ".join(f"{count:,} {name}" for name, count in one.reasons.items())
            lines.append(
                f"{one.program}: {one.new:,} {'changed' if result.applied else 'new'}, "
                f"{one.known:,} known, {one.refused:,} refused" + (f" ({reasons})" * bool(reasons))
            )
    lines += [unknown_programs_text(result, settings)] if result.unknown_programs else []
    if result.undated:
        lines.append(
            f"{result.undated:,} dates cannot be read, so when these states began is unknown: "
            "write dates as 2026-01-31."
        )
    lines += [
        f"{count:>9,}  {name}: {ROW_OUTCOMES.get(name, '')}"
        for name, count in result.outcomes.items()
    ]
    lines += [f"line {one.line}: {one.cell!r}: {ROW_OUTCOMES[one.outcome]}" for one in result.first]
    if not result.applied:
        lines.append("Nothing was changed. To apply it, run the command again without --preview.")
    elif result.outcomes.get("applied"):
        lines.append(f"To undo it: smsgate imports undo {result.import_id}")
    return "\n".join(lines)
