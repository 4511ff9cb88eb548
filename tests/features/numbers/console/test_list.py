"""The page of opt-outs and consents: what it shows, and the file."""

from __future__ import annotations

import csv
import io

import pytest

from smsgate.domain.messages import Intent
from smsgate.interface import pages
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.pages import NASTY, harmless, words
from tests.fakes.told import told
from tests.fakes.values import NUMBER, decision

LIST = "/console/suppressions"
OTHER = "+14155550177"


@pytest.fixture
def opted_out(services):
    """One by text, one by an operator; all of it recorded."""
    stop = decision(Intent.OPT_OUT, rule="keyword_typo", keyword="{please} ~1 stop")
    told(services, Intent.OPT_OUT, "please just stop", decision=stop)
    by_phone = decision(Intent.OPT_OUT, rule="operator", note="asked on the phone")
    told(
        services,
        Intent.OPT_OUT,
        number=OTHER,
        source="operator",
        actor="ana",
        decision=by_phone,
        scope="orders",
        program="orders",
    )
    services.archiver.move_all()
    return services


def rows(answer) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(answer.text))]


def test_it_says_since_when_why_and_for_which_program(opted_out, viewer):
    page = words(viewer.get(LIST))
    assert "2 rows" in page
    assert "+1 415-555-0123 Opted out All programs a moment ago keyword with a typo" in page
    assert "{please}" not in page, "a pattern of ours is no reason"
    assert '+1 415-555-0177 Opted out Acme <b>Orders</b> & "Co" a moment ago manual' in page
    assert "asked on the phone; ana" in page


@pytest.mark.parametrize("digits", ["123", "12ab34", "0123%25", "%00000", "%2B14155550123"])
def test_too_few_digits_or_none_are_refused_at_the_field(opted_out, viewer, digits):
    answer = viewer.get(f"{LIST}?digits={digits}")
    assert answer.status_code == 200
    assert "Type the last 4 to 7 digits of the number, and digits only." in words(answer)
    assert 'aria-describedby="digits-error' in answer.text
    assert "0123" not in words(answer).replace("12ab34", "").partition("digits only.")[2]


def test_pages_keep_their_filters(services, viewer):
    for at in range(70):
        told(services, Intent.OPT_OUT, number=f"+141555501{at:02}")
    services.archiver.move_all()
    seen, pages, path = [], 0, f"{LIST}?state=opted_out&scope=alerts"
    while path:
        pages += 1
        answer = viewer.get(path)
        assert "70 rows" in words(answer)
        seen += [at for at in range(70) if f"01{at:02}</a>" in answer.text]
        assert '<option value="alerts" selected>' in answer.text
        path = answer.text.partition('rel="next" href="')[2].partition('"')[0]
        path = path.replace("&amp;", "&")
    assert (sorted(seen), pages) == ([*range(70)], 2)
    assert viewer.get(f"{LIST}?after=nonsense&state=x&scope=x&source=x").status_code == 200


def test_the_file_has_what_is_seen(opted_out, agent, admin, monkeypatch):
    monkeypatch.setattr(pages, "_CSV_PAGE", 1)
    answer = agent.get(f"{LIST}?csv=yes&source=text")
    (row,) = rows(answer)
    assert row.pop("since").endswith("+00:00")
    assert row == {
        "number": NUMBER,
        "state": "opted_out",
        "scope": "all",
        "source": "text",
        "external_source": "",
        "reason": "keyword with a typo",
    }
    assert {one["number"] for one in rows(agent.get(f"{LIST}?csv=yes"))} == {NUMBER, OTHER}
    log = words(admin.get("/console/audit?group=exports"))
    assert "agent Exported opt-outs and consents source=text" in log


def test_what_a_list_names_as_source_filters_page_and_file(opted_out, viewer, agent, admin):
    numbers = ["+14155550181", "+14155550182"]
    request = list_entry("alerts", actor="ana", note="old.csv")
    import_numbers(opted_out, numbers, request, sources=["Klaviyo", NASTY])
    opted_out.archiver.move_all()
    answer = viewer.get(f"{LIST}?imported=Klaviyo")
    page = words(answer)
    assert "1 row" in page
    assert "+1 415-555-0181 Opted out" in page
    assert "imported: Klaviyo: old.csv; ana" in page
    assert "Nothing fits these filters" in words(viewer.get(f"{LIST}?imported=Brevo"))
    assert harmless(viewer.get(LIST))
    assert "1 row" in words(viewer.get(LIST, query_string={"imported": NASTY}))
    (row,) = rows(agent.get(f"{LIST}?csv=yes&imported=Klaviyo"))
    assert (row["number"], row["source"], row["external_source"]) == (
        "+14155550181",
        "import",
        "Klaviyo",
    )
    assert "imported=Klaviyo" in words(admin.get("/console/audit?group=exports"))


def test_no_whole_number_is_kept_of_the_filters(opted_out, agent, admin):
    answer = agent.get(f"{LIST}?csv=yes&digits=%2B14155550123")
    assert answer.status_code == 422
    assert "Type the last 4 to 7 digits of the number" in words(answer)
    answer = agent.get(f"{LIST}?csv=yes&digits=555-0123&state=opted_out&x=14155550123")
    assert [one["number"] for one in rows(answer)] == [NUMBER]
    log = words(admin.get("/console/audit?group=exports"))
    assert "agent Exported opt-outs and consents state=opted_out&digits=0123" in log
    assert "5550123" not in log
