"""What the doctor found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smsgate.errors import SmsGateError

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


def store_remedy(error: SmsGateError) -> str:
    """What mends it that Redis cannot be used, by what Redis or the way to it said."""
    said = str(error).lower()
    for signs, remedy in _STORE_REMEDIES:
        if any(sign in said for sign in signs):
            return remedy
    return "start Redis, or set REDIS_URL"


_STORE_REMEDIES = (
    (
        ("authentication", "username-password", "invalid password"),
        "give user and password in REDIS_URL: `redis://USER:PASSWORD@host`",
    ),
    (("no permissions",), "let its user run that: `ACL SETUSER` at Redis"),
    (("loading",), "wait: Redis still reads its data from disk"),
)
