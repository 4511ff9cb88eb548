"""The doctor: looks at everything, or at one account, and says what is wrong and what mends it."""

from __future__ import annotations

from smsgate.features.accounts.doctor.account import look_at
from smsgate.features.accounts.doctor.everything import examine
from smsgate.features.accounts.doctor.finding import FAULT, OK, WARNING, Finding, worst_first

__all__ = ["FAULT", "OK", "WARNING", "Finding", "examine", "look_at", "worst_first"]
