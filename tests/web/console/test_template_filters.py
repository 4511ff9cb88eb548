"""How values look on a page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smsgate.web.console.template_filters import day, iso, many, moment, utc, wording


@pytest.mark.parametrize(
    ("keyword", "shown"),
    [
        ("STOP", "STOP"),
        ("a$$ ^ {", "a$$ ^ {"),
        ("{no} ~1 {more} ~2 {msg}", "no … more … msg"),
        ("^{stop|quit} texting$", "stop/quit texting"),
        ("phrase {no} ~12 more", "phrase no … more"),
        ("", ""),
    ],
)
def test_wordings_are_shown_without_their_signs(keyword, shown):
    assert wording(keyword) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 days"), (1, "1 day"), (30, "30 days"), (3_000, "3,000 days")]
)
def test_one_of_something_is_not_many(count, shown):
    assert many(count, "day") == shown


def test_a_time_is_shown_with_its_zone_and_with_its_year_where_that_is_another():
    at_us = 1_714_737_607_000_000
    assert iso(at_us) == "2024-05-03T12:00:07Z"
    assert utc(at_us) == "2024-05-03 12:00:07 UTC"
    assert (moment(at_us), day(at_us)) == ("May 3, 2024, 12:00 UTC", "May 3, 2024")
    this_year_us = int(datetime(datetime.now(UTC).year, 1, 2, tzinfo=UTC).timestamp()) * 1_000_000
    assert (moment(this_year_us), day(this_year_us)) == ("Jan 2, 00:00 UTC", "Jan 2")
