"""One number's story, and everything that may be done about it, without a mouse."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from smsgate.process.services import Services
from tests.browser.acting import fits, open_up, picture, press, says, text
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
WHY = "Reason, for the record"


def stands(page: Page, word: str) -> None:
    """Wait until the table says how the number stands; the page renews it by itself."""
    expect(page.locator("#story-state tbody tr").first).to_contain_text(word)


def test_a_call_on_the_phone_opts_out_and_a_mistake_of_ours_is_undone(
    visit: Visit, services: Services
) -> None:
    number = "+14155559101"
    page = visit(f"/console/numbers/{number}", role="agent")
    stands(page, "may be texted")
    page.keyboard.press("o")
    box = page.locator("form[action$='/opt-out']")
    box.get_by_label(WHY).fill("asked on the phone")
    box.get_by_label(WHY).press("Enter")
    stands(page, "opted out of everything")
    says(page, "manual, agent")
    assert not services.gate.check_programs(number, services.settings.programs)["alerts"].allowed

    page.keyboard.press("r")
    box = page.locator("form[action$='/restore']")
    box.get_by_label(WHY).fill("it was her sister's number")
    press(box.get_by_label("our mistake"), " ")
    press(box.get_by_role("button", name="Restore"))
    stands(page, "may be texted")
    assert services.gate.check_programs(number, services.settings.programs)["alerts"].allowed


def test_days_and_times_count_in_the_zone_of_the_browser(
    visit: Visit, services: Services, site: Site
) -> None:
    number = "+14155559107"
    text(site, "STOP", number)
    assert wait_until(lambda: len(services.history.of_number(number)) > 0)
    page = visit(f"/console/numbers/{number}", role="agent", width=360, zone="America/Denver")
    stands(page, "opted out of everything")
    page.keyboard.press("r")
    box = page.locator("form[action$='/restore']")
    zones = box.get_by_label("Time zone").locator("option")
    expect(zones).to_have_text(["America/Denver", "UTC"])
    box.get_by_label(WHY).fill("signed in the shop")
    press(box.get_by_label("agreed again"), " ")
    box.get_by_label("word for word").fill("Yes, text me")
    stopped_us = services.history.of_number(number)[-1].received_us
    # The form counts in seconds: a consent of the second of the STOP would be older than it.
    assert wait_until(lambda: time.time() // 1 > stopped_us / 1_000_000)
    now = datetime.now(UTC).astimezone(ZoneInfo("America/Denver"))
    box.get_by_role("textbox", name="Date").fill(f"{now:%Y-%m-%d}")
    box.get_by_label("Time, if").fill(f"{now:%H:%M:%S}")
    box.get_by_label("Where", exact=True).fill("the shop's form")
    assert fits(page)
    press(box.get_by_role("button", name="Restore"))
    stands(page, "may be texted")
    restored = services.history.of_number(number)[-1]
    assert restored.entry.consent.given_us == int(now.timestamp()) * 1_000_000

    page = visit("/console/suppressions", role="agent", width=360, zone="America/Denver")
    expect(page.locator("#since-help")).to_have_text("America/Denver")
    page.get_by_label("From", exact=True).fill("2026-01-02")
    press(page.get_by_role("button", name="Filter"))
    expect(page).to_have_url(re.compile(r"since=2026-01-02.*zone=America%2FDenver"))
    expect(page.locator("#since-help")).to_have_text("America/Denver")
    assert fits(page)
    assert barriers(page) == []
    # Whoever opens the address elsewhere sees the same rows.
    there = visit(page.url.removeprefix(site.url), role="agent", zone="America/Lima")
    expect(there.locator("#since-help")).to_have_text("America/Denver")


def test_a_story_has_ordinary_texts_and_says_since_when_and_by_which_list(
    visit: Visit, site: Site
) -> None:
    number = "+12122000007"  # of the list that was imported
    text(site, "when do you open on sundays?", number)
    page = visit(f"/console/numbers/{number}", role="agent", width=360)
    row = page.locator("#story-state tbody tr").first
    expect(row).to_contain_text("import: opted_out.txt")
    expect(row).to_contain_text("withdrawn on ")
    story = page.locator("ol.timeline > li")
    expect(story.first).to_contain_text("when do you open on sundays?")
    expect(story.first).to_contain_text("no effect")
    says(page, "Ordinary texts change nothing and are kept for a limited time")
    assert fits(page)
    assert barriers(page) == []
    picture(page, "number")


def test_the_evidence_file_is_kept_and_then_the_texts_are_erased(
    visit: Visit, services: Services, site: Site
) -> None:
    number = "+14155559104"
    text(site, "STOP. I live at 5 Elm Street", number)
    assert wait_until(
        lambda: (
            not services.gate.check_programs(number, services.settings.programs)["alerts"].allowed
        )
    )
    page = visit(f"/console/numbers/{number}", width=360)
    says(page, "5 Elm Street")
    box = open_up(page, "Evidence file")
    box.get_by_label("Company").fill("Acme Inc")
    box.get_by_label("Requested by").fill("Case 12-34")
    box.get_by_label("First day").fill("2026-01-02")
    assert fits(page)
    assert barriers(page) == []
    with page.expect_download() as kept:
        press(box.get_by_role("button", name="Download page"))
    said = Path(kept.value.path()).read_text(encoding="utf-8")
    for part in ("5 Elm Street", "Acme Inc", "Case 12-34", "from 2026-01-02 00:00"):
        assert part in said
    assert "Every record below fits its place in the chain of hashes." in said

    page = visit(f"/console/numbers/{number}")
    open_up(page, "Erase texts")
    box = page.locator("form[action$='/forget']")
    box.get_by_label(WHY).fill("asked by e-mail")
    box.get_by_label("Last four characters").fill(number[-4:])
    press(box.get_by_role("button", name="Erase texts"))
    says(page, "Erased the texts")
    says(page, "Text erased.")
    expect(page.locator("main")).not_to_contain_text("5 Elm Street")
    assert not services.gate.check_programs(number, services.settings.programs)["alerts"].allowed
