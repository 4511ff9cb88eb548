"""Time zones by their names in the IANA database, such as ``Europe/Berlin``, and days in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


@cache
def zone_names() -> tuple[str, ...]:
    """The names that a person may choose: UTC and places, without offsets and abbreviations."""
    places = [one for one in available_timezones() if "/" in one and not one.startswith("Etc/")]
    return "UTC", *sorted(places)


def find_zone(name: str) -> tzinfo:
    """Return a zone; UTC for an empty name, and for one that this host does not know."""
    if name not in zone_names():
        return UTC
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC


_FIRST_US = int(datetime.min.replace(tzinfo=UTC).timestamp()) * 1_000_000


def day_start_us(day: date, zone: tzinfo) -> int:
    """The first moment of a day in a zone, in microseconds since 1970.

    Where clocks skip midnight, the moment at which they do; where it comes twice, the first.
    """
    at = datetime.combine(day, time(), zone)
    # The first day of all begins before the first moment that there is in UTC.
    return max(int(at.timestamp()) * 1_000_000, _FIRST_US)


def day_end_us(day: date, zone: tzinfo) -> int:
    """The first moment after a day in a zone."""
    if day == date.max:
        return day_start_us(day, zone)
    return day_start_us(day + timedelta(days=1), zone)
