"""The result of one check of the doctor."""

from __future__ import annotations

from typing import Literal

import msgspec

CheckState = Literal["ok", "warning", "fault"]


class DoctorResult(msgspec.Struct, frozen=True):
    """The result of one check."""

    subject: str
    state: CheckState
    text: str
    remedy: str = ""
    """The command or setting that helps."""
