"""A keyword set is changed in the page: conflicts, what it would change, save, undo."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from smsgate.process.services import Services
from tests.browser.acting import fits, press, says, text
from tests.browser.conftest import Site
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
WORD = "zapperdoodle"


def entry(page: Page, words: str, means: str) -> None:
    """Write an entry behind the set, and preview it."""
    box = page.get_by_label("The set as a file").first
    added = f'[[entries]]\nintent = "{means}"\nwords = "{words}"\n'
    box.fill(f"{box.input_value().partition('[[')[0]}\n{added}")
    press(page.get_by_role("button", name="Preview changes").first)


def tried_and_says(page: Page, words: str, sentence: str) -> bool:
    """Whether it comes now: another process may answer, and each follows within a second."""
    page.goto("/console/keywords")
    with page.expect_response("**/console/keywords/try") as tried:
        page.get_by_label("Text", exact=True).fill(words)
    return sentence in tried.value.text()


def test_a_set_is_changed_with_its_effect_in_sight_and_taken_back(
    visit: Visit, services: Services, site: Site
) -> None:
    text(site, f"{WORD}!", "+14155559201")
    assert wait_until(
        lambda: any(services.store.sample_log.page(partition, "", 9) for partition in range(16))
    )
    page = visit("/console/keywords/sets/en")
    entry(page, "stop", "opt_in")
    says(page, "1 conflict.")
    page.goto("/console/keywords/sets/en")
    entry(page, WORD, "opt_out")
    says(page, "No conflicts.")
    says(page, "Nothing is saved yet.")
    says(page, f"{WORD} (opt-out, whole, low risk)")
    says(page, "Would change 1 of")
    expect(page.locator(".changes")).to_contain_text(f"{WORD}!")
    page.get_by_label("Note for the history").fill("people text it")
    press(page.get_by_role("button", name="Save as version 1"))

    says(page, "people text it")
    expect(page.get_by_role("table", name="Versions")).to_contain_text("admin")
    assert wait_until(lambda: tried_and_says(page, WORD, "Opt-out"))
    page.goto("/console/keywords/sets/en")
    press(page.get_by_text("Changes of version 1"))
    expect(page.locator(".diff").filter(has_text=WORD)).to_be_visible()

    give_up(page, "en")
    says(page, "shipped")
    assert wait_until(lambda: tried_and_says(page, WORD, "Not about consent"))


def give_up(page: Page, name: str) -> None:
    page.goto(f"/console/keywords/sets/{name}")
    press(page.get_by_role("button", name="Revert"))
    says(page, "reverted")


def test_a_keyword_is_added_on_a_phone(visit: Visit) -> None:
    page = visit("/console/keywords/new?text=enough+of+this&program=alerts", width=360)
    assert page.get_by_label("Keyword", exact=True).input_value() == "enough of this"
    page.get_by_label("Note").press("Enter")
    says(page, "Nothing is saved yet.")
    assert fits(page)
