"""What a person sees when something goes wrong while they are at work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from smsgate.monitoring.deadlines import PAGE_ANSWER_S
from smsgate.process.services import Services
from tests.browser.acting import fits, picture, press, says, sign_in
from tests.browser.test_pages import barriers
from tests.fakes import manual
from tests.fakes.people import session_digest
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]


def end_session(page: Page, services: Services) -> None:
    """End the session of this browser, as half an hour without use does."""
    (cookie,) = [one["value"] for one in page.context.cookies() if one["name"] == "smsgate"]
    with services.records.database.writing() as connection:
        ended = text("UPDATE sessions SET seen_us = 0 WHERE digest = :digest")
        assert connection.execute(ended, {"digest": session_digest(cookie)}).rowcount == 1


def test_a_session_that_ends_during_review_leads_back_to_the_same_case(
    visit: Visit, services: Services
) -> None:
    key = manual.review_reader(services).all()[7].key
    page = visit("/console/review", role="nobody", width=360)
    sign_in(page, "agent")
    page.wait_for_url("**/console/review")
    page.goto(f"/console/review?show={key}")
    number = page.locator("#case-title a").inner_text()
    end_session(page, services)

    page.keyboard.press("n")
    says(page, "Your session has ended. Nothing was changed. Sign in to go back")
    link = page.get_by_role("link", name="Sign in")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    expect(page.locator("#case-title a")).to_have_text(number)  # the case is still on the page
    assert fits(page)
    assert barriers(page) == []
    picture(page, "review-ended")

    page.keyboard.press("Enter")
    says(page, "Your session has ended, and nothing was changed.")
    assert barriers(page) == []
    picture(page, "sign-in-ended")
    sign_in(page, "agent")
    page.wait_for_url(f"**/console/review?show={key}")
    expect(page.locator("#case-title a")).to_have_text(number)
    press(page.get_by_role("button", name="Not an opt-out"))
    says(page, "Not an opt-out: ")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that takes connections and answers nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_home_says_at_once_what_is_unknown_while_redis_hangs(
    visit: Visit, services: Services
) -> None:
    began = time.monotonic()
    page = visit("/console/", width=360)
    expect(page.locator("#needs")).to_be_visible()
    usual_s = time.monotonic() - began
    assert fits(page)
    picture(page, "home")
    with stopped(int(services.store.health._client.info("server")["process_id"])):
        began = time.monotonic()
        page.goto("/console/")
        took_s = time.monotonic() - began
        first = page.locator(".needs li").first
        expect(first).to_contain_text("The store is away: nobody can be texted")
        expect(first).to_contain_text("running processes are unknown")
        expect(first).to_have_class("notice bad")
        expect(page.locator(".figures .badge.bad")).to_have_count(7)
        expect(page.locator("#main")).not_to_contain_text("All clear")
        assert fits(page)
        assert barriers(page) == []
        picture(page, "home-unknown")
    # once for all questions, not for each by itself; Redis itself is waited for twice as long
    assert took_s < 4 * (2 * PAGE_ANSWER_S + usual_s)
    assert wait_until(lambda: _is_back(page), 60)


def _is_back(page: Page) -> bool:
    page.goto("/console/")
    return "unknown" not in page.locator(".needs, .notice.good").first.inner_text()


def test_home_says_that_it_is_out_of_date_where_the_console_does_not_answer(visit: Visit) -> None:
    lost = ("net::ERR_FAILED", "htmx:afterRequest", "htmx:sendError")
    page = visit("/console/", role="nobody", width=360, forgiven=lost)
    page.clock.install()
    sign_in(page, "viewer")
    expect(page.locator("#needs")).to_be_visible()
    page.route("**/console/home/now", lambda route: route.abort())
    page.clock.run_for(31_000)
    stale = page.locator(".stale")
    expect(stale).to_contain_text("What is shown below is out of date.")
    expect(stale).to_have_count(1)
    assert barriers(page) == []
    picture(page, "home-stale-360")
    page.unroute("**/console/home/now")
    page.clock.run_for(16_000)
    expect(stale).to_have_count(0)
