"""What operators do to a number: by whom, with which reason, and that nobody else can."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Intent
from tests.fakes.pages import reason, words
from tests.fakes.people import newest_actions
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER

PAGE = f"/console/numbers/{NUMBER}"
CONSENT = {"words": "Yes, text me", "medium": "paper", "source": "form 7", "given": "2026-05-03"}
MAY_3 = 1_777_766_400_000_000
"""The beginning of the day on which that consent was given."""
FORMS = {
    "opt-out": {"scope": "all", "reason": "by phone"},
    "restore": {"scope": "all", "reason": "signed", "basis": "consent", **CONSENT},
    "lock": {"reason": "a letter"},
    "unlock": {"reason": "by mistake"},
    "consent": {"program": "alerts", **CONSENT},
    "forget": {"reason": "by e-mail", "digits": NUMBER[-4:]},
    "evidence": {},
}


def act(who, form, **changed):
    return who.post(
        f"/console/numbers/{form}", {"number": NUMBER, "page": PAGE, **FORMS[form], **changed}
    )


def now():
    """A consent that is given at this moment, as the fields of the form."""
    day, _, at = datetime.now(UTC).isoformat().removesuffix("+00:00").partition("T")
    return {"given": day, "at": at}


def newest(services):
    work(services)
    return services.history.of_number(NUMBER)[-1]


def test_an_opt_out_blocks_at_once_and_bears_name_and_reason(services, agent):
    answer = act(agent, "opt-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert services.gate.check([NUMBER], program="alerts")[0].reason == "hold"
    page = agent.get(PAGE)
    assert "Opted out. The number is blocked from now on." in page.text
    assert "In progress" in page.text
    event = newest(services)
    assert (event.entry.actor, event.entry.source, event.entry.decision.note) == (
        "agent",
        "operator",
        "by phone",
    )
    assert event.note == "no text asked for it"
    assert reason(services) == "opted_out_all"
    assert "(manual: by phone; agent)" in agent.get(PAGE).text


def test_a_restore_carries_the_consent_that_allows_it(services, agent):
    told(services, Intent.OPT_OUT, "STOP", sent_us=MAY_3 - 24 * 3600 * 1_000_000)
    assert act(agent, "restore").status_code == 303
    event = newest(services)
    assert (event.kind, reason(services)) == ("restored", "")
    consent = event.entry.consent
    assert (consent.words, consent.medium, consent.source) == ("Yes, text me", "paper", "form 7")
    assert (consent.given_us, event.entry.restore.basis) == (MAY_3, "consent")
    services.archiver.move_all()
    assert "Yes, text me" in agent.get(PAGE).text
    assert "Yes, text me" in act(agent, "evidence").text


BERLIN = {"zone": "Europe/Berlin"}


def test_a_day_and_a_time_are_those_of_the_zone_beside_them(services, agent):
    told(services, Intent.OPT_OUT, "STOP", sent_us=MAY_3 - 24 * 3600 * 1_000_000)
    assert act(agent, "restore", **BERLIN).status_code == 303
    assert newest(services).entry.consent.given_us == MAY_3 - 2 * 3600 * 1_000_000
    assert act(agent, "consent", at="14:30:05", **BERLIN).status_code == 303
    given = datetime.fromtimestamp(newest(services).entry.consent.given_us / 1_000_000, UTC)
    assert given == datetime(2026, 5, 3, 12, 30, 5, tzinfo=UTC)


def test_an_opt_out_of_the_same_day_in_their_zone_needs_the_time(services, agent):
    midnight_us = MAY_3 - 2 * 3600 * 1_000_000  # in Berlin
    told(services, Intent.OPT_OUT, "STOP", sent_us=midnight_us + 60 * 1_000_000)
    answer = act(agent, "restore", **BERLIN)
    assert (answer.status_code, "give its time, too" in answer.text) == (409, True)
    assert act(agent, "restore").status_code == 303, "in UTC it is the day after"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "CET", "../../etc/passwd", "x" * 5_000])
def test_a_zone_that_is_none_is_refused(services, agent, zone):
    for form in ("restore", "consent", "evidence"):
        answer = act(agent, form, zone=zone)
        assert (answer.status_code, "There is no time zone" in answer.text) == (422, True), form


def test_the_days_of_evidence_are_those_of_the_zone_beside_them(services, agent):
    told(services, Intent.OPT_OUT, "STOP", sent_us=MAY_3)
    services.archiver.move_all()
    days = {"since": "2026-03-29", "until": "2026-03-29"}
    html = act(agent, "evidence", zone="America/New_York", **days).text
    assert "from 2026-03-29 04:00:00.000 UTC until 2026-03-30 04:00:00.000 UTC" in html


def test_their_own_stop_is_no_mistake_of_ours_and_the_form_says_what_lifts_it(services, agent):
    told(services, Intent.OPT_OUT, "STOP")
    answer = act(agent, "restore", basis="mistake", words="Yes, text me")
    assert answer.status_code == 409
    assert "opted out itself (by a text, " in answer.text
    assert "an admin who names the evidence" in answer.text
    assert re.search(r"<details open><summary[^>]*>Restore", answer.text)
    assert "Yes, text me</textarea>" in answer.text
    older = act(agent, "restore")
    assert (older.status_code, "is older than the opt-out" in older.text) == (409, True)
    today = act(agent, "restore", given=now()["given"])
    assert (today.status_code, "give its time, too" in today.text) == (409, True)
    assert reason(services) == "opted_out_all"
    assert act(agent, "restore", **now()).status_code == 303
    assert reason(services) == ""


def test_an_admin_names_the_evidence_and_the_story_has_it(services, agent, admin):
    told(services, Intent.OPT_OUT, "STOP")
    named = {"basis": "evidence", "evidence": "call <b>4711</b>"}
    assert 'value="evidence"' not in agent.get(PAGE).text
    refused = act(agent, "restore", **named)
    assert (refused.status_code, "Only an admin" in refused.text) == (403, True)
    assert 'value="evidence"' in admin.get(PAGE).text
    assert "Name the evidence" in act(admin, "restore", basis="evidence", evidence=" ").text
    assert act(admin, "restore", **named).status_code == 303
    event = newest(services)
    assert (event.kind, event.entry.actor, event.entry.decision.note) == (
        "restored",
        "admin",
        "signed",
    )
    assert reason(services) == ""
    page = agent.get(PAGE).text
    assert "<strong>Restored for all programs</strong>" in page
    assert "evidence from an admin: call &lt;b&gt;4711&lt;/b&gt;" in page
    assert "Opted in" not in page


def test_a_locked_number_is_restored_only_after_it_is_unlocked(services, agent):
    act(agent, "lock")
    assert reason(services) == "locked"
    refused = act(agent, "restore", **now())
    assert (refused.status_code, "is locked: unlock it first" in refused.text) == (409, True)
    services.archiver.move_all()
    assert "This number is locked. Unlock it before you restore it." in agent.get(PAGE).text
    act(agent, "unlock")
    assert reason(services) == "opted_out_all"
    assert act(agent, "restore", **now()).status_code == 303
    assert reason(services) == ""


def offered(answer) -> set[str]:
    """Which of both actions the page offers."""
    return {*re.findall(r'action="/console/numbers/(lock|unlock)"', answer.text)}


def test_the_action_that_was_done_is_not_offered_again_also_before_it_is_applied(services, agent):
    """The page comes back while the lock is being applied, and only its state is renewed then."""
    assert offered(agent.get(PAGE)) == {"lock"}
    act(agent, "lock")
    page = agent.get(PAGE)
    assert "In progress: lock" in words(page)
    assert offered(page) == {"unlock"}
    assert "This number is locked. Unlock it before you restore it." in page.text
    work(services)
    assert offered(agent.get(PAGE)) == {"unlock"}
    act(agent, "unlock")
    assert offered(agent.get(PAGE)) == {"lock"}
    act(agent, "lock")
    assert offered(agent.get(PAGE)) == {"unlock"}
    act(agent, "opt-out")
    assert offered(agent.get(PAGE)) == {"unlock"}


WRONG = [
    ("opt-out", {"reason": " "}, "Fill this in"),
    ("opt-out", {"reason": "x" * 501}, "500"),
    ("opt-out", {"scope": "nothing<b>"}, "no program is called"),
    ("restore", {"basis": ""}, "Say what allows it"),
    ("restore", {"words": " \n"}, "Fill this in"),
    ("restore", {"medium": "telepathy"}, "medium: "),
    ("restore", {"given": ""}, "Fill this in"),
    ("restore", {"given": "2999-01-01"}, "until now"),
    ("restore", {"given": "1989-12-31"}, "from 1990"),
    ("restore", {"at": "25:00"}, "on which day"),
    ("restore", {"given": "0001-01-01", "at": "00:00+14:00"}, "from 1990"),
    ("restore", {"given": "2999-01-01", "at": "12:00"}, "until now"),
    ("restore", {"source": " "}, "Fill this in"),
    ("restore", {"source": "x" * 501}, "500"),
    ("consent", {"program": "all"}, "no program is called"),
    ("consent", {"program": ""}, "Fill this in"),
    ("lock", {"reason": ""}, "Fill this in"),
    ("opt-out", {"number": "someone@example.com"}, "no phone number"),
]


def test_what_is_wrong_is_said_in_its_form_and_nothing_is_lost(services, agent):
    for form, changed, said in WRONG:
        answer = act(agent, form, **changed)
        assert answer.status_code == 422, (form, changed)
        assert said in answer.text.partition("<main")[2], (form, changed)
        assert "nothing<b>" not in answer.text
    assert 'id="restore-source-error"' in act(agent, "restore", source="").text
    kept = act(agent, "restore", given="", words="<i>Yes</i>").text
    assert "&lt;i&gt;Yes&lt;/i&gt;</textarea>" in kept
    assert re.search(r"<details open><summary[^>]*>Restore", kept)
    assert services.store.inbox.busy() == []
    for number in ("", " "):
        assert act(agent, "lock", number=number).status_code == 422


def test_an_admin_forgets_after_the_last_four_digits(services, admin):
    told(services, Intent.OPT_OUT, "STOP bothering me")
    services.archiver.move_all()
    assert "STOP bothering me" in admin.get(PAGE).text
    assert "last four characters" in act(admin, "forget", digits="9999").text
    assert act(admin, "forget").status_code == 303
    page = admin.get(PAGE)
    assert "STOP bothering me" not in page.text
    assert "Text erased." in page.text
    assert "Erased the texts of 1 records" in page.text
    assert reason(services) == "opted_out_all"


def test_evidence_is_a_file_to_keep(services, agent):
    told(services, Intent.OPT_OUT, "STOP <b>it</b>")
    answer = act(agent, "evidence")
    name = f"evidence-{NUMBER[1:]}.html"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert "<b>it</b>" not in answer.text
    assert "STOP" in answer.text
    odd = act(agent, "evidence", number='a"\r\nSet-Cookie: x=1')
    assert odd.status_code == 200
    assert "x=1" not in odd.headers.get("Set-Cookie", "")


def test_a_viewer_gets_the_evidence_of_the_page_and_nothing_else_there(services, viewer):
    told(services, Intent.OPT_OUT, "STOP and leave me alone")
    page = viewer.get(PAGE).text
    assert [*re.findall('action="/console/numbers/([^"]+)"', page)] == ["evidence"]
    assert "leave me alone" in act(viewer, "evidence").text
    newest_one = newest_actions(services.records, 1)[0]
    assert (newest_one.actor, newest_one.what) == ("viewer", "exported evidence")


def test_the_cover_of_evidence_is_asked_for_and_mistakes_are_said_at_the_field(
    services, agent, monkeypatch
):
    told(services, Intent.OPT_OUT, "STOP")
    cover = {"company": "Acme Inc", "requested_by": "Case 7", "since": "2026-01-01"}
    told_page = act(agent, "evidence", **cover).text
    assert "Acme Inc" in told_page
    assert "from 2026-01-01 00:00:00.000 UTC until the time of this file" in told_page
    for cover in ({"since": "soon"}, {"since": "2026-01-02", "until": "2026-01-01"}):
        answer = act(agent, "evidence", **cover)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    away = Mock(side_effect=RecordsUnavailable("the records cannot be used: away"))
    monkeypatch.setattr(services.records.reader, "of_number", away)
    answer = act(agent, "evidence")
    assert answer.status_code == 503
    assert "the records cannot be used" in answer.text


def test_one_evidence_file_is_made_at_a_time(services, agent, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    original = services.archiver.move_all

    def slow():
        begun.set()
        assert go_on.wait(20)
        return original()

    other = agent.application.test_client()
    other.sign_in("agent")
    agent.get(PAGE), other.get(PAGE)
    monkeypatch.setattr(services.archiver, "move_all", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: act(agent, "evidence").status_code)
        assert begun.wait(20)
        second = act(other, "evidence")
        go_on.set()
        assert first.result() == 200
    assert second.status_code == 409
    assert "try again" in second.text
    assert act(other, "evidence").status_code == 200
