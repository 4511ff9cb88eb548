"""Busy buttons, the heads of long tables, and where the focus is after an action."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acting import press
from tests.fakes.console_pages import ConsoleObjects

pytestmark = pytest.mark.full

Visit = Callable[..., Page]
_HEAD_ABOVE = """(table) => {
    const frame = table.closest(".scroll");
    frame.scrollTop = frame.scrollHeight;
    const head = table.querySelector("thead th").getBoundingClientRect();
    return [frame.scrollTop, head.top - frame.getBoundingClientRect().top];
}"""


def held(page: Page, path: str) -> list[Route]:
    """Requests to a path, which get no answer until the test lets them."""
    found: list[Route] = []

    def hold(route: Route) -> None:
        found.append(route)

    page.route(f"**{path}", hold)  # Playwright takes no method of a list
    return found


def test_until_there_is_an_answer_a_form_has_a_ring_and_is_sent_once(visit: Visit) -> None:
    page = visit("/console/people", width=360)
    sent: list[str] = []

    def leave_the_page(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=204)

    page.route("**/console/people/add", leave_the_page)
    form = page.locator("form[action='/console/people/add']")
    form.get_by_label("Name").fill("4155550123")
    add = form.get_by_role("button", name="Add")
    page.keyboard.press("Enter")
    expect(add).to_be_disabled()
    expect(add).to_have_attribute("aria-busy", "true")
    assert add.evaluate("one => getComputedStyle(one, '::before').animationName") == "turn"
    page.keyboard.press("Enter")
    add.dispatch_event("click")
    expect(add).to_be_disabled()
    assert len(sent) == 1


def test_what_a_page_sends_by_itself_is_sent_once_too(visit: Visit) -> None:
    page = visit("/console/keywords", width=360)
    waiting = held(page, "/console/keywords/try")
    button = page.get_by_role("button", name="Try", exact=True)
    for _ in range(3):
        press(button)
    expect(button).to_have_attribute("aria-busy", "true")
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(button).not_to_have_attribute("aria-busy", "true")
    expect(button).to_be_focused()
    press(button)
    expect(button).to_have_attribute("aria-busy", "true")
    assert len(waiting) == 2  # but not the presses of before
    waiting[1].continue_()
    expect(button).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize(
    "path",
    ["/console/keywords", "/console/suppressions", "/console/review", "/console/keywords/sets"],
)
def test_the_head_of_a_long_table_stays_in_sight(visit: Visit, path: str) -> None:
    page = visit(path, width=768)
    scrolled, above = page.locator(".scroll table").first.evaluate(_HEAD_ABOVE)
    assert scrolled > 100
    assert -1 <= above <= 2


@pytest.mark.parametrize(
    "path",
    [
        "/console/setup",
        "/console/setup/accounts/simulator",
        "/console/setup/doctor",
        "/console/keywords/sets",
        "/console/me",
    ],
)
def test_no_table_scrolls_sideways_on_a_phone(visit: Visit, path: str) -> None:
    tables = visit(path, width=360).locator(".scroll:visible").all()
    assert tables
    assert [one.evaluate("it => it.scrollWidth - it.clientWidth") for one in tables] == [0] * len(
        tables
    )


def test_the_focus_stays_where_something_was_saved(visit: Visit) -> None:
    page = visit("/console/me", width=360)
    save = page.locator("form[action='/console/me/zone'] button")
    press(save)
    page.wait_for_load_state()
    expect(page.locator("form[action='/console/me/zone'] button")).to_be_focused()


def test_after_a_decision_the_next_text_has_the_focus(visit: Visit) -> None:
    page = visit("/console/review", role="agent", width=360)
    before = page.locator("#case-title").inner_text()
    page.keyboard.press("n")  # not an opt-out
    expect(page.locator("#case-title")).not_to_have_text(before)
    expect(page.locator("#case-title")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "action", "field", "typed"),
    [
        ("/console/setup/keys", "/console/setup/keys/create-key", "name", "crm"),
        ("/console/numbers/+14155550123", "/console/numbers/opt-out", "reason", " "),
        ("/console/suppressions?digits=12", "", "digits", ""),
    ],
)
def test_an_error_is_at_its_field_which_has_the_focus(
    visit: Visit, objects: ConsoleObjects, path: str, action: str, field: str, typed: str
) -> None:
    page = visit(path, width=360, forgiven=("422", "409"))
    if action:
        page.evaluate("for (const form of document.forms) form.noValidate = true")
        form = page.locator(f"form[action='{action}']")
        form.locator("xpath=ancestor::details").evaluate_all(
            "all => all.forEach(one => one.open = true)"
        )
        form.locator(f"[name='{field}']").fill(typed)
        form.locator(f"[name='{field}']").press("Enter")
    wrong = page.locator(f"[name='{field}'][aria-invalid='true']")
    expect(wrong).to_be_visible()
    told = [f"#{one}.field-error" for one in wrong.get_attribute("aria-describedby").split()]
    expect(page.locator(", ".join(told))).to_be_visible()
    assert page.locator("h1").count() == 1
