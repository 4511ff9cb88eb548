"""Somebody signs in by a provider of OpenID Connect, by keyboard, on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from smsgate.records.operator_actions import ActionAuthor
from tests.browser.acting import fits, picture, press, sign_in
from tests.browser.test_pages import barriers
from tests.cli.conftest import CONFIG, Dev
from tests.fakes.full_house import add_people, gateway_of
from tests.fakes.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.fakes.people import People
from tests.fakes.served import free_port

pytestmark = pytest.mark.full


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as made:
        yield made


@pytest.fixture
def address(tmp_path: Path, provider: OidcProvider) -> Iterator[str]:
    """A system that knows the provider, and maria."""
    shutil.copytree(CONFIG, tmp_path / "config")
    with (tmp_path / "config" / "smsgate.toml").open("a") as file:
        file.write(
            f'\n[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT_ID}"\n'
            f'client_secret = "{CLIENT_SECRET}"\nname = "Acme Login"\n'
        )
    dev = Dev(tmp_path / "var", free_port())
    dev.start(SMSGATE_CONFIG=str(tmp_path / "config"))
    try:
        with closing(gateway_of(dev.directory / "run.json")) as services:
            add_people(services)
            people = People(services.records)
            people.add("maria", "agent", ActionAuthor("the tests"), "maria@example.com")
        yield f"http://127.0.0.1:{dev.port}"
    finally:
        dev.kill(15)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    with closing(chromium.new_context(viewport={"width": 360, "height": 740})) as context:
        yield context.new_page()


def test_maria_signs_in_by_the_provider_and_without_it_by_password(
    phone: Page, address: str, provider: OidcProvider
) -> None:
    phone.goto(f"{address}/console/numbers")
    link = phone.get_by_role("link", name="Sign in with Acme Login")
    expect(link).to_be_visible()
    assert barriers(phone) == []
    assert fits(phone)
    picture(phone, "sign-in-provider")
    press(link)
    phone.wait_for_url("**/console/numbers")  # where she wanted to go
    phone.goto(f"{address}/console/me")
    expect(phone.locator("body")).to_contain_text("maria")

    provider.claims = {"sub": "9", "email": "eve@example.com", "email_verified": True}
    press(phone.get_by_role("button", name="Sign out"))
    press(phone.get_by_role("link", name="Sign in with Acme Login"))
    expect(phone.locator("body")).to_contain_text("No one in smsgate uses this e-mail address")
    assert barriers(phone) == []
    assert fits(phone)

    provider.__exit__()
    press(phone.get_by_role("link", name="Home"))
    press(phone.get_by_role("link", name="Sign in with Acme Login"))
    expect(phone.locator("body")).to_contain_text("Acme Login cannot be reached")
    press(phone.get_by_role("link", name="Home"))
    sign_in(phone, "viewer")
    phone.wait_for_url("**/console/**")
    provider.__enter__()
