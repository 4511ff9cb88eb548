"""The result of one check of the doctor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """The result of one check."""

    subject: str
    state: str
    """``ok``, ``warning`` or ``fault``."""
    text: str
    remedy: str = ""
    """The command or setting that helps."""

    def as_json(self) -> dict[str, str]:
        """For ``--json``."""
        return {
            "subject": self.subject,
            "state": self.state,
            "text": self.text,
            "remedy": self.remedy,
        }


def worst_first(results: Iterable[DoctorResult]) -> list[DoctorResult]:
    """The results, faults first, then warnings."""
    return sorted(results, key=lambda one: (FAULT, WARNING, OK).index(one.state))
