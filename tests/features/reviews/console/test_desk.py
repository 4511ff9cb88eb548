"""Review: a text that waits is shown with its story, decided, and taken back."""

from __future__ import annotations

import html
import re
from unittest.mock import Mock

import pytest
from sqlalchemy import text as sql

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Decision, Entry, Intent
from tests.fakes import manual
from tests.fakes.pages import (
    HTMX,
    decide,
    decision_in,
    reason,
    shown,
    undo,
    waits,
    words,
)
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, OTHER


def test_nothing_that_waits_is_said(viewer):
    assert "All clear" in words(viewer.get("/console/review"))


def test_a_text_is_shown_with_why_it_waits_until_when_and_what_was_said_around(services, viewer):
    told(services, Intent.HELP, "who is this")
    entry = Decision(
        Intent.REVIEW,
        "stop_and_start",
        "enough",
        "en",
        note="maybe",
        version="abc",
        steps=("width",),
    )
    waits(services, "ｅｎｏｕｇｈ", decision=entry)
    told(services, Intent.OPT_IN, "start again")
    services.archiver.move_all()
    said = words(viewer.get("/console/review"))
    case = said.partition("Queue")[0]
    assert "1 text to review" in case
    assert "marketing on hold" in case
    assert "24 h left" in case
    assert "asks to stop and to start, sent to review" in case
    assert "Preparation width" in case
    talk = case.partition("Conversation")[2]
    assert talk.index("who is this") < talk.index("ｅｎｏｕｇｈ") < talk.index("start again")
    assert "this text" in talk


def test_ordinary_texts_belong_to_the_conversation(services, viewer):
    waits(services)
    for number, text in ((NUMBER, "when do you open?"), (OTHER, "none of their business")):
        services.store.sample_log.note(
            Entry(
                number=number,
                program="alerts",
                decision=Decision(Intent.NONE, "nothing_known"),
                text=text,
            )
        )
    services.store.sample_log.flush()
    said = words(viewer.get("/console/review"))
    assert "when do you open?" in said
    assert "none of their business" not in said


def test_a_decision_shows_the_next_text_at_once_and_holds(services, agent):
    first = waits(services, "hm")
    waits(services, "hm?", OTHER)
    answer = decide(agent, first, headers=HTMX)
    assert (answer.status_code, shown(answer)) == (200, OTHER)
    assert "<main" not in answer.text
    assert "Opted out: +1 415-555-0123." in words(answer)
    assert reason(services) == "opted_out_all"
    made = services.history.of_number(NUMBER)[-1].entry
    assert (made.actor, made.decision.rule) == ("agent", "reviewed")


def test_without_javascript_a_decision_leads_to_the_page_that_shows_the_next(services, agent):
    first = waits(services)
    waits(services, "hm?", OTHER)
    answer = decide(agent, first, "none")
    assert answer.status_code == 303
    page = agent.get(answer.headers["Location"])
    assert shown(page) == OTHER
    assert "Not an opt-out: +1 415-555-0123." in words(page)
    assert decision_in(page) in answer.headers["Location"]
    assert reason(services) == ""


def test_what_is_decided_and_not_applied_yet_does_not_come_again(services, agent):
    key = waits(services)
    decide(agent, key, "none")
    assert services.gate.check([NUMBER], program="alerts")[0].reason == "review"
    assert "All clear" in words(agent.get("/console/review"))


@pytest.mark.parametrize("applied", [True, False])
def test_undo_brings_a_text_back_with_its_story_and_its_deadline(services, agent, applied):
    key = waits(services, "not so sure")
    since_us = services.history.of_number(NUMBER)[0].received_us
    answer = decide(agent, key, headers=HTMX)
    if applied:
        work(services)
    answer = undo(agent, decision_in(answer), headers=HTMX)
    assert answer.status_code == 200
    assert "Undone: +1 415-555-0123 is back in review." in words(answer)
    assert reason(services) == "review"
    page = agent.get("/console/review")
    assert "not so sure" in words(page).partition("Queue")[0]
    services.archiver.move_all()
    page = agent.get("/console/review")
    assert "not so sure" in words(page).partition("Queue")[0]
    again = manual.review_reader(services).all()[0]
    assert (again.received_us, again.text) == (since_us, "not so sure")


# --- a session that ends meanwhile ----------------------------------------------------------------


def ended(services) -> None:
    """Nobody used the console for more than two hours."""
    with services.records.database.writing() as connection:
        connection.execute(sql("UPDATE sessions SET seen_us = 0"))


def link_of(answer) -> str:
    """The link to sign in that an answer has."""
    return html.unescape(re.search(r'href="(/console/in[^"]*)"', answer.text)[1])


def test_a_session_that_ended_is_said_and_leads_back_to_the_same_case(services, agent):
    first = waits(services, "hm")
    key = waits(services, "hm?", OTHER)
    page = agent.get(f"/console/review?show={key}")
    assert f'name="page" value="/console/review?show={key}"' in page.text
    ended(services)
    answer = decide(agent, key, headers=HTMX, page=f"/console/review?show={key}")
    assert answer.status_code == 401
    assert "Your session has ended. Nothing was changed. Sign in" in words(answer)
    # The page stays as it is; the sentence stands at its top.
    assert answer.headers["HX-Retarget"] == "#notice"
    assert '<div id="notice" role="alert"></div>' in page.text
    assert link_of(answer) == f"/console/in?next=/console/review%3Fshow%3D{key}"

    form = agent.get(link_of(answer))
    assert "Your session has ended, and nothing was changed." in words(form)
    assert agent.sign_in("agent").location == f"/console/review?show={key}"
    page = agent.get(f"/console/review?show={key}")
    assert shown(page) == OTHER
    assert "session has ended" not in page.text
    assert {one.key for one in manual.review_reader(services).all()} == {first, key}
    assert decide(agent, key, headers=HTMX).status_code == 200


def test_a_fault_while_one_decides_leaves_the_case_on_the_page(services, agent, monkeypatch):
    key = waits(services)
    away = Mock(side_effect=StoreUnavailable("the store cannot be used: away"))
    agent.get("/console/review")
    monkeypatch.setattr(type(services.store.inbox), "add", away)
    headers = {**HTMX, "HX-Target": "review-desk"}
    answer = decide(agent, key, headers=headers)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (503, "#notice")
    assert "the store cannot be used" in words(answer)
