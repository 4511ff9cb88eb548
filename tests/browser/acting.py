"""What several journeys do: press by keyboard, text as a subscriber, tell as the provider."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from smsgate.process.services import Services
from smsgate.providers.calls import FORM
from smsgate.providers.twilio import Twilio
from tests.browser.conftest import Site
from tests.fakes.browser import PASSWORD

SENDER = "+12025550100"
"""A number of the program in the configuration that is shipped."""
_PICTURES = os.environ.get("SMSGATE_TEST_PICTURES", "")
"""A folder for pictures of what is seen, for whoever wants to look."""


def press(locator: Locator, key: str = "Enter") -> None:
    """Press what has a name, as somebody does who has no mouse."""
    locator.focus()
    locator.press(key)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill the form for signing in, and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def open_up(page: Page, summary: str) -> Locator:
    """Open what is folded up; gives it."""
    details = page.locator("details").filter(has=page.locator("summary", has_text=summary)).last
    press(details.locator("summary").first)
    return details


def says(page: Page, sentence: str) -> None:
    """Wait until the page says it."""
    expect(page.locator("main")).to_contain_text(sentence)


def fits(page: Page) -> bool:
    """Whether nothing scrolls sideways."""
    width = page.viewport_size["width"]
    return bool(page.evaluate("document.documentElement.scrollWidth") <= width)


def picture(page: Page, name: str) -> None:
    """Keep what is seen, where somebody wants to look."""
    if _PICTURES:
        page.screenshot(path=Path(_PICTURES) / f"{name}.png", full_page=True)


def text(site: Site, words: str, number: str) -> None:
    """Be a subscriber."""
    command = [sys.executable, "-m", "smsgate.cli", "text", words, "--from", number]
    environ = {**os.environ, "SMSGATE_DATA_DIR": str(site.directory)}
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=60)


def tell(site: Site, services: Services, form: dict[str, str]) -> None:
    """Post a status callback, signed as the provider of the simulator signs."""
    account = services.settings.accounts["simulator"]
    url = f"{account.public_url}/webhooks/simulator/status"
    form = {"AccountSid": account.options["account_sid"], "From": SENDER, **form}
    body = urlencode(form).encode()
    headers = {"Content-Type": FORM, **Twilio().sign(url, body, account)}
    request = urllib.request.Request(f"{site.url}/webhooks/simulator/status", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
