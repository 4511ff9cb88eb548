"""Lists, replies, setup and the guide, as people use them."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from smsgate.consent.events import DeadLetter
from smsgate.domain.messages import Reply
from smsgate.features.replies.service import dismiss_reply
from smsgate.pipeline.services import Services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.browser.acting import SENDER, fits, picture, press, says
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers

pytestmark = pytest.mark.full

Visit = Callable[..., Page]


def kept(page: Page, name: str) -> str:
    """What is in the file that a link hands out."""
    with page.expect_download() as found:
        press(page.get_by_role("link", name=name))
    return Path(found.value.path()).read_text(encoding="utf-8")


def test_a_list_is_looked_at_before_it_is_applied(
    visit: Visit, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "gone <b>.csv"
    file.write_text("who,<i>phone</i>\nAnn,(415) 555-9301\nBob,+14155559302\nCleo,nonsense\n")
    page = visit("/console/lists", role="agent", width=360)
    page.get_by_label("File to import").set_input_files(file)
    press(page.get_by_role("button", name="Upload").first)
    says(page, "gone <b>.csv")
    says(page, "<i>phone</i> (numbers)")
    assert fits(page)
    press(page.get_by_label("Opted out", exact=True), " ")
    press(page.get_by_role("button", name="Preview").first)
    says(page, "Preview")
    says(page, "line 4: nonsense")
    assert services.gate.check_programs("+14155559301", services.settings.programs)[
        "alerts"
    ].allowed, "nothing is changed yet"
    press(page.get_by_role("button", name="Apply"))
    says(page, "Result")
    assert not services.gate.check_programs("+14155559301", services.settings.programs)[
        "alerts"
    ].allowed
    assert "nonsense" in kept(page, "Download the rows that cannot be used (CSV)")
    assert barriers(page) == []


def test_a_list_is_undone_after_a_look(visit: Visit, services: Services, tmp_path: Path) -> None:
    number = "+14155559640"
    file = tmp_path / "crm.csv"
    file.write_text(f"Phone;Status;Source\r\n{number};stop;Klaviyo\r\n", encoding="utf-8-sig")
    page = visit("/console/lists", role="agent", width=1280)
    page.get_by_label("File to import").set_input_files(file)
    press(page.get_by_role("button", name="Upload").first)
    says(page, "Phone (numbers)")
    expect(page.get_by_label("Source column")).to_have_value("3")
    press(page.get_by_role("button", name="Preview").first)
    press(page.get_by_role("button", name="Apply"))
    says(page, "Result")
    assert not services.gate.allows(number, program="alerts")
    assert barriers(page) == []
    press(page.get_by_role("button", name="Undo…"))
    says(page, "1 number would be put back")
    page.get_by_label("Reason, for the record").fill("the wrong file")
    press(page.get_by_role("button", name="Undo import"))
    says(page, "1 number put back")
    assert services.gate.allows(number, program="alerts")
    assert barriers(page) == []


def test_a_list_is_parted_before_a_send(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "summer.csv"
    file.write_text("phone\n+12122000001\n+14155559303\n")
    page = visit("/console/lists", role="agent")
    page.get_by_label("File to scrub").set_input_files(file)
    press(page.get_by_role("button", name="Upload").last)
    press(page.get_by_role("button", name="Scrub").first)
    says(page, "can be texted")
    clean, blocked = kept(page, "Download numbers to text"), kept(page, "Download blocked numbers")
    assert "+14155559303" in clean
    assert "+12122000001" not in clean
    assert "opted_out" in blocked


def test_a_reply_that_was_given_up_is_tried_again_or_dismissed(
    visit: Visit, services: Services
) -> None:
    number = "+14155559304"
    partition = partition_of(number)
    for at, words in enumerate(("<b>once</b> more", "never mind")):
        reply = Reply(
            f"{partition}-{at + 1}-0", "help", "simulator", number, SENDER, "alerts", words, 0
        )
        letter = msgspec.json.encode(DeadLetter(reply, "refused", "too many requests", at))
        services.store.outbox._client.hset(PARTITION_KEYS[partition].dead, reply.id, letter)
    page = visit("/console/replies/dead", role="agent", width=360)
    says(page, "<b>once</b> more")
    assert fits(page)
    row = page.get_by_role("row").filter(has_text="once")
    press(row.get_by_role("button", name="Retry"))
    expect(page.get_by_role("row").filter(has_text="once")).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="never mind")
    press(row.get_by_role("button", name="Dismiss"))
    says(page, "No reply failed.")
    page.goto(f"/console/numbers/{number}")
    says(page, "dismissed")
    says(page, "by agent")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_confirmation_that_came_too_late_can_only_be_dismissed(
    visit: Visit, services: Services, width: int
) -> None:
    number = "+14155559305"
    partition = partition_of(number)
    at_us = services.store.health.now_us()
    for at, (kind, words) in enumerate((("opt_out", "You are unsubscribed."), ("help", "Help."))):
        id_ = f"{partition}-{at + 1}-0"
        reply = Reply(id_, kind, "simulator", number, SENDER, "alerts", words, at_us - 1)
        letter = msgspec.json.encode(DeadLetter(reply, "late", "the sender was stopped", at_us))
        services.store.outbox._client.hset(PARTITION_KEYS[partition].dead, id_, letter)
    page = visit("/console/replies/dead", role="agent", width=width)
    late = page.get_by_role("row").filter(has_text="You are unsubscribed.")
    expect(late).to_contain_text("Too late to send")
    expect(late.get_by_role("button")).to_have_count(1)
    other = page.get_by_role("row").filter(has_text="Help.")
    expect(other.get_by_role("button")).to_have_count(2)
    assert fits(page)
    assert barriers(page) == []
    picture(page, f"replies-{width}")

    # Somebody else is faster: the page says so and stays the list that it is.
    dismiss_reply(services, f"{partition}-2-0", "somebody else")
    press(other.get_by_role("button", name="Retry"))
    says(page, "someone else retried or dismissed it first")
    press(late.get_by_role("button", name="Dismiss"))
    says(page, "Dismissed: 1 row.")


def test_an_account_is_tried_and_a_refused_signature_explained(visit: Visit, site: Site) -> None:
    forged = urllib.request.Request(
        f"{site.url}/webhooks/simulator", b"Body=STOP", {"X-Twilio-Signature": "nonsense"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(forged, timeout=10)
    page = visit("/console/setup")
    press(page.get_by_role("link", name="simulator", exact=True))
    says(page, "unexplained")
    press(page.get_by_role("button", name="Check this account"))
    expect(page.get_by_label("Results")).to_be_visible()
    page.get_by_label("To (your own phone)").fill("(415) 555-9305")
    page.get_by_label("From", exact=True).fill(SENDER)
    page.keyboard.press("Enter")
    expect(page.locator("main > .notice").first).to_be_visible()
    page.goto("/console/numbers/+14155559305")
    says(page, "a test, by admin")


def test_that_the_guide_was_read_is_on_record(visit: Visit) -> None:
    page = visit("/console/guide", role="agent", width=360)
    says(page, "You have not read this version yet")
    press(page.get_by_role("button", name="I have read this"))
    says(page, "You read this version on")
    assert fits(page)
    assert barriers(page) == []
