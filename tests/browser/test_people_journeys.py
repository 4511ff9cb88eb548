"""People come in, prove who they are, and go: by links, passwords and codes, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from smsgate.features.operators.passwords import hash_password
from smsgate.process.services import Services
from tests.browser.acting import fits, open_up, press, says, sign_in
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.cli.conftest import Dev
from tests.fakes.browser import PASSWORD
from tests.fakes.people import add_operator
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
_FIRST = re.compile(r"http://\S+/console/password/\S+")
NEW = "nine purple kettles boil"
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def stranger(chromium: Browser) -> Iterator[Page]:
    """A phone on which nobody has signed in."""
    with closing(chromium.new_context(viewport=PHONE)) as context:
        yield context.new_page()


@pytest.fixture
def admin(visit: Visit) -> Page:
    """The page People, of an admin who signed in just now."""
    page = visit("/console/people", role="nobody")
    sign_in(page, "admin")
    page.wait_for_url("**/console/people")
    return page


def passwords(page: Page, first: str) -> None:
    page.get_by_label(first, exact=True).fill(NEW)
    page.get_by_label("Confirm password").fill(NEW)
    page.keyboard.press("Enter")


def link_for(admin: Page, name: str) -> str:
    says(admin, f"Send this link to {name}: it sets their password")
    return admin.get_by_label("Value", exact=True).input_value()


def test_somebody_is_added_comes_in_by_a_link_and_sets_up_a_second_factor(
    admin: Page, stranger: Page, site: Site
) -> None:
    box = admin.locator("form[action$='/people/add']")
    box.get_by_label("Name").fill("maria")
    box.get_by_label("Role").select_option("agent")
    press(box.get_by_role("button", name="Add"))
    link = link_for(admin, "maria")

    stranger.goto(link)
    assert barriers(stranger) == []
    field = stranger.get_by_label("New password", exact=True)
    assert field.get_attribute("autocomplete") == "new-password"
    show = stranger.get_by_role("button", name="Show new password")
    for shown in ("text", "password"):
        press(show)
        assert field.get_attribute("type") == shown
    passwords(stranger, "New password")
    stranger.wait_for_url("**/console/")
    assert stranger.get_by_role("link", name="People").count() == 0, "an agent has no such page"

    code = second_factor(stranger, site)
    press(stranger.get_by_role("button", name="Sign out"))
    sign_in(stranger, "maria", NEW)
    stranger.get_by_label("Code from your authenticator app").fill(code)
    stranger.keyboard.press("Enter")
    stranger.wait_for_url("**/console/")
    assert stranger.goto(link).status >= 400, "a link opens once"


def second_factor(page: Page, site: Site) -> str:
    """Set it up; gives a recovery code."""
    page.goto(f"{site.url}/console/me/factor")
    secret = "".join(page.locator("main code").inner_text().split())
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    says(page, "Save your recovery codes")
    assert fits(page)
    assert barriers(page) == []
    codes = page.get_by_label("Recovery codes").inner_text().split()
    press(page.get_by_role("link", name="I saved them"))
    return codes[0]


def test_who_lost_their_phone_comes_in_by_a_link_of_an_admin_and_without_a_code(
    admin: Page, stranger: Page, site: Site, services: Services
) -> None:
    add_operator(services.records, "lena", "agent", hash_password(PASSWORD))
    stranger.goto(f"{site.url}/console/numbers")
    sign_in(stranger, "lena")
    stranger.wait_for_url("**/console/numbers")
    second_factor(stranger, site)

    admin.reload()
    box = open_up(admin, "Reset password lena")
    press(box.get_by_label("Also turn off two-step sign-in"), " ")
    press(box.get_by_role("button", name="Reset password lena"))
    link = link_for(admin, "lena")

    stranger.goto(f"{site.url}/console/numbers")
    says(stranger, "Your session has ended.")
    sign_in(stranger, "lena")
    says(stranger, "Sign-in failed")
    stranger.goto(link)
    passwords(stranger, "New password")
    stranger.wait_for_url("**/console/numbers")
    stranger.goto(f"{site.url}/console/me")
    expect(stranger.locator("dl.facts dd").last).to_have_text("off")


def test_who_is_deactivated_with_a_form_open_changes_nothing_and_does_not_come_back(
    admin: Page, stranger: Page, site: Site, services: Services
) -> None:
    number = "+14155559377"
    add_operator(services.records, "gus", "agent", hash_password(PASSWORD))
    stranger.goto(f"{site.url}/console/numbers/{number}")
    sign_in(stranger, "gus")
    reason = open_up(stranger, "Opt out").get_by_label("Reason, for the record")
    reason.fill("asked on the phone")

    admin.reload()
    press(admin.get_by_role("button", name="Deactivate gus"))
    says(admin, "Deactivated: 1 row.")

    reason.press("Enter")
    says(stranger, "Your session has ended, and nothing was changed.")
    assert urlsplit(stranger.url).path == "/console/in"
    assert fits(stranger)
    assert barriers(stranger) == []
    assert services.history.of_number(number) == []
    assert services.gate.check_programs(number, services.settings.programs)["alerts"].allowed
    sign_in(stranger, "gus")
    says(stranger, "Sign-in failed")


def test_times_are_in_the_zone_that_somebody_chose_with_and_without_scripts(
    chromium: Browser, site: Site, services: Services
) -> None:
    add_operator(services.records, "zoe", "viewer", hash_password(PASSWORD))
    zone = ZoneInfo("Asia/Kathmandu")
    for has_scripts in (True, False):
        context = chromium.new_context(
            viewport=PHONE, timezone_id="America/Denver", java_script_enabled=has_scripts
        )
        with closing(context):
            page = context.new_page()
            page.goto(f"{site.url}/console/me")
            sign_in(page, "zoe")
            page.wait_for_url("**/console/me")
            if has_scripts:
                assert page.locator("#zone").inner_text() == "Times are in America/Denver."
                page.get_by_label("Show times in").select_option("Asia/Kathmandu")
                press(page.get_by_role("button", name="Save"))
                says(page, "Time zone saved.")
                assert barriers(page) == []
            assert fits(page)
            assert page.locator("#zone").inner_text() == "Times are in Asia/Kathmandu."
            time = page.get_by_label("Sessions").locator("time").first
            there = datetime.fromisoformat(time.get_attribute("datetime")).astimezone(zone)
            looks = "%b %-d, %-I:%M %p" if has_scripts else "%b %-d, %H:%M +0545"
            assert time.inner_text().replace("\u202f", " ") == f"{there:{looks}}"
            assert time.get_attribute("title").endswith(" UTC")


def test_the_first_admin_comes_in_by_the_link_that_dev_prints(
    stranger: Page, tmp_path: Path
) -> None:
    dev = Dev(tmp_path / "var", free_port())
    dev.start()
    try:
        assert wait_until(lambda: _FIRST.search(dev.said))
        link = _FIRST.search(dev.said)[0]
        stranger.goto(link)
        assert barriers(stranger) == []
        assert fits(stranger)
        passwords(stranger, "New password")
        says(stranger, "Needs attention")
        stranger.get_by_role("button", name="Menu").click()
        assert stranger.locator("nav").get_by_role("link", name="People").is_visible()
        assert stranger.goto(link).status >= 400, "there is an admin now"
    finally:
        dev.kill(15)
