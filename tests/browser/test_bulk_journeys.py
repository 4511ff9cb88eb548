"""Several texts in review, or several failed replies, are settled together without a mouse."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Page, expect

from smsgate.consent.events import DeadLetter
from smsgate.domain.messages import Reply
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.browser.acting import SENDER, fits, press, says
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


def test_selected_failed_replies_are_dismissed_together(visit: Visit, services: Services) -> None:
    partition, number = partition_of("+14155559603"), "+14155559603"
    for at in (1, 2):
        reply = Reply(
            f"{partition}-{at}-0", "help", "simulator", number, SENDER, "alerts", f"text {at}.", 0
        )
        letter = msgspec.json.encode(DeadLetter(reply, "refused", "too many requests", at))
        services.store.outbox._client.hset(PARTITION_KEYS[partition].dead, reply.id, letter)
    page = visit("/console/replies/dead", role="agent", width=360)
    assert barriers(page) == []
    assert fits(page)
    press(page.get_by_role("link", name="Select all on this page"))
    says(page, "Select none")
    assert page.get_by_role("checkbox", checked=True).count() == 2
    press(page.get_by_role("button", name="Dismiss selected"))
    says(page, "Dismissed: 2 rows.")
    says(page, "No reply failed.")


def test_the_count_in_the_menu_renews_itself(visit: Visit, services: Services) -> None:
    page = visit("/console/me", role="viewer", width=1440)
    badge = page.locator("[data-badge='/console/review']")
    before = badge.text_content()
    waits(services, "hm? stop what", "+14155559604")
    expect(badge).not_to_have_text(before, timeout=60_000)
    assert barriers(page) == []
