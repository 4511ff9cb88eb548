"""Lists of what happened, by keyboard and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from smsgate.process.services import Services
from tests.browser.acting import fits, open_up, picture, press, says, text
from tests.browser.conftest import Site
from tests.browser.test_pages import barriers
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.full

Visit = Callable[..., Page]


def test_an_admin_finds_who_opted_a_number_out_and_keeps_the_list(
    visit: Visit, services: Services
) -> None:
    number = "+14155559200"
    page = visit(f"/console/numbers/{number}", role="agent", width=360)
    box = open_up(page, "Opt out")
    box.get_by_label("Reason, for the record").fill("asked on the phone")
    box.get_by_label("Reason, for the record").press("Enter")
    says(page, "Opted out. The number is blocked from now on.")
    recorded = services.records.reader
    assert wait_until(lambda: recorded.newest(1, "opt_out", number=number))

    page = visit("/console/audit", width=360)
    page.get_by_label("Person").fill("agent")
    page.get_by_label("Action").select_option("Numbers")
    page.get_by_label("Person").press("Enter")
    row = page.locator("tbody tr").filter(has_text="asked on the phone").first
    expect(row).to_contain_text(number[-4:])
    expect(page.get_by_label("Action")).to_have_value("numbers")
    assert fits(page)
    assert barriers(page) == []
    picture(page, "audit")
    with page.expect_download() as kept:
        press(page.get_by_role("link", name="Download as CSV"))
    assert f"agent,Opted out for all programs,{number}" in Path(kept.value.path()).read_text(
        encoding="utf-8"
    )


def test_a_number_is_found_among_10_000_by_program_and_last_digits(
    visit: Visit, services: Services
) -> None:
    # The list was imported a moment ago; the records follow.
    assert wait_until(lambda: bool(services.records.reader.numbers_of(["+12122009321"])), 120)
    page = visit("/console/numbers", role="agent", width=360)
    press(page.get_by_role("link", name="Opt-outs and consents"))
    page.wait_for_url("**/console/suppressions")
    says(page, "A number has a row")
    expect(page.locator("tbody tr")).to_have_count(50)
    press(page.get_by_role("link", name="Next"))
    page.wait_for_url("**after=**")
    page.get_by_label("Program").select_option("alerts")
    page.get_by_label("Status").select_option("Opted out")
    page.get_by_label("Source").select_option("import")
    page.get_by_label("Last digits").fill("2009321")
    page.get_by_label("Last digits").press("Enter")
    says(page, "1 row")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("+1 212-200-9321")
    expect(row).to_contain_text("import: opted_out.txt")
    assert fits(page)
    assert barriers(page) == []
    picture(page, "suppressions")
    with page.expect_download() as kept:
        press(page.get_by_role("link", name="Download as CSV"))
    file = Path(kept.value.path()).read_text(encoding="utf-8").splitlines()
    assert file[0] == "number,state,scope,since,source,external_source,reason"
    assert file[1].startswith("+12122009321,opted_out,all,")
    assert ",import,," in file[1]
    page.get_by_label("Last digits").fill("12")
    page.get_by_label("Last digits").press("Enter")
    says(page, "Type the last 4 to 7 digits")
    assert barriers(page) == []


def test_a_text_is_found_by_a_word(visit: Visit, services: Services, site: Site) -> None:
    number, word = "+14155559400", "zebra"
    text(site, f"STOP, says the {word}", number)
    recorded = services.records.reader
    assert wait_until(lambda: recorded.newest(1, "opt_out", "review", number=number))
    page = visit("/console/numbers", role="viewer", width=360)
    page.get_by_label("Phone number, or words of a text").fill(word.upper())
    page.get_by_label("Phone number, or words of a text").press("Enter")
    row = page.locator("tbody tr").filter(has_text=word)
    expect(row).to_contain_text(number[-4:])
    assert fits(page)
    assert barriers(page) == []
    press(row.get_by_role("link"))
    page.wait_for_url("**/console/numbers/**")
    expect(page.locator("ol.timeline blockquote").first).to_contain_text(word)
    assert fits(page)
    assert barriers(page) == []


def kept(page: Page, name: str) -> str:
    """What is in the file that a link hands out."""
    with page.expect_download() as found:
        press(page.get_by_role("link", name=name))
    return Path(found.value.path()).read_text(encoding="utf-8")


def test_a_list_is_looked_at_before_it_is_applied(
    visit: Visit, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "gone <b>.csv"
    file.write_text("who,<i>phone</i>\nAnn,(415) 555-9301\nBob,+14155559302\nCleo,nonsense\n")
    page = visit("/console/lists", role="agent", width=360)
    page.get_by_label("File to import").set_input_files(file)
    press(page.get_by_role("button", name="Upload").first)
    says(page, "gone <b>.csv")
    says(page, "<i>phone</i> (numbers)")
    assert fits(page)
    press(page.get_by_label("Opted out", exact=True), " ")
    press(page.get_by_role("button", name="Preview").first)
    says(page, "Preview")
    says(page, "line 4: nonsense")
    assert services.gate.check_programs("+14155559301", services.settings.programs)[
        "alerts"
    ].allowed, "nothing is changed yet"
    press(page.get_by_role("button", name="Apply"))
    says(page, "Result")
    assert not services.gate.check_programs("+14155559301", services.settings.programs)[
        "alerts"
    ].allowed
    assert "nonsense" in kept(page, "Download the rows that cannot be used (CSV)")
    assert barriers(page) == []
