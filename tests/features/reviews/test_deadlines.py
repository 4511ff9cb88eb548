"""Until when a text has to be decided."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smsgate.features.reviews.queue import legal_deadline_us, own_deadline_us, time_left

HOUR_US = 3600 * 1_000_000


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("came", "until"),
    [
        ("2026-11-24T21:00", "2026-12-08T21:00"),  # a Tuesday
        ("2026-11-27T08:00", "2026-12-11T08:00"),  # a Friday
        ("2026-11-28T08:00", "2026-12-11T08:00"),  # a Saturday
        ("2026-11-29T08:00", "2026-12-11T08:00"),  # a Sunday
    ],
)
def test_the_law_gives_ten_business_days(came, until):
    assert legal_deadline_us(us(came)) == us(until)


def test_ours_is_the_next_day():
    assert own_deadline_us(us("2026-11-24T21:00")) == us("2026-11-25T21:00")


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (59, "59 min left"),
        (61, "1 h 1 min left"),
        (49 * 60, "2 d 1 h left"),
        (-90, "1 h 30 min late"),
    ],
)
def test_time_left_in_words(minutes, said):
    assert time_left(minutes * 60_000_000, 0) == said
