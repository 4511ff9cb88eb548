"""What becomes of the rows of an imported file: each, counted, by program, and as a CSV file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from smsgate.features.lists.import_record import ImportChange
from smsgate.features.lists.number_import import OUTCOMES
from smsgate.features.lists.rows import REASONS
from smsgate.features.lists.shapes import printable
from smsgate.files import csv_file

SHOWN = 10
"""Rows that could not be used that are shown, the first ones."""
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
NOT_COUNTED = ("other", "blank")
"""Outcomes of rows that are about nobody's consent."""
_CHANGING, _KNOWN = ("new", "applied"), ("repeat", DUPLICATE)
_MAX_CELL_CHARS = 200
_MAX_NAMES = 10
"""Unknown programs that are named in one sentence."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one row."""

    line: int
    cell: str
    number: str
    outcome: str
    """Of ``number_import.OUTCOMES``, ``duplicate``, or why the row was not used."""
    state: str = ""
    """What the row says of its number; empty where it was not used."""
    program: str = ""
    """That it is for; empty where it names none that there is."""


Result = Callable[[ImportRow], None]


@dataclass(slots=True)
class ImportSummary:
    """What a file holds, and what becomes of it."""

    shape: str
    encoding: str = ""
    """What its bytes were, as the whole file shows."""
    list_id: str = ""
    rows: int = 0
    subscribed: int = 0
    """Rows that say that somebody subscribed."""
    outcomes: Counter[str] = field(default_factory=Counter)
    programs: dict[str, Counter[str]] = field(default_factory=dict)
    """By program (or ``all``) the outcomes of its rows, with why rows were not used."""
    unknown_programs: Counter[str] = field(default_factory=Counter)
    """Rows whose program there is not, by what they say."""
    undated: int = 0
    """Rows with a date that cannot be read: since when they hold is unknown."""
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


def count_programs(counts: Counter[str], cells: Collection[str]) -> None:
    """Count rows by what their program column says."""
    for cell in cells:
        name = printable(cell.strip(), 60)
        counts[name if name in counts or len(counts) < MAX_PROGRAMS else OTHERS] += 1


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
    """Why not: of ``ROW_OUTCOMES``."""


def program_outcomes(programs: Mapping[str, Mapping[str, int]]) -> list[ProgramOutcome]:
    """By program what becomes of its rows, given how many have each outcome."""
    found = []
    for program, outcomes in programs.items():
        new, known = (sum(outcomes.get(one, 0) for one in some) for some in (_CHANGING, _KNOWN))
        reasons = {
            name: count
            for name, count in outcomes.items()
            if count and name not in (*_CHANGING, *_KNOWN)
        }
        found.append(ProgramOutcome(program, new, known, sum(reasons.values()), reasons))
    return found


def unknown_programs_text(unknown: Mapping[str, int], titles: Mapping[str, str]) -> str:
    """Which programs of a file there are not, and what would be right; empty where all are right.

    ``titles`` gives by program its name for people.
    """
    if not unknown:
        return ""
    first = [*unknown.items()][:_MAX_NAMES]
    wrong = ", ".join(f"{name!r} ({count:,})" for name, count in first)
    wrong += ", …" if len(unknown) > len(first) else ""
    right = ", ".join(
        name if title == name else f"{name} ({title})" for name, title in titles.items()
    )
    return f"Unknown programs in the file: {wrong}. Use one of: {right}."


@contextmanager
def row_results(path: Path) -> Iterator[Callable[[ImportRow], None]]:
    """Write what became of each row to a CSV file; gives what writes one row.

    A formula in a row is text for any spreadsheet.
    """
    columns = ["line", "given", "number", "outcome", "why", "state", "program"]
    with csv_file(path, columns) as write_row:

        def write(row: ImportRow) -> None:
            cell = printable(row.cell, _MAX_CELL_CHARS)
            why = ROW_OUTCOMES.get(row.outcome, "")
            write_row([row.line, cell, row.number, row.outcome, why, row.state, row.program])

        yield write
