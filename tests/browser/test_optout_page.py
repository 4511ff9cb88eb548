"""The page behind an opt-out link, as a person with a phone sees it: no login, no script."""

from __future__ import annotations

import json
import time
from contextlib import closing

import pytest
from playwright.sync_api import Browser

from smsgate.links import Links
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.fakes.full_house import gateway_of

pytestmark = pytest.mark.full

VISITS = (("en-US", "+14155559871"), ("ar-EG", "+14155559873"))


@pytest.mark.parametrize(("language", "number"), VISITS)
def test_a_link_opts_out_with_one_press(
    chromium: Browser, site: Site, language: str, number: str
) -> None:
    running = site.directory / "run.json"
    with closing(gateway_of(running)) as services:
        url = json.loads(running.read_text(encoding="utf-8"))["url"]
        secrets = [one.get_secret_value() for one in services.settings.secret_keys]
        link = Links(url, secrets).make(number, "alerts", time.time())
        plain = chromium.new_context(
            java_script_enabled=False, locale=language, viewport={"width": 360, "height": 640}
        )
        with closing(plain):
            page = plain.new_page()
            page.goto(link)
            assert services.gate.check_programs(number, services.settings.programs)[
                "alerts"
            ].allowed, "to look changes nothing"
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.wait_for_load_state()
            assert page.locator("html").get_attribute("lang") == language[:2]
            assert not services.gate.check_programs(number, services.settings.programs)[
                "alerts"
            ].allowed
        seen = chromium.new_context(locale=language, viewport={"width": 360, "height": 640})
        with closing(seen):
            page = seen.new_page()
            page.goto(link)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            # Scripts are forbidden on this page, axe's too, so it looks at a copy.
            content = page.content()
            page.goto("about:blank")
            page.set_content(content)
            assert barriers(page) == []
