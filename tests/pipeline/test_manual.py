"""What forms say of a consent: since when at the earliest it was given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smsgate.pipeline.manual_input import earliest_us

EVENING = datetime(2026, 11, 28, 20, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "earliest"),
    [
        ("2026-11-27", datetime(2026, 11, 27, tzinfo=UTC)),
        (" 2026-11-28 ", datetime(2026, 11, 28, tzinfo=UTC)),
        # Tomorrow in UTC: it has begun in a zone ahead, and not before 10:00 UTC of today.
        ("2026-11-29", datetime(2026, 11, 28, 10, tzinfo=UTC)),
    ],
)
def test_a_day_was_given_at_its_beginning_at_the_earliest(given, earliest):
    assert earliest_us(given, EVENING) == int(earliest.timestamp() * 1_000_000)


@pytest.mark.parametrize("given", ["2026-11-28T20:30", "2026-11-28 20:30:05", "yesterday", ""])
def test_a_moment_is_no_day(given):
    assert earliest_us(given, EVENING) == 0
