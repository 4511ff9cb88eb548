"""A time zone per operator: chosen on one's own page, used on every page."""

from __future__ import annotations

import csv
import io
import re

import pytest

from smsgate.web.console.template_filters import iso
from tests.fakes.people import People, put_action
from tests.features.operators.console.test_account import change

AT_US = 1_711_846_800_000_000
"""2024-03-31 01:00:00 UTC: summer time has just begun in Berlin, where it is 03:00."""


@pytest.fixture
def noted(services) -> str:
    """An action of that moment, in the audit log; gives its time as pages have it for machines."""
    put_action(services.records, at_us=AT_US, actor="someone", what="exported a list")
    return iso(AT_US)


def shown(one, at: str) -> list[str]:
    """How a page of the audit log shows that moment: what is under the pointer, and the text."""
    page = one.get("/console/audit?group=exports").text
    return re.findall(rf'<time datetime="{at}" title="[^"]*, ([^"]*)">([^<]*)</time>', page)


def test_two_people_see_the_same_event_in_their_own_zones(admin, signed_in, services, noted):
    other = signed_in("agent")
    change(services, "UPDATE operators SET role = 'admin' WHERE name = 'agent'")
    utc = "2024-03-31 01:00:00 UTC"
    assert shown(admin, noted) == [(utc, "Mar 31, 2024, 01:00 UTC")]
    assert "Times are in UTC." in admin.get("/console/audit").text
    admin.post("/console/me/zone", {"zone": "Europe/Berlin"})
    other.post("/console/me/zone", {"zone": "America/New_York"})
    assert shown(admin, noted) == [(utc, "Mar 31, 2024, 03:00 CEST")]
    assert shown(other, noted) == [(utc, "Mar 30, 2024, 21:00 EDT")]
    page = other.get("/console/audit").text
    assert 'data-zone="America/New_York">Times are in America/New York.' in page
    assert page.count("<span>America/New York</span>") == 2, "beside both days"
    assert '<input type="hidden" name="zone" value="America/New_York">' in page
    assert other.get("/console/audit?group=exports&since=2024-03-31").text.count(noted) == 0
    assert admin.get("/console/audit?group=exports&since=2024-03-31").text.count(noted) == 1
    theirs = "/console/audit?group=exports&since=2024-03-31&zone=America%2FNew_York"
    assert admin.get(theirs).text.count(noted) == 0, "an address counts in the zone that it names"
    assert '<input type="hidden" name="zone" value="America/New_York">' in admin.get(theirs).text
    wrong = admin.get("/console/audit?group=exports&since=2024-04-02&zone=Mars/Olympus").text
    assert "There is no time zone" in wrong
    assert 'aria-invalid="true"' in wrong
    admin.post("/console/me/zone", {"zone": ""})
    assert shown(admin, noted) == [(utc, "Mar 31, 2024, 01:00 UTC")]


def test_files_stay_in_utc_and_say_so(admin, noted) -> None:
    admin.post("/console/me/zone", {"zone": "Asia/Kathmandu"})
    answer = admin.get("/console/audit?csv=yes&group=exports")
    rows = [*csv.reader(io.StringIO(answer.text))]
    assert rows[-1][0] == "2024-03-31T01:00:00+00:00"


def test_a_choice_is_shown(viewer) -> None:
    answer = viewer.post("/console/me/zone", {"zone": "Asia/Kathmandu"})
    assert answer.location == "/console/me"
    page = viewer.get("/console/me").text
    assert '<option value="Asia/Kathmandu" selected>Asia/Kathmandu</option>' in page


def test_a_name_that_is_no_zone_is_refused_at_the_field(viewer, services) -> None:
    viewer.get("/console/me")
    for name in (
        "Mars/Olympus", "europe/berlin", "CET", "localtime", "Factory", "Etc/GMT+3", "+02:00",
        "../../etc/passwd", "/usr/share/zoneinfo/UTC", "Europe/Berlin\0", "x" * 5_000,
    ):  # fmt: skip
        answer = viewer.post("/console/me/zone", {"zone": name})
        assert (answer.status_code, "There is no time zone" in answer.text) == (422, True), name
        assert 'aria-invalid="true"' in answer.text
    assert People(services.records).named("viewer").zone == ""


def test_a_zone_that_this_host_does_not_know_is_shown_in_utc(admin, services, noted) -> None:
    change(services, "UPDATE operators SET zone = 'Mars/Olympus'")
    assert shown(admin, noted) == [("2024-03-31 01:00:00 UTC", "Mar 31, 2024, 01:00 UTC")]
