"""Numbers are found however somebody writes them, and nothing else is."""

from __future__ import annotations

from contextlib import closing

import pytest

from smsgate.domain.messages import Decision, Intent
from tests.fakes.browser import browser
from tests.fakes.own_services import ALERTS, HERE, make_services
from tests.fakes.pages import words
from tests.fakes.people import add_operator
from tests.fakes.told import told
from tests.fakes.values import NUMBER

PAGE = f"/console/numbers/{NUMBER}"
ABROAD = """
[programs.paris]
name     = "<i>Paris</i>"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]
region   = "FR"
"""


def find(browser, text):
    return browser.post("/console/numbers", {"number": text})


def test_a_number_is_posted_and_leads_to_its_page(viewer):
    for typed in ("(415) 555-0123", "tel:+1-415-555-0123", " 001 415 555 0123 "):
        answer = find(viewer, typed)
        assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert viewer.get(PAGE).status_code == 200


@pytest.fixture
def abroad(folder, redis_url, password_hash):
    """A browser with programs in Switzerland and France."""
    programs = ALERTS.replace("US", "CH") + ABROAD
    with closing(make_services(folder, redis_url, programs, **HERE)) as services:
        add_operator(services.records, "eva", "viewer", password_hash)
        made = browser(services)
        made.sign_in("eva")
        yield services, made


def test_several_regions_give_several_numbers_to_choose_from(abroad):
    services, eva = abroad
    told(services, Intent.OPT_OUT, "stop", "+33791234567")
    services.archiver.move_all()
    answer = find(eva, "079 123 45 67")
    assert answer.status_code == 200
    said = words(answer)
    assert "+41 79 123 45 67 as it is dialled in CH · nothing on record" in said
    assert "+33 7 91 23 45 67 as it is dialled in FR · 1 event on record" in said
    assert 'href="/console/numbers/%2B33791234567"' in answer.text


def test_what_is_no_number_says_what_would_be_right(viewer):
    answer = find(viewer, "<b>nobody</b>")
    assert answer.status_code == 200
    assert "Nothing was found." in words(answer)
    assert "Write a number with its country" in words(answer)
    assert "<b>nobody" not in answer.text
    assert 'value="&lt;b&gt;nobody&lt;/b&gt;"' in answer.text  # nothing typed is lost


def test_what_is_no_phone_number_is_found_as_it_was_recorded(services, viewer):
    recorded = (
        "someone@example.com",
        "72345",
        "VERIFY",
        "a/b",
        "a//b?c#d",
        "/x",
        "new\nline",
        "é%",
    )
    for number in recorded:
        told(services, Intent.OPT_OUT, "stop", number, phone=False)
    services.archiver.move_all()
    for number in recorded:
        answer = find(viewer, number)
        assert answer.status_code == 303, number
        page = viewer.get(answer.headers["Location"])
        assert page.status_code == 200, number
        assert "This is not a phone number" in words(page)
        assert "Asked to opt out" in words(page)


def test_odd_numbers_in_the_path_are_answered(viewer):
    odd = (
        "nobody",
        "x" * 300,
        "x" * 5_000,
        "%2e%2e%2f",
        "%0a",
        "%00",
        "+1",
        "a%20b",
        "%FF",
        "opt-out",
    )
    for path in odd:
        assert viewer.get(f"/console/numbers/{path}").status_code == 404, path


def test_a_number_in_another_shape_leads_to_the_one_page_of_it(viewer):
    answer = viewer.get("/console/numbers/+1 (415) 555-0123")
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)


def test_the_first_page_tells_what_happened_last_and_what_no_program_has(services, viewer):
    told(services, Intent.OPT_OUT, "STOP it")
    lost = Decision(Intent.NONE, "unrouted")
    told(services, Intent.NONE, "hello?", program="", sender="+19995550000", decision=lost)
    services.archiver.move_all()
    said = words(viewer.get("/console/numbers"))
    assert "STOP it" in said
    assert "Texts to numbers without a program" in said
    assert "+19995550000 hello?" in said
