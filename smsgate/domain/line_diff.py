"""What differs between two versions of a text, line by line."""

from __future__ import annotations

import difflib
from typing import NamedTuple


class DiffLine(NamedTuple):
    """One line of a comparison of two versions."""

    kind: str
    """``added``, ``removed``, ``same``, or ``gap`` where lines are left out."""
    text: str

    @property
    def sign(self) -> str:
        """The mark of a unified diff."""
        return {"added": "+", "removed": "-", "same": " "}.get(self.kind, "…")


def compare_texts(before: str, after: str) -> list[DiffLine]:
    """Return what changed, with three lines around it; nothing where nothing did."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    kinds = {"+": "added", "-": "removed", "@": "gap", " ": "same"}
    lines = [DiffLine(kinds[line[0]], line[1:]) for line in list(found)[2:]]
    return [DiffLine("gap", "") if line.kind == "gap" else line for line in lines][1:]
