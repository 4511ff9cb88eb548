"""Until when a text that waits for a person has to be decided: ours, and the law's. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from smsgate.consent.reviews import REVIEW_DEADLINE_US

BUSINESS_DAYS = 10
"""An opt-out must be honoured within ten business days of receipt (47 CFR 64.1200(a)(10))."""
_FRIDAY = 4


def ours_us(received_us: int) -> int:
    """By when we want it decided."""
    return received_us + REVIEW_DEADLINE_US


def legal_us(received_us: int) -> int:
    """By when an opt-out must hold: the same hour, ten business days (Monday to Friday) later.

    Holidays are not known here, so this is never later than the law's own limit.
    """
    day, left = datetime.fromtimestamp(received_us / 1_000_000, UTC), BUSINESS_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() <= _FRIDAY
    return int(day.timestamp() * 1_000_000)


def left(until_us: int, now_us: int) -> str:
    """How much time there is, or how long it is over, in words."""
    hours, minutes = divmod(abs(until_us - now_us) // 60_000_000, 60)
    days, hours = divmod(hours, 24)
    span = (
        f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"
    )
    return f"{span} left" if until_us >= now_us else f"{span} late"
