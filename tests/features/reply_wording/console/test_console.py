"""Replies in the console: previewed, saved whole, restored, reverted, and shown by Setup."""

from __future__ import annotations

import html
import re

import pytest

from smsgate.classifier import reply_text
from smsgate.content_versions import ContentVersions
from smsgate.features.reply_wording.service import NO_OWN_TEXT
from tests.fakes.own_services import ALERTS, HERE, ORDERS, make_services
from tests.fakes.understanding import understanding

PAGE = "/console/setup/programs/alerts"
REPLIES = f"{PAGE}/replies"
OWN = """
[programs.alerts.replies.es]
opt_out = "Hecho, {program}."

[programs.alerts.replies.en]
opt_out = "Done, {program}."
help    = "Ask us."
"""


@pytest.fixture
def services(folder, redis_url, request):
    """Those of a configuration with replies of its own."""
    toml = ALERTS.replace('["en"]', '["en", "es"]') + OWN + ORDERS
    made = make_services(folder, redis_url, toml, **HERE)
    yield made
    made.close()


@pytest.fixture
def versions(services):
    return ContentVersions(services.records, "replies")


def newest(versions):
    found = versions.of("alerts", 1)
    return found[0].content if found else None


def said(answer):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", answer.text)).split())


def form(**more):
    return {"language": "en", "base": "0", "opt_out": "", "opt_in": "", "help": "", **more}


def error_at(page, kind):
    return html.unescape(re.search(rf'id="{kind}-error">([^<]*)<', page.text)[1])


def test_saving_one_language_takes_all_replies_over_in_one_version(admin, versions):
    page = admin.get(f"{REPLIES}?language=en")
    assert "These replies are in smsgate.toml." in said(page)
    assert "Done, {program}.</textarea>" in page.text
    texts = form(opt_out="{program}: bye.\r\nReally.", help="Ask us.", note="shorter")
    answer = admin.post(REPLIES, texts)
    assert answer.status_code == 303
    page = admin.get(answer.location)
    assert "Saved as version 1. It is active within a few seconds." in said(page)
    assert "The replies in smsgate.toml do not apply" in said(page)
    assert "shorter" in said(page)
    assert newest(versions) == (
        '[es]\nopt_out = "Hecho, {program}."\n\n'
        '[en]\nopt_out = "{program}: bye.\\nReally."\nhelp = "Ask us."\n'
    )
    assert versions.of("alerts", 1)[0].author == "admin"


def reply(content, language):
    return reply_text(content.programs.get("alerts"), "opt_out", language)[0]


def test_what_is_saved_is_in_force_and_setup_shows_it(admin, services, viewer):
    assert "<dd>in smsgate.toml</dd>" in viewer.get(PAGE).text
    admin.post(REPLIES, form(opt_out="{program}: bye."))
    taken = understanding(services).content.value
    assert reply(taken, "en") == "Acme Alerts: bye."
    assert reply(taken, "es") == "Hecho, Acme Alerts."
    services.content.value = taken
    assert "edited in this console; those in smsgate.toml do not apply" in viewer.get(PAGE).text
    assert "shipped with smsgate" in viewer.get("/console/setup/programs/orders").text


def test_empty_fields_bring_the_shipped_wording_and_revert_the_file(admin, services, versions):
    admin.post(REPLIES, form())
    admin.post(REPLIES, form(language="es", base="1"))
    assert newest(versions) == NO_OWN_TEXT
    taken = understanding(services).content.value
    assert "Done" not in reply(taken, "en")
    page = said(admin.get(REPLIES))
    assert "The replies of smsgate.toml become active" in page
    answer = admin.post(f"{REPLIES}/undo", {"version": "0", "base": "2"})
    page = said(admin.get(answer.location))
    assert "These replies are in smsgate.toml." in page
    assert newest(versions) == ""
    reverted = understanding(services).content.value
    assert reply(reverted, "en") == "Done, Acme Alerts."


def test_an_older_version_is_restored_and_a_comparison_shown(admin, versions):
    for number, word in enumerate(("first", "second")):
        admin.post(REPLIES, form(opt_out=word, base=str(number)))
    page = said(admin.get(REPLIES))
    assert 'removed: opt_out = "first"' in page.replace("- ", "")
    assert 'added: opt_out = "second"' in page.replace("+ ", "")
    assert admin.post(f"{REPLIES}/undo", {"version": "1", "base": "2"}).status_code == 303
    assert 'opt_out = "first"' in newest(versions)
    assert versions.of("alerts", 1)[0].note == "restored version 1"
    assert admin.post(f"{REPLIES}/undo", {"version": "4", "base": "3"}).status_code == 404


def test_each_fault_is_told_at_its_field_and_nothing_is_saved(admin, versions):
    texts = form(help="Ask {contact}", opt_in="{what} <b>")
    page = admin.post(REPLIES, texts)
    assert page.status_code == 422
    assert "Nothing was saved." in said(page)
    assert error_at(page, "help").startswith("This uses {contact}, but the program has no contact")
    assert error_at(page, "opt_in").startswith("This has braces")
    assert "{what} &lt;b&gt;</textarea>" in page.text
    page = admin.post(REPLIES, form(opt_out="x" * 1601))
    assert error_at(page, "opt_out") == "This must have at most 1600 characters."
    page = admin.post(REPLIES, form(language="n!", help="x"))
    assert page.status_code == 422
    assert "must be the code of a language" in said(page)
    assert newest(versions) is None


def test_of_two_the_second_is_told_and_keeps_what_both_changed(admin, versions):
    admin.post(REPLIES, form(language="es", opt_out="Adiós"))
    page = admin.post(REPLIES, form(opt_out="bye"))
    assert page.status_code == 409
    assert "Someone else saved alerts while you worked" in said(page)
    assert 'removed: opt_out = "Done, {program}."' in said(page).replace("- ", "")
    assert "bye</textarea>" in page.text
    base = re.search(r'name="base" value="(\d+)"', page.text)[1]
    assert admin.post(REPLIES, form(opt_out="bye", base=base)).status_code == 303
    assert newest(versions) == '[es]\nopt_out = "Adiós"\n\n[en]\nopt_out = "bye"\n'
    answer = admin.post(f"{REPLIES}/undo", {"version": "0", "base": "1"})
    assert "Someone else saved alerts" in said(admin.get(answer.location))
    assert newest(versions).startswith("[es]")


def test_a_fault_does_not_hide_that_somebody_else_saved(admin, versions):
    page = admin.get(REPLIES)
    admin.post(REPLIES, form(opt_out="theirs"))
    page = admin.post(REPLIES, form(opt_out="{mine}", base="0", show="1"))
    assert re.search(r'name="base" value="(\d+)"', page.text)[1] == "0"


def test_texts_are_shown_as_on_a_phone_while_they_are_typed(admin):
    texts = {"language": "es", "opt_out": "{program}: " + "ñ" * 160, "help": "Café – {x}"}
    part = admin.post(f"{REPLIES}/preview", texts, headers={"HX-Request": "true"})
    told = said(part)
    assert "2 segments: 173 of 160 characters" in told
    assert "billed as 2 messages" in told
    assert "Not in the GSM alphabet: –" in told
    assert "This has braces" in told
    assert "Acme Alerts: ñññ" in told
    assert "<html" not in part.text
    page = admin.post(REPLIES, form(opt_out="{program}: bye.", show="1"))  # without scripts
    assert "Acme Alerts: bye." in said(page)


def test_viewers_see_and_only_admins_change(signed_in, versions):
    versions.add("alerts", '[en]\nhelp = "Call"\n', 0, "ann")
    for role in ("viewer", "agent"):
        browser = signed_in(role)
        page = browser.get(REPLIES)
        assert "<textarea" not in page.text
        assert "Restore" not in said(page)
        assert 'added: help = "Call"' in said(page).replace("+ ", "")
        for path in (REPLIES, f"{REPLIES}/preview", f"{REPLIES}/undo"):
            assert browser.post(path, form()).status_code == 403
    assert len(versions.of("alerts", 9)) == 1
