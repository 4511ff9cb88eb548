"""People come in, prove who they are, and go: by links, passwords and codes, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyotp
import pytest
from playwright.sync_api import Browser, Page

from smsgate.features.operators.passwords import hash_password
from smsgate.process.services import Services
from tests.browser.acting import fits, press, says
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


def confirmed(page: Page) -> None:
    """Type the password again where it is asked for."""
    for field in page.get_by_label("Your password").all():
        if field.is_visible():
            field.fill(PASSWORD)


def passwords(page: Page, first: str) -> None:
    page.get_by_label(first, exact=True).fill(NEW)
    page.get_by_label("Confirm password").fill(NEW)
    page.keyboard.press("Enter")


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def test_somebody_is_added_comes_in_by_a_link_and_sets_up_a_second_factor(
    visit: Visit, stranger: Page, site: Site
) -> None:
    admin = visit("/console/people")
    box = admin.locator("form[action$='/people/add']")
    box.get_by_label("Name").fill("maria")
    box.get_by_label("Role").select_option("agent")
    confirmed(admin)
    press(box.get_by_role("button", name="Add"))
    says(admin, "Send this link to maria: it sets their password")
    link = admin.get_by_label("Value", exact=True).input_value()

    stranger.goto(link)
    assert barriers(stranger) == []
    field = stranger.get_by_label("New password", exact=True)
    assert field.get_attribute("autocomplete") == "new-password"
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
            sign_in(page, "zoe", PASSWORD)
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
