"""Texts that are filtered, and decided together."""

from __future__ import annotations

import re

from smsgate.domain.messages import Decision, Intent
from tests.fakes.pages import NASTY, decide, harmless, reason, shown, waits, words
from tests.fakes.told import work
from tests.fakes.values import NUMBER, OTHER

REVIEW, BULK = "/console/review", "/console/review/bulk"
THIRD = "+14155550125"


def select(who, keys, decided="opt_out", query=""):
    return who.post(f"{BULK}?{query}", {"key": keys, "decided": decided, "page": REVIEW})


def boxes(answer) -> list[str]:
    return re.findall(r'type="checkbox" name="key" value="([^"]*)"', answer.text)


def test_selected_texts_are_decided_alike_and_each_can_be_undone(services, agent):
    keys = [waits(services, "no more of it", one) for one in (NUMBER, OTHER)]
    waits(services, "hm?", THIRD)
    page = agent.get(REVIEW)
    assert {*keys} < {*boxes(page)}
    assert " checked" not in page.text
    assert agent.get(f"{REVIEW}?select=all").text.count(" checked") == 3
    answer = select(agent, keys)
    assert answer.status_code == 303
    page = words(agent.get(answer.location))
    assert "Decided 2 texts: an opt-out." in page
    assert page.count("Opted out") == 2
    work(services)
    assert [reason(services, one) for one in (NUMBER, OTHER, THIRD)] == [
        "opted_out_all",
        "opted_out_all",
        "review",
    ]
    assert agent.get(REVIEW).text.count("Undo the decision about") == 2


def test_a_text_that_somebody_else_decided_is_left_as_it_is(services, agent, admin):
    mine, other = waits(services), waits(services, "hm?", OTHER)
    decide(admin, other, "none")
    page = words(agent.get(select(agent, [mine, other, "1-1-0"]).location))
    assert "Decided 1 text: an opt-out." in page
    assert "2 texts left as they were: someone else decided them, or a newer text arrived." in page
    work(services)
    assert reason(services, OTHER) == ""


def test_what_a_row_does_not_show_whole_is_decided_alone(services, agent):
    cry = Decision(intent=Intent.REVIEW, rule="self_harm")
    keys = [
        waits(services, "x " * 100),
        waits(services, "I want to end it", OTHER, decision=cry),
        waits(services, "first", THIRD),
    ]
    keys[2] = waits(services, "and second", THIRD)
    assert boxes(agent.get(REVIEW)) == []
    assert "Decided 0 texts" in words(agent.get(select(agent, keys).location))
    work(services)
    assert {reason(services, one) for one in (NUMBER, OTHER, THIRD)} == {"review"}


def test_nothing_selected_and_nonsense_are_refused(services, agent, viewer):
    key = waits(services)
    for keys, decided, said in (
        ([], "opt_out", "Select at least one text"),
        ([key], "later", "Choose Opt out or Not an opt-out"),
        (["1-1-0"] * 3 + [f"{at}" for at in range(501)], "none", "at most 500"),
    ):
        answer = select(agent, keys, decided)
        assert answer.status_code == 422
        assert said in words(answer)
    assert select(viewer, [key]).status_code == 403
    assert boxes(viewer.get(REVIEW)) == []
    assert agent.post(BULK, {"key": key, "decided": "none"}, csrf=False).status_code == 400
    work(services)
    assert reason(services) == "review"


def test_filters_show_what_fits_and_stay_while_one_decides(services, agent):
    first = waits(services, "ya no quiero")
    waits(services, "service", OTHER, program="orders")

    def of(query):
        queue = words(agent.get(f"{REVIEW}?{query}")).partition("Queue")[2]
        return [one for one in ("+1 415", "+33 6") if one in queue]

    assert of("") == ["+1 415", "+33 6"]
    assert of("program=orders") == ["+33 6"]
    assert of("text=NO++quiero") == ["+1 415"]
    page = agent.get(f"{REVIEW}?program=orders&text=quiero")
    assert "No texts match these filters" in words(page)
    answer = select(agent, [first], "none", "program=alerts&text=quiero")
    assert answer.location.endswith("?program=alerts&text=quiero")
    assert shown(agent.get(f"{REVIEW}?program=orders")) == OTHER


def test_filters_are_taken_for_no_markup(services, agent):
    waits(services, NASTY)
    assert harmless(agent.get(REVIEW, query_string={"program": NASTY, "text": NASTY}))
