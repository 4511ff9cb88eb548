"""A real Chromium before a real ``smsgate dev`` that has been in use for a while."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from smsgate.process.services import Services
from tests.cli.conftest import Dev
from tests.fakes.browser import PASSWORD
from tests.fakes.console_pages import ConsoleObjects, add_objects
from tests.fakes.full_house import ROLES, add_people, add_reviews, add_suppressed, gateway_of
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port

expect.set_options(timeout=30_000)
"""What a page should show is waited for on a busy machine, too: as long as Playwright's actions."""
SUPPRESSED, REVIEWS = 10_000, 200
"""So few reviews that a preview of keywords looks at all texts, however busy the machine is."""
QUIET = [  # as root, without a screen, and without calls to anybody's servers
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _complains(said: ConsoleMessage) -> bool:
    """Whether it is an error.

    To Chromium also a page is one that says "somebody was faster" (409; 404 of what is gone), or
    "sign in again" (401).
    """
    is_ours = any(f"status of {one}" in said.text for one in (401, 404, 409))
    return said.type == "error" and not is_ours


@dataclass(frozen=True, slots=True)
class Site:
    """Where the console is, and the data directory behind it."""

    url: str
    directory: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    dev = Dev(folder / "var", free_port())
    try:
        dev.start()
        running = dev.directory / "run.json"
        add_suppressed(running, folder, SUPPRESSED)
        with closing(gateway_of(running)) as services:
            add_people(services)
            add_reviews(services, REVIEWS)
            assert wait_until(lambda: services.store.sweep.overdue() == ([], []))
        yield Site(f"http://127.0.0.1:{dev.port}", dev.directory)
    finally:
        dev.kill(15)


@pytest.fixture(scope="session")
def objects(site: Site) -> ConsoleObjects:
    """Things that pages are about, made once."""
    with closing(gateway_of(site.directory / "run.json")) as services:
        return add_objects(services)


@pytest.fixture
def services(site: Site) -> Iterator[Services]:
    """A gateway on the site's own store and records."""
    with closing(gateway_of(site.directory / "run.json")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The distribution's, else Playwright's own; in CI there has to be one.

    For a module, because Playwright's event loop runs in this thread until it is stopped, and tests
    of other rooms start their own.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        path = path or playwright.chromium.executable_path
        if not Path(path).exists():
            if os.environ.get("CI"):
                pytest.fail("there is no Chromium: apt-get install chromium")
            pytest.skip("THE PAGES ARE NOT TESTED: there is no Chromium; apt-get install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in() -> dict[str, object]:
    """By role the cookies of somebody who has signed in; none at first."""
    return {}


@pytest.fixture(scope="module")
def kept(chromium: Browser, site: Site, signed_in: dict[str, object]) -> dict[str, object]:
    """By role the cookies of somebody who has signed in, by the page."""
    for role in () if signed_in else ROLES:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{site.url}/console/")
        page.get_by_label("Name").fill(role)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/")
        signed_in[role] = context.storage_state()
        context.close()
    return signed_in


@pytest.fixture
def visit(chromium: Browser, site: Site, kept: dict[str, object]) -> Iterator[Callable[..., Page]]:
    """Opens a page as an operator of a role; whatever its console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(
        path: str,
        role: str = "admin",
        width: int = 1280,
        scheme: str = "light",
        forgiven: tuple[str, ...] = (),
        zone: str | None = None,
    ) -> Page:
        def note(said: ConsoleMessage) -> None:
            if _complains(said) and not any(one in said.text for one in forgiven):
                complaints.append(said.text)

        context = chromium.new_context(
            base_url=site.url,
            storage_state=kept.get(role),
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            timezone_id=zone,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints
