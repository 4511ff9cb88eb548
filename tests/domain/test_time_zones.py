"""Days and times in zones, also where clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from smsgate.domain.time_zones import day_end_us, day_start_us, find_zone

BERLIN = find_zone("Europe/Berlin")


def iso(us: int) -> str:
    return datetime.fromtimestamp(us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%MZ")


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", date(2026, 3, 29), "2026-03-29T00:00Z", "2026-03-30T00:00Z"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("Asia/Kathmandu", date(2026, 1, 1), "2025-12-31T18:15Z", "2026-01-01T18:15Z"),
        # Midnight is skipped: the day begins at 01:00.
        ("Africa/Cairo", date(2024, 4, 26), "2024-04-25T22:00Z", "2024-04-26T21:00Z"),
        # Midnight comes twice.
        ("America/Havana", date(2024, 11, 3), "2024-11-03T04:00Z", "2024-11-04T05:00Z"),
    ],
)
def test_a_day_is_as_long_as_it_is_there(zone, day, start, end):
    assert (iso(day_start_us(day, find_zone(zone))), iso(day_end_us(day, find_zone(zone)))) == (
        start,
        end,
    )


def test_the_first_and_the_last_day_of_all_are_days():
    for day in (date.min, date.max):
        assert day_start_us(day, BERLIN) <= day_end_us(day, BERLIN)
