"""Several texts in review, or several failed replies, are settled together without a mouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from smsgate.process.services import Services
from tests.browser.acting import fits, press, says
from tests.browser.test_pages import barriers
from tests.fakes.pages import waits
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]


def test_selected_texts_are_decided_together(visit: Visit, services: Services) -> None:
    numbers = ["+14155559601", "+14155559602"]
    for number in numbers:
        waits(services, "hm? stop what", number)
    alerts = "alerts"

    def reasons() -> set[str]:
        return {one.reason for one in services.gate.check(numbers, program=alerts)}

    assert wait_until(lambda: reasons() == {"review"})
    page = visit("/console/review", role="agent", width=360)
    page.get_by_label("Program").focus()
    page.get_by_label("Program").select_option(alerts)
    press(page.get_by_role("button", name="Filter"))
    page.wait_for_url("**/console/review?program=*")
    while not page.get_by_role("checkbox", name="555-9601").count():
        with page.expect_navigation():
            press(page.get_by_role("link", name="Next"))
    for number in ("9601", "9602"):
        press(page.get_by_role("checkbox", name=f"555-{number}"), " ")
    assert barriers(page) == []
    assert fits(page)
    press(page.get_by_role("button", name="Mark as not opt-outs"))
    says(page, "Decided 2 texts: not an opt-out.")
    assert "program=" in page.url, "the filter stays"
    assert wait_until(lambda: "review" not in reasons())
    expect(page.get_by_role("checkbox", name="555-9601")).to_have_count(0)
    assert fits(page)


def test_the_count_in_the_menu_renews_itself(visit: Visit, services: Services) -> None:
    page = visit("/console/me", role="viewer", width=1440)
    badge = page.locator("[data-badge='/console/review']")
    before = badge.text_content()
    waits(services, "hm? stop what", "+14155559604")
    expect(badge).not_to_have_text(before, timeout=60_000)
    assert barriers(page) == []
