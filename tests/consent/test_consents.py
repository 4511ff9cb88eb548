"""Consents, locks, and YES as the answer to our own question."""

from __future__ import annotations

import msgspec
import pytest

from smsgate.consent.actions import apply_action
from smsgate.consent.events import ConsentState, PublishedProgram
from smsgate.consent.rules import QUESTION_US, apply_text
from smsgate.domain.messages import Intent
from tests.fakes.values import decision, stored

NOW_US = 1_790_000_000_000_000
NOW_MS = NOW_US // 1000
PROGRAMS = {
    "alerts": PublishedProgram(double_opt_in=True, require_consent=True),
    "promos": PublishedProgram(),
}
OUT, IN = Intent.OPT_OUT, Intent.OPT_IN


def at(seconds, intent, *, condition="", **rest):
    message = stored(intent, NOW_US + seconds * 1_000_000, f"{NOW_MS + seconds * 1000}-1", **rest)
    if not condition:
        return message
    entry = msgspec.structs.replace(
        message.entry, decision=msgspec.structs.replace(message.entry.decision, condition=condition)
    )
    return type(message)(message.id, message.event_time_us, entry)


def act(seconds, action, intent=Intent.NONE, **rest):
    message = at(seconds, intent, source="operator", **rest)
    entry = msgspec.structs.replace(message.entry, action=action)
    return type(message)(message.id, message.event_time_us, entry)


def yes(seconds):
    return at(seconds, IN, condition="question_open")


def play(*messages):
    consent_state, results = ConsentState(), []
    for message in messages:
        apply_rules = apply_action if message.entry.action else apply_text
        transition = apply_rules(message, consent_state, PROGRAMS, message.received_us)
        consent_state = transition.after
        results.append((transition.outcome, transition.reply))
    return consent_state, results


def test_join_is_asked_back_and_yes_makes_it_a_consent():
    consent_state, results = play(at(0, IN), yes(60))

    assert results == [("asked", "question"), ("applied", "opt_in")]
    assert consent_state.consents == {"alerts"}


def test_without_a_question_of_ours_yes_means_nothing():
    consent_state, results = play(yes(0))

    assert results == [("recorded", "")]
    assert not consent_state.consents


@pytest.mark.parametrize(("late_s", "outcome"), [(0, "applied"), (1, "recorded")])
def test_yes_answers_for_twenty_four_hours(late_s, outcome):
    _, results = play(at(0, IN), yes(QUESTION_US // 1_000_000 + late_s))

    assert results[-1][0] == outcome


def test_one_question_has_one_answer():
    _, results = play(at(0, IN), yes(1), yes(2))

    assert results[-1] == ("recorded", "")


def test_stop_closes_the_question_and_ends_the_consent():
    consent_state, results = play(at(0, IN), at(1, OUT, scope="alerts"), yes(2))
    assert results[-1] == ("recorded", "")
    assert consent_state.blocked("alerts")

    consent_state, _ = play(at(0, IN), yes(1), at(2, OUT))
    assert consent_state.consents == frozenset()


def test_start_after_stop_restores_without_a_question():
    consent_state, results = play(at(0, OUT), at(1, IN))

    assert results[-1] == ("applied", "opt_in")
    assert consent_state.consents == {"alerts"}


def test_a_recorded_consent_lifts_no_opt_out():
    consent_state, results = play(at(0, OUT), act(1, "consent", IN))

    assert results[-1][0] == "refused"
    assert consent_state.blocked("alerts")
    assert not consent_state.consents


def test_a_recorded_consent_is_answered_by_nobody():
    consent_state, results = play(act(0, "consent", IN), act(1, "consent", IN))

    assert results == [("applied", ""), ("repeat", "")]
    assert consent_state.consents == {"alerts"}


@pytest.mark.parametrize("later", [at(2, IN), yes(2), act(2, "consent", IN)])
def test_nothing_that_a_locked_number_texts_lifts_the_lock(later):
    lock = act(1, "lock", Intent.OPT_OUT_ALL, scope="all", program="all")
    consent_state, results = play(at(0, IN), lock, later)

    assert results[-1][0] in ("refused", "recorded")
    assert consent_state.locked
    assert consent_state.blocked("promos")


def test_an_unlocked_number_stays_opted_out_until_it_texts_start():
    lock = act(0, "lock", Intent.OPT_OUT_ALL, scope="all", program="all")
    unlock = act(1, "unlock", program="all")
    consent_state, _ = play(lock, unlock)
    assert not consent_state.locked
    assert consent_state.blocked("alerts")

    consent_state, _ = play(lock, unlock, at(2, IN))
    assert not consent_state.blocked("alerts")


def test_a_decision_without_condition_needs_no_question_where_the_program_asks_none():
    transition = apply_text(at(0, IN, program="promos"), ConsentState(), PROGRAMS, NOW_US)

    assert decision(IN).condition == ""
    assert (transition.outcome, transition.after.consents) == ("repeat", {"promos"})
