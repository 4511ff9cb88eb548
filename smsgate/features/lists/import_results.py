"""What became of the rows of an imported list, in words and as a file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from smsgate.features.lists.cells import REASONS
from smsgate.features.lists.encodings import shown
from smsgate.features.lists.import_undo import SAID as UNDO_SAID
from smsgate.features.lists.importing import OUTCOMES
from smsgate.features.lists.importing_files import DUPLICATE, Row, Summary
from smsgate.files import harmless, whole

SAID = {
    **OUTCOMES,
    **REASONS,
    DUPLICATE: "the same number stands in an earlier row",
    "other": "the row is about something else than an opt-out",
    "blank": "an empty line",
}
"""What each outcome of a row means."""
_COLUMNS = ["line", "given", "number", "outcome", "why", "state"]
_LONGEST = 200


@contextmanager
def results(path: Path) -> Iterator[Callable[[Row], None]]:
    """Gives what writes a row of a CSV file; the file is there whole, or not at all.

    A formula in a row is text for any spreadsheet.
    """
    with whole(path) as out, TextIOWrapper(out, "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)

        def write(row: Row) -> None:
            cell = harmless(shown(row.cell, _LONGEST))
            said = SAID.get(row.outcome, "")
            writer.writerow([row.line, cell, row.number, row.outcome, said, row.state])

        yield write


@contextmanager
def undo_results(path: Path) -> Iterator[Callable[[str, str], None]]:
    """Gives what writes a number of a list that is undone, and its outcome, to a CSV file."""
    with whole(path) as out, TextIOWrapper(out, "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["number", "outcome", "why"])

        def write(number: str, outcome: str) -> None:
            writer.writerow([number, outcome, UNDO_SAID.get(outcome, "")])

        yield write


def unused(summary: Summary) -> int:
    """How many rows could not be used."""
    problems = sum(count for name, count in summary.problems.items() if name in REASONS)
    return problems + summary.outcomes["not_applied"]
