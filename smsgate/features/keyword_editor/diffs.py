"""Two versions of a keyword set beside each other, line by line, for people to read."""

from __future__ import annotations

import difflib
from typing import NamedTuple

AROUND = 3
"""Lines that are shown before and after a difference."""


class Line(NamedTuple):
    """One line of a difference."""

    kind: str
    """``added``, ``removed``, ``same``, or ``gap`` where lines are left out."""
    text: str

    @property
    def sign(self) -> str:
        """How diffs have marked it since 1974."""
        return {"added": "+", "removed": "-", "same": " "}.get(self.kind, "…")


def difference(before: str, after: str) -> list[Line]:
    """What changed; nothing where nothing did."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=AROUND)
    kinds = {"+": "added", "-": "removed", "@": "gap", " ": "same"}
    lines = [Line(kinds[line[0]], line[1:]) for line in list(found)[2:]]
    return [Line("gap", "") if line.kind == "gap" else line for line in lines][1:]
