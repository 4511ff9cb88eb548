"""How values look on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from smsgate.web.console.template_filters import day, exact, iso, many, marked, moment, utc

BERLIN = ZoneInfo("Europe/Berlin")


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


def us_at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("at", "minute", "second"),
    [
        ("2024-03-31T00:59:59Z", "Mar 31, 2024, 01:59 CET", "Mar 31, 2024, 01:59:59 CET"),
        ("2024-03-31T01:00:00Z", "Mar 31, 2024, 03:00 CEST", "Mar 31, 2024, 03:00:00 CEST"),
        ("2024-10-27T00:30:00Z", "Oct 27, 2024, 02:30 CEST", "Oct 27, 2024, 02:30:00 CEST"),
        ("2024-10-27T01:30:00Z", "Oct 27, 2024, 02:30 CET", "Oct 27, 2024, 02:30:00 CET"),
    ],
)
def test_a_time_follows_the_summer_time_of_its_zone(at, minute, second):
    assert moment(us_at(at), BERLIN) == minute
    assert exact(us_at(at), BERLIN) == f"{second} ({utc(us_at(at))})"


def test_a_day_and_a_year_are_those_of_the_zone():
    new_year = us_at("2024-12-31T23:30:00Z")
    assert (day(new_year), day(new_year, BERLIN)) == ("Dec 31, 2024", "Jan 1, 2025")
    assert exact(new_year) == "2024-12-31 23:30:00 UTC"


@pytest.mark.parametrize(
    ("text", "keyword", "shown"),
    [
        ("Please STOP it", "stop", "Please <mark>STOP</mark> it"),
        ("take me off your list", "take me off, list",
         "<mark>take me off</mark> your <mark>list</mark>"),
        ("nonstop <b>", "stop", "nonstop &lt;b&gt;"),
        ("别再发短信了", "再, 短信", "别<mark>再</mark>发<mark>短信</mark>了"),
        ("anything", "", "anything"),
    ],
)  # fmt: skip
def test_what_decided_is_highlighted_in_the_text(text, keyword, shown):
    assert marked(text, keyword) == shown
