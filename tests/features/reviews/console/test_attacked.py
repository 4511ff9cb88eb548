"""Review under attack: two at once, stale pages, markup, others' roles, what is away."""

from __future__ import annotations

from unittest.mock import Mock

from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable
from smsgate.domain.messages import Decision, Intent
from tests.fakes.pages import (
    HTMX,
    NASTY,
    decide,
    decision_in,
    harmless,
    reason,
    shown,
    undo,
    waits,
    words,
)
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, OTHER


def test_who_comes_second_sees_who_decided_what(services, agent, admin):
    key = waits(services)
    waits(services, "hm?", OTHER)
    decide(agent, key, "none")
    for applied in (False, True):
        if applied:
            work(services)
        answer = decide(admin, key, headers=HTMX)
        assert answer.status_code == 409
        assert "agent decided this" in words(answer)
        assert "not an opt-out (+1 415-555-0123). Nothing was changed." in words(answer)
        assert shown(answer) == OTHER
    assert reason(services) == ""


def test_a_newer_text_is_looked_at_before_anything_is_decided(services, agent):
    key = waits(services, "hm")
    waits(services, "no wait")
    answer = decide(agent, key, "none", headers=HTMX)
    assert answer.status_code == 409
    assert "A newer text from this number arrived" in words(answer)
    assert shown(answer) == NUMBER
    assert "More than one text from this number is in review" in words(answer)
    assert "also in review" in words(answer)
    assert "no wait" in words(answer)
    assert reason(services) == "review"


def test_an_opt_out_that_something_newer_confirms_stays(services, agent):
    key = decision_in(decide(agent, waits(services), headers=HTMX))
    work(services)
    told(services, Intent.OPT_OUT, "STOP")
    undo(agent, key)
    assert reason(services) == "opted_out_all"
    services.archiver.move_all()
    assert "opt-out kept, the number changed since" in words(agent.get("/console/review"))


def test_texts_programs_and_keywords_are_never_markup(services, agent):
    nasty = Decision(Intent.REVIEW, NASTY, NASTY, NASTY, note=NASTY, steps=(NASTY,))
    key = waits(services, NASTY, program="orders", decision=nasty)
    services.archiver.move_all()
    answers = [agent.get("/console/review"), decide(agent, key, headers=HTMX)]
    answers.append(agent.get("/console/review"))
    for answer in answers:
        assert harmless(answer)
    assert "Acme &lt;b&gt;Orders&lt;/b&gt;" in answers[0].text


def test_while_the_records_are_away_it_can_still_be_decided(services, agent, monkeypatch):
    key = waits(services, "hm")
    services.archiver.move_all()
    agent.get("/console/review")
    away = Mock(side_effect=RecordsUnavailable("the records cannot be used: away"))
    for name in ("at", "page_of_number", "newest"):
        monkeypatch.setattr(type(services.records.reader), name, away)
    page = agent.get("/console/review")
    assert page.status_code == 200
    assert "The text cannot be shown" in words(page)
    assert decide(agent, key, headers=HTMX).status_code == 200
    assert reason(services) == "opted_out_all"


def test_while_the_store_is_away_the_page_says_so(services, agent, redis_server, monkeypatch):
    away = Mock(side_effect=StoreUnavailable("the store cannot be used: away"))
    agent.get("/console/review")
    monkeypatch.setattr(type(services.store.inbox_reader), "open_reviews", away)
    for answer in (agent.get("/console/review"), decide(agent, "1-1-0")):
        assert answer.status_code == 503
        assert "the store cannot be used" in words(answer)


def test_odd_forms_are_answered(services, agent):
    key = waits(services)
    assert decide(agent, key, "maybe").status_code == 422
    assert decide(agent, "").status_code == 409
    for odd in ("", "x", "99-1-0", key, "²-1-0", "9" * 5_000, "1-" + "9" * 5_000):
        assert undo(agent, odd).status_code == 404, odd
    assert reason(services) == "review"
