"""What becomes of the rows of a list: counted, the unused ones in a file, and in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import get_args

import msgspec

from smsgate import event_text
from smsgate.domain.messages import ALL
from smsgate.features.lists.rows import BLANK, OTHER, REASONS, ListUnreadable, printable
from smsgate.files import csv_line, whole
from smsgate.pipeline.gate import GateReason
from smsgate.settings import Settings

SHOWN = 10
"""Rows that could not be used that are shown, the first ones."""
DUPLICATE, CLEAN = "duplicate", "clean"
NOT_USED = {
    **REASONS,
    "no_words": "say what the subscribers agreed to: the words that they were shown",
    "refused": "opted out or locked, which an import never lifts",
    "not_applied": "not in effect: the number opted in since, see `smsgate history`",
    "kept": "stays: something newer was said or done, another list has it (undo that one first), "
    "or a text of it was in review",
}
OUTCOMES = {
    **NOT_USED,
    "applied": "applied",
    "new": "would be applied",
    "repeat": "already has this status",
    DUPLICATE: "same number as another row",
    OTHER: "not about an opt-out",
    BLANK: "empty line",
    "would_undo": "would be reverted",
    "undone": "reverted",
    "undone_before": "reverted by an earlier undo",
    "unchanged": "the import had not changed it",
    CLEAN: "can be texted",
    **{name: event_text.reason(name) for name in get_args(GateReason)},
}
"""What becomes of a row or number, and what that means."""


class UnusedRow(msgspec.Struct, frozen=True):
    """A row that could not be used."""

    line: int
    """0 of an undo, which has no lines."""
    cell: str
    outcome: str


class ListResult(msgspec.Struct):
    """What a file or an import holds, and what would become of it, or became."""

    rows: int = 0
    """Rows of the file, or numbers of the import."""
    outcomes: dict[str, int] = {}
    """Rows by what becomes of them, or why they are not used."""
    changes: list[str] = []
    """What would change, or changed, in sentences."""
    format: str = ""
    import_id: str = ""
    applied: bool = False
    undated: int = 0
    """Rows whose date cannot be read: since when they hold is unknown."""
    unused: int = 0
    """Rows that could not be used."""
    first: list[UnusedRow] = []
    """The first of them."""

    def require_readable_row(self) -> None:
        """Raise ``ListUnreadable`` where an import could read no row; a preview shows them."""
        if self.applied and self.outcomes.keys() <= {*REASONS, BLANK}:
            row = self.first[0]
            raise ListUnreadable(
                f"Nothing was imported: no row could be read. Line {row.line} has "
                f"{row.cell!r}: {REASONS[row.outcome]}."
            )


@contextmanager
def counting(found: ListResult, path: Path | None) -> Iterator[Callable[[str, str, int], None]]:
    """Count rows in a result; all that are not used go into a CSV file, where there is a path."""
    with whole(path) if path else nullcontext() as out:
        if out:
            out.write(csv_line(["line", "given", "outcome", "why"]).encode())

        def count(outcome: str, cell: str, line: int) -> None:
            found.rows += 1
            found.outcomes[outcome] = found.outcomes.get(outcome, 0) + 1
            if outcome not in NOT_USED:
                return
            found.unused += 1
            if found.unused <= SHOWN:
                found.first.append(UnusedRow(line, printable(cell), outcome))
            if out:
                cells = [line or "", printable(cell, 200), outcome, NOT_USED[outcome]]
                out.write(csv_line(cells).encode())

        yield count


def change_text(settings: Settings, state: str, scope: str, count: int, *, done: bool) -> str:
    """What rows of a state do, or did, of which so many change something, in a sentence.

    ``scope``: where it holds, a program or ``all``.
    """
    numbers = "1 number" if count == 1 else f"{count:,} numbers"
    programs = [one for one in settings.programs if scope in (ALL, one.name)]
    named = ", ".join(f"{one.title} ({one.name})" for one in programs)
    if state == "subscribed":
        verb, lifted = ("Recorded", "was") if done else ("Would record", "would be")
        return f"{verb} the consent of {numbers} to {named}. No opt-out {lifted} lifted."
    where = f"{named} only (scope {scope})"
    if scope == ALL:
        where = f"every program (scope all): {named}, and programs you add later"
    return f"{'Opted' if done else 'Would opt'} {numbers} out of {where}."


def result_text(result: ListResult) -> str:
    """A result for somebody at a terminal."""
    lines = [f"{result.format}; {result.rows:,} rows."] if result.format else []
    lines += result.changes
    if result.undated:
        lines.append(
            f"{result.undated:,} dates cannot be read, so when these states began is unknown: "
            "write dates as 2026-01-31."
        )
    lines += [f"{count:>9,}  {name}: {OUTCOMES[name]}" for name, count in result.outcomes.items()]
    lines += [
        f"line {one.line}: {one.cell!r}: {OUTCOMES[one.outcome]}"
        for one in result.first
        if one.line
    ]
    if not result.applied:
        lines.append("Nothing was changed. To do it, run the command again without --preview.")
    elif result.outcomes.get("applied"):
        lines.append(f"To undo it: smsgate imports undo {result.import_id}")
    return "\n".join(lines)
