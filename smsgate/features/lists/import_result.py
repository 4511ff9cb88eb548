"""How to import a list, and what becomes of its rows: counted, by program, and in sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Annotated, Literal

import msgspec

from smsgate.features.lists.columns import ColumnNames, printable
from smsgate.features.lists.import_record import change_text
from smsgate.features.lists.number_import import OUTCOMES
from smsgate.features.lists.rows import BLANK, OTHER, REASONS, ListRow, State
from smsgate.interface.schemas import Medium
from smsgate.settings import Settings

ColumnName = Annotated[
    str, msgspec.Meta(max_length=200, description="A header, or a position from 1.")
]
Region = Annotated[
    str, msgspec.Meta(max_length=40, description="Country of numbers without one, such as US.")
]
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
CHANGING, _KNOWN, _NOT_COUNTED = ("new", "applied"), ("repeat", DUPLICATE), (OTHER, BLANK)


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


class ImportCounts:
    """Counts rows while a file is read."""

    def __init__(self, found: ImportResult) -> None:
        self._found = found
        self._outcomes: Counter[str] = Counter()
        self._programs: dict[str, Counter[str]] = defaultdict(Counter)
        self._unknown: Counter[str] = Counter()
        self.changes: Counter[tuple[State, str, str]] = Counter()
        self.undated = 0

    def add(self, row: ListRow, outcome: str) -> None:
        """Count a row."""
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
        """Count a row whose program there is not."""
        name = printable(cell.strip(), 60)
        known = name in self._unknown or len(self._unknown) < _MAX_PROGRAMS
        self._unknown[name if known else _OTHERS] += 1

    def result(self, settings: Settings, *, done: bool) -> ImportResult:
        """What was counted."""
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
        name: count for name, count in outcomes.most_common() if name not in (*CHANGING, *_KNOWN)
    }
    new, known = (sum(outcomes[one] for one in some) for some in (CHANGING, _KNOWN))
    return ProgramOutcome(program, new, known, sum(reasons.values()), reasons)


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
