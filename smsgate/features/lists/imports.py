"""A file of numbers on its way in: previewed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL, Decision, Entry, Intent
from smsgate.features.lists.columns import ListUnreadable, plain, printable
from smsgate.features.lists.import_record import (
    IMPORT_FILE,
    entered_before,
    record_import,
    scope_of,
)
from smsgate.features.lists.import_result import (
    CHANGING,
    DUPLICATE,
    ROW_OUTCOMES,
    ImportCounts,
    ImportOptions,
    ImportResult,
)
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import ImportRequest, NumberImport
from smsgate.features.lists.rows import (
    ListRow,
    RowReader,
    SeenNumbers,
    State,
    region_of,
)
from smsgate.files import csv_file
from smsgate.interface.operation import Progress
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.services import Services
from smsgate.settings import Settings

_READ_BYTES = 1 << 20
WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""


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
        counts = ImportCounts(ImportResult(file.format, file.encoding, self._list_id))
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
        self, rows: list[ListRow], work: _Work, part: str, counts: ImportCounts
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
                one in CHANGING for one in outcomes
            )
        return found

    def _windows(self, counts: ImportCounts) -> Iterator[list[ListRow]]:
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
