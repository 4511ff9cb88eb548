"""What operators come for, done in a browser and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from smsgate.process.services import Services
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]


def asked_about(page: Page) -> str:
    """The number whose text is shown to be decided, in E.164."""
    link = page.locator("#case-title a.number")
    return link.get_attribute("href").rpartition("/")[2].replace("%2B", "+")


def decide(page: Page, key: str) -> None:
    """Press a key and wait until another text is shown.

    Just after a change the page takes no key, so that nobody decides what they have not seen.
    """
    shown = page.locator("#case-title a.number")
    before = str(shown.get_attribute("href"))
    assert wait_until(lambda: bool(page.evaluate("performance.now() > swapped + 300")))
    page.keyboard.press(key)
    expect(shown).not_to_have_attribute("href", before)


def test_texts_are_decided_by_keys_and_the_next_comes_at_once(
    visit: Visit, services: Services
) -> None:
    page = visit("/console/review", role="agent")
    first = asked_about(page)
    assert (
        services.gate.check_programs(first, services.settings.programs)["alerts"].reason == "review"
    )
    decide(page, "o")
    second = asked_about(page)
    assert services.gate.check_programs(first, services.settings.programs)["alerts"].reason in (
        "hold",
        "opted_out_all",
    )
    decide(page, "n")
    assert asked_about(page) not in (first, second)
    expect(page.locator("main")).to_contain_text("texts to review")
    assert wait_until(
        lambda: bool(
            services.gate.check_programs(second, services.settings.programs)["alerts"].allowed
        )
    )


def test_the_simulator_shows_a_text_from_the_door_to_the_confirmation(visit: Visit) -> None:
    page = visit("/console/simulator", role="agent")
    page.get_by_label("Text", exact=True).fill("please stop texting me")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("You are unsubscribed")
