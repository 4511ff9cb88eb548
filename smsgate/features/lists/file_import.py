"""A file of numbers on its way in: rehearsed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended. Once
that was undone, the same file is another list: its id has a dot and how often it was undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from smsgate.domain.errors import ListUnreadable, RecordsNotReady, RecordsUnavailable
from smsgate.features.lists.import_record import ImportChange, State
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import OUTCOMES, ImportRequest, NumberImport
from smsgate.features.lists.rows import REASONS, ListRows, NumberSet, rows_of
from smsgate.features.lists.shapes import NO_COLUMNS, ColumnChoice, plain, printable
from smsgate.features.lists.storage import ListStorage
from smsgate.files import csv_file, harmless
from smsgate.pipeline.services import Services

WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
REMEMBERED = 4_000_000
"""Numbers among which duplicates are told apart; later ones are repeats of what is applied."""
SHOWN = 10
MAX_PROGRAMS, OTHERS = 50, "(others)"
"""Values of the program column that are counted one by one, and what stands for the rest."""
DUPLICATE = "duplicate"
ROW_OUTCOMES = {
    **OUTCOMES,
    **REASONS,
    DUPLICATE: "same number as an earlier row",
    "other": "not about an opt-out",
    "blank": "empty line",
}
"""What each outcome of a row means."""
_MAX_CELL_CHARS = 200
_STATES: tuple[State, ...] = ("opted_out", "subscribed")
"""In this order: beside an opt-out of the same window a consent is refused."""
Progress = Callable[[int], None]
"""Takes how many bytes more were read."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What outcomes of one row."""

    line: int
    cell: str
    number: str
    outcome: str
    """Of ``importing.OUTCOMES``, ``duplicate``, or why the row was not used."""
    state: str = ""
    """What the row says of its number; empty where it was not used."""


Result = Callable[[ImportRow], None]


@dataclass(slots=True)
class ImportSummary:
    """What a file holds, and what outcomes of it."""

    shape: str
    encoding: str = ""
    """What its bytes were, as the whole file shows."""
    list_id: str = ""
    rows: int = 0
    subscribed: int = 0
    """Rows that say that somebody subscribed."""
    outcomes: Counter[str] = field(default_factory=Counter)
    by_state: dict[State, Counter[str]] = field(default_factory=dict)
    """The outcomes of the rows that say a state, by that."""
    changes: list[ImportChange] = field(default_factory=list)
    """What would be changed, or was, by state."""
    by_program: Counter[str] = field(default_factory=Counter)
    """Rows by what the program column says."""
    problems: Counter[str] = field(default_factory=Counter)
    first: list[ImportRow] = field(default_factory=list)
    """The first rows that could not be used."""

    @property
    def unused(self) -> int:
        """How many rows could not be used."""
        problems = sum(
            count
            for name, count in self.problems.items()
            if name in REASONS and name != "other_program"
        )
        return problems + self.outcomes["not_applied"]


@dataclass(slots=True)
class ImportWindow:
    """Rows that are entered together; by state the numbers and since when."""

    rows: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Line, cell, number and state, or why the number is invalid."""
    numbers: dict[State, dict[str, int]] = field(
        default_factory=lambda: {state: {} for state in _STATES}
    )


class FileImport:
    """One file, and what is to be done with its rows."""

    def __init__(
        self,
        services: Services,
        request: ImportRequest,
        file: BinaryIO,
        *,
        region: str = "",
        form: str = "auto",
        column: str = "",
        columns: ColumnChoice = NO_COLUMNS,
        forced: bool = False,
    ) -> None:
        """Recognise the file.

        Args:
            services: enter the numbers, and know which parts were entered once.
            request: what all rows have in common; its state is that of rows that do not say.
            file: can be read twice.
            region: for numbers without a country.
            form: one of ``shapes.FORMATS``.
            column: the column of the numbers.
            columns: those of date, state and program. Only rows of the request's program are
                entered where one says the program, unless the request is about all of them.
            forced: whether the request's state holds even where the rows say another.

        Raises ``ListUnreadable``, ``UnknownProgram``.
        """
        self._number_import = NumberImport(services)
        self._number_import.check(request)
        self._storage = ListStorage(services.records.database)
        self._request = request
        self._bytes = file
        self._file = ListFile(file, form, column, columns)
        self._programs = _names_of(services, request.program)
        self._region = region
        self._forced = forced
        self._options = [request.program, request.state, region, form, column, str(forced)]
        if columns != NO_COLUMNS:  # else the id of a list stays what it was
            self._options += [columns.since, columns.state, columns.program]

    def rehearse(self, progress: Progress, result: Result | None = None) -> ImportSummary:
        """Read the whole file and say what would become of it; nothing is entered.

        Raises ``ListUnreadable``, ``StoreUnavailable``, ``StoreNotReady``.
        """
        return self._through(progress, result, self._rehearsed)

    def apply(
        self, rehearsed: ImportSummary, progress: Progress, result: Result | None
    ) -> ImportSummary:
        """Enter what was rehearsed, and wait until all of it is applied. Raises as ``rehearse``."""
        id_, known = self._known(rehearsed.list_id)
        request = replace(self._request, id=id_)

        def enter(numbers: dict[str, int], state: State, part: str) -> list[str]:
            return self._number_import.enter(
                [*numbers],
                replace(request, state=state),
                [*numbers.values()],
                part=f"{part}{state[0]}",
                known=known,
            )

        summary = self._through(progress, result, enter)
        if summary.list_id != rehearsed.list_id:
            raise ListUnreadable("the file was changed while it was imported: import it again")
        summary.list_id = request.id
        if summary.outcomes["applied"]:
            counts = ", ".join(f"{count} {name}" for name, count in summary.outcomes.most_common())
            self._number_import.conclude(request, f"{summary.rows} rows: {counts}", summary.changes)
        return summary

    def _known(self, list_id: str) -> tuple[str, Collection[str]]:
        """The id that the list is entered under, and its parts that were entered before."""
        with suppress(RecordsNotReady, RecordsUnavailable):  # then the store's 48 hours have to do
            undone = self._storage.undone(list_id)
            list_id = f"{list_id}.{undone}" if undone else list_id
            return list_id, self._storage.parts(list_id)
        return list_id, ()

    def needs_words(self, summary: ImportSummary) -> bool:
        """Whether rows would record a consent without the words that were agreed to."""
        return summary.subscribed > 0 and self._request.consent is None

    def _rehearsed(self, numbers: dict[str, int], state: State, _: str) -> list[str]:
        return self._number_import.rehearse([*numbers], replace(self._request, state=state))

    def _through(
        self,
        progress: Progress,
        result: Result | None,
        work: Callable[[dict[str, int], State, str], list[str]],
    ) -> ImportSummary:
        summary = ImportSummary(self._file.shape.name)
        digest = sha256("\n".join(self._options).encode())
        for part, window in enumerate(self._windows(summary, digest.update, progress)):
            outcomes: dict[str, dict[str, str]] = {
                state: dict(zip(some, work(some, state, f"{part}"), strict=True))
                for state, some in window.numbers.items()
                if some
            }
            _count(summary, window, outcomes)
            if result is not None:
                for line, cell, number, outcome in window.rows:
                    if outcome in outcomes:
                        result(ImportRow(line, cell, number, outcomes[outcome][number], outcome))
                    else:
                        result(ImportRow(line, cell, number, outcome))
        summary.changes = [
            self._number_import.change(self._request, state, found["new"] + found["applied"])
            for state, found in summary.by_state.items()
        ]
        summary.encoding = self._file.detector.name
        summary.list_id = f"import-{digest.hexdigest()[:32]}"
        return summary

    def _windows(
        self, summary: ImportSummary, update: Callable[[bytes], None], progress: Progress
    ) -> Iterator[ImportWindow]:
        window, seen, at = ImportWindow(), {state: NumberSet() for state in _STATES}, 0
        for block in self._file.blocks():
            rows = rows_of(block, self._file.shape, self._region, self._programs)
            _count_programs(summary.by_program, block.programs)
            update("".join(block.raws).encode("utf-8", "surrogatepass"))
            self._gather(rows, window, seen, summary)
            now = self._bytes.tell()
            progress(now - at)
            at = now
            if len(window.rows) >= WINDOW:
                yield window
                window = ImportWindow()
        yield window

    def _gather(
        self,
        rows: ListRows,
        window: ImportWindow,
        seen: dict[State, NumberSet],
        summary: ImportSummary,
    ) -> None:
        block, problems = rows.block, rows.problems
        for place, (number, cell) in enumerate(zip(rows.numbers, block.cells, strict=True)):
            outcome = problems.get(place) if problems else None
            if outcome is None:
                state = self._state(rows, place)
                outcome = state
                if seen[state].add(int(number)):
                    window.numbers[state][number] = rows.since_us[place] if rows.since_us else 0
                else:
                    outcome = DUPLICATE
            window.rows.append((block.line_of(place), cell, number, outcome))
        seen.update((state, NumberSet()) for state in _STATES if seen[state].count >= REMEMBERED)
        summary.rows += len(block.cells)

    def _state(self, rows: ListRows, place: int) -> State:
        if rows.states and not self._forced:
            return "subscribed" if rows.states[place] == "subscribed" else "opted_out"
        return self._request.state


def _names_of(services: Services, name: str) -> frozenset[str]:
    """What a file may call a program; nothing where all are meant."""
    program = services.settings.programs.get(name)
    if program is None:
        return frozenset()
    return frozenset(plain(one) for one in (program.name, program.title, *program.formerly) if one)


def _count_programs(counts: Counter[str], cells: Collection[str]) -> None:
    for cell in cells:
        name = printable(cell.strip(), 60)
        counts[name if name in counts or len(counts) < MAX_PROGRAMS else OTHERS] += 1


def _count(
    summary: ImportSummary, window: ImportWindow, outcomes: Mapping[str, Mapping[str, str]]
) -> None:
    for state in window.numbers:
        if state in outcomes:
            found = Counter(outcomes[state].values())
            summary.outcomes.update(found)
            summary.by_state.setdefault(state, Counter()).update(found)
    summary.subscribed += len(window.numbers["subscribed"])
    if len(window.rows) == sum(map(len, outcomes.values())):
        return  # every row is one of them
    for line, cell, number, outcome in window.rows:
        if outcome == DUPLICATE:
            summary.outcomes[outcome] += 1
        elif outcome not in outcomes:
            summary.problems[outcome] += 1
            if len(summary.first) < SHOWN and outcome not in ("other", "blank", "other_program"):
                summary.first.append(ImportRow(line, cell, number, outcome))


@contextmanager
def row_results(path: Path) -> Iterator[Callable[[ImportRow], None]]:
    """Write what outcomes of each row to a CSV file; gives what writes one row.

    A formula in a row is text for any spreadsheet.
    """
    columns = ["line", "given", "number", "outcome", "why", "state"]
    with csv_file(path, columns) as write_row:

        def write(row: ImportRow) -> None:
            cell = harmless(printable(row.cell, _MAX_CELL_CHARS))
            why = ROW_OUTCOMES.get(row.outcome, "")
            write_row([row.line, cell, row.number, row.outcome, why, row.state])

        yield write
