"""A reply is worded in the page, on a phone and without scripts, and texts are answered by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from smsgate.content_versions import ContentVersions
from smsgate.process.services import Services
from tests.browser.acting import fits, picture, press, says, text
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
REPLIES = "/console/setup/programs/alerts/replies?language=en"


@pytest.fixture
def reverted(services: Services) -> Iterator[None]:
    """Gives the replies back to the file when a journey ends."""
    yield
    versions = ContentVersions(services.records, "replies")
    if newest := versions.of("alerts", 1):
        versions.add("alerts", "", newest[0].version, "tests")


def test_a_reply_is_worded_on_a_phone_and_sent(
    visit: Visit, services: Services, site: Site, reverted: None
) -> None:
    page = visit("/console/setup/programs/alerts", width=360, forgiven=("422",))
    press(page.get_by_role("link", name="Edit replies"))
    page.wait_for_url("**/replies")
    page.goto(REPLIES)
    assert fits(page)
    field = page.get_by_label("Opt-out confirmation")
    field.fill("{program}: {what}")
    expect(page.locator("#preview")).to_contain_text("This has braces")
    press(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator("#opt_out-error")).to_contain_text("This has braces")
    assert barriers(page) == []
    assert fits(page)
    picture(page, "reply-fault")
    page.get_by_label("Opt-out confirmation").fill("You are out, as the console says.")
    expect(page.locator("#preview")).to_contain_text("1 segment: 33 of 160 characters")
    page.get_by_label("Note for the history").fill("shorter")
    press(page.get_by_role("button", name="Save", exact=True))
    says(page, "Saved as version")
    says(page, "shorter")
    assert barriers(page) == []
    assert fits(page)
    picture(page, "replies")

    def answers(number: str) -> list[str]:
        events = services.history.of_number(number)
        return [one.reply.text for one in events if one.reply is not None]

    numbers = (f"+1415555{at}" for at in range(9701, 9799))

    def is_answered_so() -> bool:
        number = next(numbers)  # each process takes the new version within a few seconds
        text(site, "Stop please", number)  # the bare word is answered by the provider
        assert wait_until(lambda: bool(answers(number)), 60)
        return answers(number) == ["You are out, as the console says."]

    assert wait_until(is_answered_so, 60)
    page.goto(REPLIES)
    press(page.get_by_role("button", name="Revert"))
    says(page, "Saved as version")
    says(page, "smsgate itself")


def test_without_scripts_the_preview_has_a_button(
    chromium: Browser, site: Site, kept: dict[str, object], reverted: None
) -> None:
    context = chromium.new_context(
        base_url=site.url, storage_state=kept["admin"], java_script_enabled=False,
        viewport={"width": 360, "height": 800},
    )  # fmt: skip
    page = context.new_page()
    page.goto(REPLIES)
    page.get_by_label("Opt-out confirmation").fill("Out of {program}.")
    page.get_by_role("button", name="Update the preview").click()
    expect(page.locator("#preview")).to_contain_text("Out of Acme Alerts.")
    page.get_by_role("button", name="Save", exact=True).click()
    says(page, "Saved as version")
    expect(page.get_by_label("Opt-out confirmation")).to_have_value("Out of {program}.")
    context.close()
