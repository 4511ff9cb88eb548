"""A file of numbers on its way in: rehearsed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended. Once
that was undone, the same file is another list: its id has a dot and how often it was undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from smsgate.domain.errors import ListUnreadable, RecordsNotReady, RecordsUnavailable
from smsgate.features.lists.import_record import ImportChange, State
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import OUTCOMES, Importing, Listing
from smsgate.features.lists.rows import REASONS, Rows, Seen, rows_of
from smsgate.features.lists.shapes import shown
from smsgate.files import csv_file, harmless
from smsgate.records import Records

WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
REMEMBERED = 4_000_000
"""Numbers among which duplicates are told apart; later ones are repeats of what is applied."""
SHOWN = 10
DUPLICATE = "duplicate"
ROW_OUTCOMES = {
    **OUTCOMES,
    **REASONS,
    DUPLICATE: "the same number stands in an earlier row",
    "other": "the row is about something else than an opt-out",
    "blank": "an empty line",
}
"""What each outcome of a row means."""
_MAX_CELL_CHARS = 200
_STATES: tuple[State, ...] = ("opted_out", "subscribed")
"""In this order: beside an opt-out of the same window a consent is refused."""
Progress = Callable[[int], None]
"""Is told how many bytes more were read."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row."""

    line: int
    cell: str
    number: str
    outcome: str
    """Of ``importing.OUTCOMES``, ``duplicate``, or why the row was not used."""
    state: str = ""
    """What the row says of its number; empty where it was not used."""


Result = Callable[[Row], None]


@dataclass(slots=True)
class Summary:
    """What a file holds, and what became of it."""

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
    problems: Counter[str] = field(default_factory=Counter)
    first: list[Row] = field(default_factory=list)
    """The first rows that could not be used."""

    @property
    def unused(self) -> int:
        """How many rows could not be used."""
        problems = sum(count for name, count in self.problems.items() if name in REASONS)
        return problems + self.outcomes["not_applied"]


@dataclass(slots=True)
class _Window:
    """Rows that are entered together; by state the numbers and since when."""

    rows: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Line, cell, number, and its state, or why it is none."""
    numbers: dict[State, dict[str, int]] = field(
        default_factory=lambda: {state: {} for state in _STATES}
    )


class FileImport:
    """One file, and what is to be done with its rows."""

    def __init__(
        self,
        importing: Importing,
        records: Records,
        listing: Listing,
        file: BinaryIO,
        *,
        region: str = "",
        form: str = "auto",
        column: str = "",
        forced: bool = False,
    ) -> None:
        """Recognise the file.

        Args:
            importing: enters the numbers.
            records: know which parts were entered once.
            listing: what all rows have in common; its state is that of rows that do not say.
            file: can be read twice.
            region: for numbers without a country.
            form: one of ``lists.shapes.FORMATS``.
            column: the column of the numbers.
            forced: whether the listing's state holds even where the rows say another.

        Raises ``ListUnreadable``, ``UnknownProgram``.
        """
        importing.check(listing)
        self._importing = importing
        self._records = records
        self._listing = listing
        self._bytes = file
        self._file = ListFile(file, form, column)
        self._region = region
        self._forced = forced
        self._asked = (listing.program, listing.state, region, form, column, str(forced))

    def rehearse(self, progress: Progress, result: Result | None = None) -> Summary:
        """Read the whole file and say what would become of it; nothing is entered.

        Raises ``ListUnreadable``, ``StoreUnavailable``, ``StoreNotReady``.
        """
        return self._through(progress, result, self._rehearsed)

    def apply(self, rehearsed: Summary, progress: Progress, result: Result | None) -> Summary:
        """Enter what was rehearsed, and wait until all of it is applied. Raises as ``rehearse``."""
        id_, known = self._known(rehearsed.list_id)
        listing = replace(self._listing, id=id_)

        def enter(numbers: dict[str, int], state: State, part: str) -> list[str]:
            return self._importing.enter(
                [*numbers],
                replace(listing, state=state),
                [*numbers.values()],
                part=f"{part}{state[0]}",
                known=known,
            )

        summary = self._through(progress, result, enter)
        if summary.list_id != rehearsed.list_id:
            raise ListUnreadable("the file was changed while it was imported: import it again")
        summary.list_id = listing.id
        if summary.outcomes["applied"]:
            said = ", ".join(f"{count} {name}" for name, count in summary.outcomes.most_common())
            self._importing.conclude(listing, f"{summary.rows} rows: {said}", summary.changes)
        return summary

    def _known(self, list_id: str) -> tuple[str, Collection[str]]:
        """The id that the list is entered under, and its parts that were entered before."""
        with suppress(RecordsNotReady, RecordsUnavailable):  # then the store's 48 hours have to do
            undone = self._records.lists.undone(list_id)
            list_id = f"{list_id}.{undone}" if undone else list_id
            return list_id, self._records.lists.parts(list_id)
        return list_id, ()

    def needs_words(self, summary: Summary) -> bool:
        """Whether rows would put a consent on record, and nobody said what was agreed to."""
        return summary.subscribed > 0 and self._listing.consent is None

    def _rehearsed(self, numbers: dict[str, int], state: State, _: str) -> list[str]:
        return self._importing.rehearse([*numbers], replace(self._listing, state=state))

    def _through(
        self,
        progress: Progress,
        result: Result | None,
        work: Callable[[dict[str, int], State, str], list[str]],
    ) -> Summary:
        summary = Summary(self._file.shape.name)
        digest = sha256("\n".join(self._asked).encode())
        for part, window in enumerate(self._windows(summary, digest.update, progress)):
            became: dict[str, dict[str, str]] = {
                state: dict(zip(some, work(some, state, f"{part}"), strict=True))
                for state, some in window.numbers.items()
                if some
            }
            _count(summary, window, became)
            if result is not None:
                for line, cell, number, said in window.rows:
                    if said in became:
                        result(Row(line, cell, number, became[said][number], said))
                    else:
                        result(Row(line, cell, number, said))
        summary.changes = [
            self._importing.change(self._listing, state, found["new"] + found["applied"])
            for state, found in summary.by_state.items()
        ]
        summary.encoding = self._file.found.name
        summary.list_id = f"import-{digest.hexdigest()[:32]}"
        return summary

    def _windows(
        self, summary: Summary, update: Callable[[bytes], None], progress: Progress
    ) -> Iterator[_Window]:
        window, seen, at = _Window(), {state: Seen() for state in _STATES}, 0
        for block in self._file.blocks():
            rows = rows_of(block, self._file.shape, self._region)
            update("".join(block.raws).encode("utf-8", "surrogatepass"))
            self._gather(rows, window, seen, summary)
            now = self._bytes.tell()
            progress(now - at)
            at = now
            if len(window.rows) >= WINDOW:
                yield window
                window = _Window()
        yield window

    def _gather(
        self, rows: Rows, window: _Window, seen: dict[State, Seen], summary: Summary
    ) -> None:
        block, problems = rows.block, rows.problems
        for place, (number, cell) in enumerate(zip(rows.numbers, block.cells, strict=True)):
            said = problems.get(place) if problems else None
            if said is None:
                state = self._state(rows, place)
                said = state
                if seen[state].add(int(number)):
                    window.numbers[state][number] = rows.since_us[place] if rows.since_us else 0
                else:
                    said = DUPLICATE
            window.rows.append((block.line_of(place), cell, number, said))
        seen.update((state, Seen()) for state in _STATES if seen[state].count >= REMEMBERED)
        summary.rows += len(block.cells)

    def _state(self, rows: Rows, place: int) -> State:
        if rows.states and not self._forced:
            return "subscribed" if rows.states[place] == "subscribed" else "opted_out"
        return self._listing.state


def _count(summary: Summary, window: _Window, became: dict[str, dict[str, str]]) -> None:
    for state in window.numbers:
        if state in became:
            found = Counter(became[state].values())
            summary.outcomes.update(found)
            summary.by_state.setdefault(state, Counter()).update(found)
    summary.subscribed += len(window.numbers["subscribed"])
    if len(window.rows) == sum(map(len, became.values())):
        return
    for line, cell, number, said in window.rows:
        if said in became:
            continue
        if said == DUPLICATE:
            summary.outcomes[said] += 1
            continue
        summary.problems[said] += 1
        if len(summary.first) < SHOWN and said not in ("other", "blank"):
            summary.first.append(Row(line, cell, number, said))


@contextmanager
def results(path: Path) -> Iterator[Callable[[Row], None]]:
    """Write what became of each row to a CSV file; gives what writes one row.

    A formula in a row is text for any spreadsheet.
    """
    columns = ["line", "given", "number", "outcome", "why", "state"]
    with csv_file(path, columns) as write_row:

        def write(row: Row) -> None:
            cell = harmless(shown(row.cell, _MAX_CELL_CHARS))
            why = ROW_OUTCOMES.get(row.outcome, "")
            write_row([row.line, cell, row.number, row.outcome, why, row.state])

        yield write
