"""Consents, locks, and YES as the answer to our own question."""

from __future__ import annotations

import msgspec
import pytest

from smsgate.consent.events import Published, Standing
from smsgate.consent.transitions import QUESTION_US, settle
from smsgate.domain.messages import Intent
from tests.fakes.values import decision, stored

NOW_US = 1_790_000_000_000_000
NOW_MS = NOW_US // 1000
PROGRAMS = {
    "alerts": Published(double_opt_in=True, require_consent=True),
    "promos": Published(),
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
    standing, results = Standing(), []
    for message in messages:
        settled = settle(message, standing, PROGRAMS, message.received_us)
        standing = settled.standing
        results.append((settled.outcome, settled.reply))
    return standing, results


def test_join_is_asked_back_and_yes_makes_it_a_consent():
    standing, results = play(at(0, IN), yes(60))

    assert results == [("asked", "question"), ("applied", "opt_in")]
    assert standing.consents == {"alerts"}


def test_without_a_question_of_ours_yes_means_nothing():
    standing, results = play(yes(0))

    assert results == [("recorded", "")]
    assert not standing.consents


@pytest.mark.parametrize(("late_s", "outcome"), [(0, "applied"), (1, "recorded")])
def test_yes_answers_for_twenty_four_hours(late_s, outcome):
    _, results = play(at(0, IN), yes(QUESTION_US // 1_000_000 + late_s))

    assert results[-1][0] == outcome


def test_one_question_has_one_answer():
    _, results = play(at(0, IN), yes(1), yes(2))

    assert results[-1] == ("recorded", "")


def test_stop_closes_the_question_and_ends_the_consent():
    standing, results = play(at(0, IN), at(1, OUT, scope="alerts"), yes(2))
    assert results[-1] == ("recorded", "")
    assert standing.blocked("alerts")

    standing, _ = play(at(0, IN), yes(1), at(2, OUT))
    assert standing.consents == frozenset()


def test_start_after_stop_restores_without_a_question():
    standing, results = play(at(0, OUT), at(1, IN))

    assert results[-1] == ("applied", "opt_in")
    assert standing.consents == {"alerts"}


def test_a_recorded_consent_lifts_no_opt_out():
    standing, results = play(at(0, OUT), act(1, "consent", IN))

    assert results[-1][0] == "refused"
    assert standing.blocked("alerts")
    assert not standing.consents


def test_a_recorded_consent_is_answered_by_nobody():
    standing, results = play(act(0, "consent", IN), act(1, "consent", IN))

    assert results == [("applied", ""), ("repeat", "")]
    assert standing.consents == {"alerts"}


@pytest.mark.parametrize("later", [at(2, IN), yes(2), act(2, "consent", IN)])
def test_nothing_that_a_locked_number_texts_lifts_the_lock(later):
    lock = act(1, "lock", Intent.OPT_OUT_ALL, scope="all", program="all")
    standing, results = play(at(0, IN), lock, later)

    assert results[-1][0] in ("refused", "recorded")
    assert standing.locked
    assert standing.blocked("promos")


def test_an_unlocked_number_stays_opted_out_until_it_texts_start():
    lock = act(0, "lock", Intent.OPT_OUT_ALL, scope="all", program="all")
    unlock = act(1, "unlock", program="all")
    standing, _ = play(lock, unlock)
    assert not standing.locked
    assert standing.blocked("alerts")

    standing, _ = play(lock, unlock, at(2, IN))
    assert not standing.blocked("alerts")


def test_a_decision_without_condition_needs_no_question_where_the_program_asks_none():
    settled = settle(at(0, IN, program="promos"), Standing(), PROGRAMS, NOW_US)

    assert decision(IN).condition == ""
    assert (settled.outcome, settled.standing.consents) == ("repeat", {"promos"})
