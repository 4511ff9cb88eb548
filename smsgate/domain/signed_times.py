"""Times that are signed: reading and writing them, and how old one may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from smsgate.domain.errors import SignatureExpired

WINDOW_S = 300
"""How old or early a signed time may be, where the provider does not say otherwise."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_us(text: str) -> int | None:
    """Return an ISO 8601 time as us since 1970; None if it is invalid. No offset means UTC."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def iso_time(us: int, timespec: Literal["milliseconds", "seconds"] = "milliseconds") -> str:
    """Return us since 1970 as ISO 8601 in UTC: ``2026-09-21T13:33:20.000Z``."""
    text = (_EPOCH + timedelta(microseconds=us)).isoformat(timespec=timespec)
    return text.replace("+00:00", "Z")


def time_of(us: int) -> datetime:
    """Return us since 1970 as a time in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def seconds_us(text: str) -> int | None:
    """Return seconds since 1970, in digits, as us; nothing for anything else."""
    return int(text[:15]) * 1_000_000 if text.isascii() and text.isdigit() else None


def check_time(
    signed_us: int, now_us: int, past_s: int = WINDOW_S, future_s: int = WINDOW_S
) -> None:
    """Raise ``SignatureExpired`` where a time that is rightly signed is too old or too early."""
    if not now_us - past_s * 1_000_000 <= signed_us <= now_us + future_s * 1_000_000:
        raise SignatureExpired(
            "The signature is right, but its time is too far from ours; check this host's clock."
        )
