"""Every page: no complaint, no barrier, no sideways scrolling, and all of it by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from smsgate.web.console.app import MENU
from tests.browser.conftest import Site
from tests.fakes.console_pages import ADDRESSES, ConsoleObjects

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OF_COLOURS = {"type": "rule", "values": ["color-contrast"]}

_SEND_EVERY_FORM = """async () => {
    addEventListener("submit", (event) => event.preventDefault());  // after the page's own
    const forms = [...document.forms].filter((form) => form.method === "post"
        && !form.hasAttribute("hx-post") && !form.matches("[role=search]"));
    const idle = [];
    for (const form of forms) {
        const buttons = [...form.elements].filter((one) => one.type === "submit" && !one.disabled);
        if (!buttons.length) continue;
        form.noValidate = true;
        form.requestSubmit(buttons[0]);
        await new Promise((done) => setTimeout(done));
        const isBusy = buttons[0].getAttribute("aria-busy") === "true";
        const held = "download" in form.dataset ? buttons.slice(0, 1) : buttons;
        if (!isBusy || held.some((one) => !one.disabled)) idle.push(form.getAttribute("action"));
    }
    return idle;
}"""
"""Sends every form, without letting it go; gives those that could be sent again meanwhile."""


_WIDE_ON_A_PHONE = """() => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    const tables = [...document.querySelectorAll(".scroll:has(> table)")]
        .filter((one) => one.ariaLabel !== "First rows" && one.scrollWidth > one.clientWidth);
    const tabs = [...document.querySelectorAll(".tabs ul")]
        .filter((line) => new Set([...line.children].map((one) => one.offsetTop)).size > 1);
    return [...tables, ...tabs].map((one) => one.outerHTML.slice(0, 120));
}"""
"""Tables that scroll sideways (not the first rows of an uploaded file), and tabs in two lines."""


def barriers(page: Page, rules: object = _RULES) -> list[str]:
    """What axe finds, a line each."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    # Without the selectors of all that passes, which take most of the time.
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(options).then(found => found.violations)", options)
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("address", [*ADDRESSES, "/console/nowhere"])
def test_a_page_has_no_barrier_fits_and_sends_each_form_once(
    visit: Visit, objects: ConsoleObjects, address: str
) -> None:
    page = visit(objects.fill(address))
    assert page.locator("h1").count() == 1
    for width in (1280, 1024, 768, 360, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        page.emulate_media(color_scheme="dark" if width == 360 else "light")
        if width in (1280, 360):
            assert barriers(page) == [], width
        if width == 360:
            assert page.evaluate(_WIDE_ON_A_PHONE) == []
    assert page.evaluate(_SEND_EVERY_FORM) == []


def test_planted_barriers_are_found(visit: Visit) -> None:
    page = visit("/console/me")
    page.evaluate("""() => {
        const main = document.querySelector("main");
        main.append(document.createElement("input"), "Grey on dark");
        main.style.color = "#444";
    }""")
    assert any(one.startswith("label:") for one in barriers(page))
    assert barriers(page, _OF_COLOURS) == []
    page.emulate_media(color_scheme="dark")
    assert any(one.startswith("color-contrast:") for one in barriers(page, _OF_COLOURS))


def test_the_page_to_sign_in_has_no_barrier(visit: Visit) -> None:
    page = visit("/console/", role="nobody")
    assert page.get_by_label("Password").is_visible()
    assert barriers(page) == []


@pytest.mark.parametrize("width", [360, 899])
def test_the_menu_opens_and_closes_by_keys_and_by_a_touch(visit: Visit, width: int) -> None:
    page = visit("/console/", width=width)
    header, menu = page.locator("header.top"), page.get_by_role("button", name="Menu")
    setup = page.locator("header nav").get_by_role("link", name="Setup")
    assert header.bounding_box()["height"] <= 130
    assert not setup.is_visible()
    for _ in range(3):  # past the way to the content and the name
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert setup.is_visible()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    assert not setup.is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Menu"
    menu.click()
    page.mouse.click(4, 700)  # beside it
    assert not setup.is_visible()
    menu.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Home"
    setup.click()
    page.wait_for_url("**/console/setup")
    assert not page.locator("header nav").get_by_role("link", name="Setup").is_visible()


@pytest.mark.parametrize("width", [900, 1440])
def test_on_a_wide_window_all_pages_stand_beside_the_content(visit: Visit, width: int) -> None:
    page = visit("/console/", width=width)
    for place in MENU:
        assert page.locator(f"header nav a[href='{place.path}']").is_visible()
    assert not page.get_by_role("button", name="Menu").is_visible()
    assert page.locator("header.top").bounding_box()["height"] < 70


def test_a_search_without_result_is_no_error(visit: Visit) -> None:
    page = visit("/console/numbers")
    page.get_by_label("Phone number").fill("nobody")
    page.keyboard.press("Enter")
    page.get_by_text("Nothing was found.").wait_for()
    assert barriers(page) == []  # and the browser's console has nothing to complain of


@pytest.mark.parametrize("place", MENU, ids=lambda one: one.name)
def test_two_keys_lead_to_every_page(visit: Visit, place: object) -> None:
    page = visit("/console/me")
    page.keyboard.press("g")
    page.keyboard.press(place.key)
    page.wait_for_url(f"**{place.path}")
    here = page.locator("header nav [aria-current=page]")
    assert here.evaluate("link => link.firstChild.textContent.trim()") == place.name


def test_a_number_is_found_without_a_mouse(visit: Visit) -> None:
    page = visit("/console/")
    page.keyboard.press("/")
    page.keyboard.type("(212) 200-0001")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/numbers/**")
    assert page.locator("h1").inner_text() == "+1 212-200-0001"
    assert "opted out of everything" in page.locator("main table").first.inner_text()


def test_the_first_tab_skips_to_the_content(visit: Visit) -> None:
    page = visit("/console/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_times_are_in_the_zone_of_the_browser(
    chromium: Browser, site: Site, kept: dict[str, object]
) -> None:
    context = chromium.new_context(
        base_url=site.url, storage_state=kept["admin"], timezone_id="Asia/Tokyo"
    )
    page = context.new_page()
    page.goto("/console/audit")
    time = page.locator("tbody time").first
    there = datetime.fromisoformat(time.get_attribute("datetime")).astimezone(
        ZoneInfo("Asia/Tokyo")
    )
    assert time.inner_text() == f"{there:%b %-d, %-I:%M %p}".replace("\u202f", " ")
    assert time.get_attribute("title").endswith(" UTC")
    assert page.locator("#zone").inner_text() == "Times are in Asia/Tokyo."
    context.close()


def test_after_an_action_the_same_control_has_the_focus(visit: Visit) -> None:
    page = visit("/console/setup/accounts/simulator")
    button = page.get_by_role("button", name="Check this account")
    button.focus()
    button.press("Enter")
    page.locator("section[role=status]").wait_for()
    expect(page.get_by_role("button", name="Check this account")).to_be_focused()


def test_a_wrong_field_has_the_focus_and_says_why(visit: Visit) -> None:
    page = visit("/console/people", forgiven=("422",))
    box = page.locator("form[action='/console/people/add']")
    box.get_by_label("Name").fill("4155550123")
    box.get_by_label("Name").press("Enter")
    wrong = page.locator("form[action='/console/people/add'] [aria-invalid=true]")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_value("4155550123")
    assert barriers(page) == []
