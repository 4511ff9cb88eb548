"""Time zones by their names in the IANA database, such as ``Europe/Berlin``."""

from __future__ import annotations

from datetime import UTC, tzinfo
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
