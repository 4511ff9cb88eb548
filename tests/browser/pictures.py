"""Pictures of the main pages for the README: ``python -m tests.browser.pictures``.

On a ``smsgate dev`` of its own with a list, some texts and some reviews; numbers are from the range
that is kept for fiction.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import QUIET
from tests.cli.conftest import Dev
from tests.fakes.browser import PASSWORD
from tests.fakes.full_house import add_people, add_reviews, add_suppressed, gateway_of
from tests.fakes.served import ROOT, free_port

NUMBER = "+14155550123"
TEXTS = ("Hi, what time do you close?", "pls stop texting me", "START", "Para ya, no más mensajes")
PAGES = {
    "home": "/console/",
    "number": f"/console/numbers/{NUMBER}",
    "review": "/console/review",
    "simulator": "/console/simulator",
}


def main(folder: Path) -> None:
    """Make the pictures into a folder, anew."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smsgate-pictures-") as work:
        dev = Dev(Path(work) / "var", free_port())
        dev.start()
        try:
            _fill(dev, Path(work))
            _take(f"http://127.0.0.1:{dev.port}", folder)
        finally:
            dev.kill(15)


def _fill(dev: Dev, work: Path) -> None:
    running = dev.directory / "run.json"
    add_suppressed(running, work, 1_000)
    with closing(gateway_of(running)) as services:
        add_people(services)
        add_reviews(services, 12)
    for text in TEXTS:
        command = [sys.executable, "-m", "smsgate.cli", "text", text, "--from", NUMBER]
        environ = {**os.environ, "SMSGATE_DATA_DIR": str(dev.directory)}
        subprocess.run(command, env=environ, check=True, capture_output=True, timeout=60)


def _take(url: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(base_url=url, viewport={"width": 1280, "height": 800})
        _sign_in(page)
        for name, path in PAGES.items():
            page.goto(path)
            if name == "simulator":
                page.get_by_label("Text", exact=True).fill("please stop texting me")
                page.keyboard.press("Enter")
                page.get_by_text("You are unsubscribed").wait_for()
                page.locator("#live form").wait_for(state="detached")
            page.screenshot(path=folder / f"{name}.png")
        browser.close()


def _sign_in(page: Page) -> None:
    page.goto("/console/")
    page.get_by_label("Name").fill("agent")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/")


if __name__ == "__main__":
    main(ROOT / "docs" / "images")
