"""What the doctor found."""

from __future__ import annotations

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
