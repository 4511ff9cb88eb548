"""What the doctor found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what was seen."""

    subject: str
    state: str
    """``ok``, ``warning`` or ``fault``."""
    said: str
    mend: str = ""
    """The command or setting that mends it."""


_ORDER = {FAULT: 0, WARNING: 1, OK: 2}


def worst_first(found: Iterable[Finding]) -> list[Finding]:
    """Findings in the order in which they matter."""
    return sorted(found, key=lambda one: _ORDER[one.state])
