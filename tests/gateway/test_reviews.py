"""Texts that a person has to decide hold marketing until the person has."""

from __future__ import annotations

import pytest

from smsgate.errors import NoSuchReview
from smsgate.store.keys import lane_of
from tests.fakes.values import NUMBER

LANE = lane_of(NUMBER)
UNCLEAR = "para"
ORDERS = "+14155550888"


def reason(gateway, program="alerts"):
    return gateway.gate.check([NUMBER], program=program)[0].reason


@pytest.fixture
def waiting(gateway, signed):
    assert gateway.receive("twilio", signed(UNCLEAR)).outcome == "review"
    return gateway


def test_an_unclear_text_holds_marketing_from_the_answer_on_and_is_listed(waiting):
    assert reason(waiting) == "review"
    (before,) = waiting.reviews()
    waiting.apply(LANE)
    (after,) = waiting.reviews()

    assert before == after
    assert (after.number, after.program, after.text) == (NUMBER, "alerts", UNCLEAR)
    assert after.why
    assert reason(waiting) == "review"


def test_a_service_program_is_not_held(gateway, signed):
    assert gateway.receive("twilio", signed("cancel it", sender=ORDERS)).outcome == "review"
    gateway.apply(LANE)

    assert reason(gateway, "orders") == ""


def test_a_person_may_find_that_it_asks_to_stop(waiting, api):
    waiting.apply(LANE)
    waiting.decide("opt_out", NUMBER, "alerts", "ana")
    assert reason(waiting) in ("hold", "review")
    waiting.apply(LANE)

    assert reason(waiting) == "opted_out_all"
    assert waiting.reviews() == []
    assert waiting.history(NUMBER)[-1].entry.actor == "ana"


def test_a_person_may_find_that_it_does_not_and_take_that_back(waiting):
    waiting.apply(LANE)
    waiting.decide("none", NUMBER, "alerts", "ana")
    waiting.apply(LANE)
    assert (reason(waiting), waiting.reviews()) == ("", [])

    waiting.decide("undo", NUMBER, "alerts", "ana")
    assert reason(waiting) == "review"
    waiting.apply(LANE)
    assert len(waiting.reviews()) == 1


def test_a_stop_settles_what_waited(waiting, signed):
    waiting.receive("twilio", signed("STOP"))
    waiting.apply(LANE)

    assert waiting.reviews() == []


def test_what_does_not_wait_cannot_be_decided(gateway):
    with pytest.raises(NoSuchReview):
        gateway.decide("none", NUMBER, "alerts", "ana")
