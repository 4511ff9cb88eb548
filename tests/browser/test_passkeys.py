"""Somebody signs in by a passkey of Chromium's virtual authenticator, by keyboard, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from smsgate.features.operators.passwords import hash_password
from smsgate.process.services import Services
from tests.browser.acting import fits, picture, press, says, sign_in
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.fakes.browser import PASSWORD
from tests.fakes.people import add_operator, newest_actions

pytestmark = pytest.mark.full

PHONE = {"width": 360, "height": 740}


@pytest.fixture
def address(site: Site) -> str:
    """Where the site has passkeys: by its name, since an IP address can have none."""
    return f"http://localhost:{urlsplit(site.url).port}"


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """A phone on which nobody has signed in."""
    with closing(chromium.new_context(viewport=PHONE)) as context:
        yield context.new_page()


class Authenticator:
    """The virtual authenticator of a page (DevTools protocol, domain WebAuthn)."""

    def __init__(self, page: Page) -> None:
        self._tools: CDPSession = page.context.new_cdp_session(page)
        self._tools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        made = self._tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._which = {"authenticatorId": made["authenticatorId"]}

    def recognises(self, *, person: bool) -> None:
        """Whether it takes the finger for its owner's."""
        self._tools.send("WebAuthn.setUserVerified", {**self._which, "isUserVerified": person})

    def restore(self, sign_count: int) -> None:
        """Become a copy of itself from when it had signed so often."""
        (one,) = self._tools.send("WebAuthn.getCredentials", self._which)["credentials"]
        self._tools.send("WebAuthn.clearCredentials", self._which)
        copy = {**one, "signCount": sign_count}
        self._tools.send("WebAuthn.addCredential", {**self._which, "credential": copy})


def add_person(services: Services, name: str) -> None:
    add_operator(services.records, name, "agent", hash_password(PASSWORD))


def open_and_sign_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/console/in")
    sign_in(page, name)


def sign_out(page: Page) -> None:
    press(page.get_by_role("button", name="Sign out").first)
    page.wait_for_url("**/console/in")


def add_passkey(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/console/me")
    press(page.get_by_role("link", name="Add a passkey or an authenticator app"))
    page.get_by_label("Name").fill(name)
    page.keyboard.press("Enter")


def test_a_passkey_is_added_signs_in_is_copied_and_removed(
    phone: Page, address: str, services: Services
) -> None:
    add_person(services, "petra")
    authenticator = Authenticator(phone)
    open_and_sign_in(phone, address, "petra")
    phone.wait_for_url("**/console/")
    phone.goto(f"{address}/console/me/factor")
    expect(phone.get_by_label("Name")).to_have_value("Chrome on Linux")
    assert barriers(phone) == []
    assert fits(phone)
    picture(phone, "passkey-add")
    add_passkey(phone, address, "My phone")
    says(phone, "Save your recovery codes")
    code = phone.get_by_label("Recovery codes").inner_text().split()[0]

    add_passkey(phone, address, "The same once more")
    says(phone, "This device has a passkey for you already.")
    assert barriers(phone) == []
    phone.goto(f"{address}/console/me")
    assert barriers(phone) == []
    assert fits(phone)
    picture(phone, "passkey-list")

    sign_out(phone)
    open_and_sign_in(phone, address, "petra")
    button = phone.get_by_role("button", name="Use a passkey")
    expect(button).to_be_focused()
    assert barriers(phone) == []
    assert fits(phone)
    picture(phone, "passkey-sign-in")
    authenticator.recognises(person=False)
    phone.keyboard.press("Enter")
    says(phone, "No passkey was used")
    authenticator.recognises(person=True)
    expect(button).to_be_focused()
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/console/")

    sign_out(phone)
    authenticator.restore(0)
    open_and_sign_in(phone, address, "petra")
    expect(button).to_be_focused()
    phone.keyboard.press("Enter")
    says(phone, "it may have been copied")
    assert barriers(phone) == []
    assert fits(phone)
    logged = newest_actions(services.records, 5)
    assert "its counter went back" in next(x.note for x in logged if x.what == "wrong passkey")
    phone.get_by_label("Recovery code").fill(code)
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/console/")

    phone.goto(f"{address}/console/me")
    press(phone.get_by_role("button", name="Remove"))
    says(phone, "Removed My phone. Two-step sign-in is off.")
    sign_out(phone)
    open_and_sign_in(phone, address, "petra")
    phone.wait_for_url("**/console/")


def test_where_passkeys_do_not_work_the_page_says_so_and_a_code_opens(
    chromium: Browser, phone: Page, site: Site, address: str, services: Services
) -> None:
    add_person(services, "otto")
    Authenticator(phone)
    open_and_sign_in(phone, address, "otto")
    phone.wait_for_url("**/console/")
    add_passkey(phone, address, "My phone")
    says(phone, "Save your recovery codes")
    codes = phone.get_by_label("Recovery codes").inner_text().split()
    open_and_sign_in(phone, site.url, "otto")  # another name of the same console
    says(phone, f"Passkeys work at {address} only")
    assert not phone.get_by_role("button", name="Use a passkey").is_visible()
    assert barriers(phone) == []
    phone.get_by_label("Recovery code").fill(codes[0])
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/console/")
    with closing(chromium.new_context(viewport=PHONE, java_script_enabled=False)) as context:
        plain = context.new_page()
        open_and_sign_in(plain, address, "otto")
        plain.wait_for_url("**/console/in/code")
        says(plain, "A passkey needs JavaScript, which is off")
        assert fits(plain)
        plain.get_by_label("Recovery code").fill(codes[1])
        plain.keyboard.press("Enter")
        plain.wait_for_url("**/console/")
        plain.goto(f"{address}/console/me/factor")
        says(plain, "Use an authenticator app instead.")
        assert not plain.get_by_role("button", name="Add passkey").is_visible()
