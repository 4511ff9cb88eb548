"""What an entry does to its number, for every order in which messages can arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.consent.events import ConsentState, PublishedProgram
from smsgate.consent.rules import COMPARABLE_US, HELP_LIMIT, apply_text
from smsgate.domain.messages import ALL, HOW_TO_LEAVE, Intent
from tests.fakes.values import decision, stored

PROGRAMS = {"alerts": PublishedProgram(), "promos": PublishedProgram()}
START_US = 1_790_000_000_000_000

OUT, IN, OUT_ALL = Intent.OPT_OUT, Intent.OPT_IN, Intent.OPT_OUT_ALL


def play(*messages, consent_state=None, published=PROGRAMS):
    """Apply messages in the order given; gives the last consent state and all outcomes."""
    consent_state, outcomes = consent_state or ConsentState(), []
    for message in messages:
        transition = apply_text(message, consent_state, published, START_US)
        consent_state = transition.after
        outcomes.append(transition.outcome)
    return consent_state, outcomes


def out(event_time, **rest):
    return stored(OUT, event_time, rest.pop("id_", f"{event_time}-1"), **rest)


def back(event_time, **rest):
    return stored(IN, event_time, rest.pop("id_", f"{event_time}-1"), **rest)


def test_an_opt_out_blocks_every_program():
    consent_state, outcomes = play(out(1))

    assert outcomes == ["applied"]
    assert consent_state.blocked("alerts")
    assert consent_state.blocked("promos")
    assert consent_state.blocked("a program of tomorrow")


def test_an_opt_out_of_one_program_blocks_only_it():
    consent_state, _ = play(out(1, scope="alerts"))

    assert consent_state.blocked("alerts")
    assert not consent_state.blocked("promos")


def test_a_start_lifts_only_the_program_that_was_texted():
    consent_state, outcomes = play(out(1), back(2, program="alerts"))

    assert outcomes == ["applied", "applied"]
    assert not consent_state.blocked("alerts")
    assert consent_state.blocked("promos")


def test_the_next_opt_out_removes_the_exception():
    consent_state, _ = play(out(1), back(2), out(3))

    assert consent_state.blocked("alerts")
    assert consent_state.exceptions == frozenset()


def test_an_opt_out_of_one_program_removes_its_exception():
    consent_state, outcomes = play(out(1), back(2), out(3, scope="alerts"))

    assert outcomes[-1] == "applied"
    assert consent_state.blocked("alerts")


def test_a_second_stop_is_a_repeat_and_is_not_answered():
    consent_state, _ = play(out(1))
    transition = apply_text(out(2), consent_state, PROGRAMS, START_US)

    assert transition.outcome == "repeat"
    assert transition.reply == ""


def test_a_first_stop_and_a_start_that_lifts_are_answered():
    first = apply_text(out(1), ConsentState(), PROGRAMS, START_US)
    lifted = apply_text(back(2), first.after, PROGRAMS, START_US)

    assert (first.reply, lifted.reply) == ("opt_out", "opt_in")


def test_a_start_of_somebody_who_was_never_out_is_a_repeat():
    transition = apply_text(back(1), ConsentState(), PROGRAMS, START_US)

    assert transition.outcome == "repeat"
    assert transition.reply == ""


def test_an_older_stop_that_comes_late_is_stale_and_changes_nothing():
    consent_state, outcomes = play(out(1), back(5), out(3))

    assert outcomes == ["applied", "applied", "stale"]
    assert not consent_state.blocked("alerts")


def test_an_older_start_that_comes_late_is_stale():
    consent_state, outcomes = play(out(5), back(3))

    assert outcomes == ["applied", "stale"]
    assert consent_state.blocked("alerts")


def test_an_older_stop_for_all_still_blocks_the_programs_without_a_newer_start():
    consent_state, outcomes = play(back(5, program="alerts"), out(3, program="alerts"))

    assert outcomes == ["repeat", "stale"]
    assert not consent_state.blocked("alerts")
    assert consent_state.blocked("promos")


def test_a_stop_to_one_program_is_not_overtaken_by_a_start_to_another():
    consent_state, _ = play(back(5, program="promos"), out(3, program="alerts", scope="alerts"))

    assert consent_state.blocked("alerts")


@pytest.mark.parametrize("order", list(itertools.permutations([out(7), back(7)])))
def test_on_equal_event_times_the_opt_out_wins(order):
    consent_state, _ = play(*order)

    assert consent_state.blocked("alerts")


def test_a_start_with_the_time_of_the_stop_is_a_tie_and_its_note_says_who_wins():
    transition = apply_text(back(7), play(out(7))[0], PROGRAMS, START_US)

    assert (transition.outcome, transition.reply) == ("tie", "")
    assert transition.note == "an opt-out has the same time, and it wins a tie"


def test_a_start_that_is_older_than_one_of_two_stops_is_no_tie():
    consent_state, _ = play(out(7, scope="alerts"), out(9, scope=ALL, program="promos"))
    transition = apply_text(back(7), consent_state, PROGRAMS, START_US)

    assert transition.outcome == "stale"
    assert "newer" in transition.note


def test_a_start_from_a_spool_with_the_time_of_a_stop_of_the_outage_is_no_tie():
    outage_us = 1_000_000
    consent_state, _ = play(out(7_000_000, id_="5000-1"))
    started = back(7_000_000, id_="9000-1", outage_us=outage_us)

    assert apply_text(started, consent_state, PROGRAMS, START_US).outcome == "stale"


def test_a_repeated_stop_moves_the_event_time_on():
    consent_state, outcomes = play(out(1), out(9), back(5))

    assert outcomes == ["applied", "repeat", "stale"]
    assert consent_state.blocked("alerts")
    assert consent_state.state.marks[ALL].since_us == 1


def test_what_repeats_an_opt_out_does_not_say_why_it_began():
    consent_state, outcomes = play(out(1), out(9, source="import"))

    assert outcomes == ["applied", "repeat"]
    assert consent_state.state.marks[ALL].why == play(out(1))[0].state.marks[ALL].why != "import"


def test_event_times_of_two_accounts_are_not_compared_so_the_inbox_order_counts():
    consent_state, _ = play(out(9, account="twilio"), back(5, account="telnyx"))

    assert not consent_state.blocked("alerts")


def test_event_times_more_than_48_hours_apart_are_not_compared():
    late = START_US + COMPARABLE_US + 1
    consent_state, _ = play(out(late), back(START_US))

    assert not consent_state.blocked("alerts")


def test_help_is_answered_a_few_times_an_hour_and_changes_nothing():
    consent_state, replies = ConsentState(), []
    for at in range(HELP_LIMIT + 2):
        transition = apply_text(stored(Intent.HELP, at + 1), consent_state, PROGRAMS, START_US + at)
        consent_state = transition.after
        replies.append(transition.reply)

    assert replies == ["help"] * HELP_LIMIT + ["", ""]
    assert not consent_state.blocked("alerts")

    an_hour_later = START_US + 3600 * 1_000_000 + HELP_LIMIT
    assert (
        apply_text(stored(Intent.HELP, 9), consent_state, PROGRAMS, an_hour_later).reply == "help"
    )


def test_a_question_how_to_leave_is_answered_as_help_is():
    asked = stored(Intent.REVIEW, 1, decision=decision(Intent.REVIEW, rule=HOW_TO_LEAVE))
    transition = apply_text(asked, ConsentState(), PROGRAMS, START_US)

    assert (transition.outcome, transition.reply, transition.closes_review) == (
        "recorded",
        "help",
        False,
    )
    assert apply_text(stored(Intent.REVIEW, 1), ConsentState(), PROGRAMS, START_US).reply == ""


@pytest.mark.parametrize("intent", [OUT, IN, OUT_ALL, Intent.HELP])
def test_an_unrouted_text_is_recorded_and_changes_nothing(intent):
    transition = apply_text(
        stored(intent, 1, program="", scope=""), ConsentState(), PROGRAMS, START_US
    )

    assert (transition.after, transition.outcome, transition.reply) == (
        ConsentState(),
        "recorded",
        "",
    )


def test_what_is_no_phone_number_is_recorded_and_never_suppressed():
    transition = apply_text(
        stored(OUT, 1, number="AcmeBank", phone=False), ConsentState(), PROGRAMS, START_US
    )

    assert (transition.after, transition.outcome) == (ConsentState(), "recorded")


def test_a_yes_without_a_question_of_ours_restores_nothing():
    consent_state, _ = play(out(1))
    yes = stored(IN, 2, decision=decision(IN, condition="question_open"))
    transition = apply_text(yes, consent_state, PROGRAMS, START_US)

    assert transition.outcome == "recorded"
    assert transition.after.blocked("alerts")


def test_nobody_but_the_subscriber_opts_in_without_a_basis():
    """As an entry of a version that asked for none, or one that was made by something else."""
    for source in ("operator", "api", "import", "link"):
        consent_state, _ = play(out(1))
        plain = stored(IN, 2, program=ALL, source=source, account="")
        kept, outcomes = play(plain, consent_state=consent_state)
        assert (kept, outcomes) == (consent_state, ["refused"])


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([OUT, IN]),
        st.sampled_from(["alerts", "promos"]),
        st.booleans(),
        st.integers(0, 6),
    ),
    max_size=7,
)


def model(messages) -> set[str]:
    """Which programs are blocked where all messages count in the order of their event times."""
    everywhere, own, back_to = False, set(), set()
    for intent, program, wide, _ in sorted(messages, key=lambda one: (one[3], one[0] is OUT)):
        if intent is IN:
            own.discard(program)
            if everywhere:
                back_to.add(program)
        elif wide:
            everywhere, back_to = True, set()
        else:
            own.add(program)
            back_to.discard(program)
    return {name for name in PROGRAMS if name in own or (everywhere and name not in back_to)}


@given(MESSAGES)
def test_in_whatever_order_messages_arrive_their_event_times_decide(messages):
    entries = [
        stored(
            intent,
            START_US + event_time,
            f"{place + 1}-0",
            program=program,
            scope=(ALL if wide else program) if intent is OUT else "",
        )
        for place, (intent, program, wide, event_time) in enumerate(messages)
    ]
    consent_state, _ = play(*entries)

    assert {name for name in PROGRAMS if consent_state.blocked(name)} == model(messages)


@given(MESSAGES)
def test_only_a_change_of_state_is_answered(messages):
    consent_state = ConsentState()
    for place, (intent, program, wide, event_time) in enumerate(messages):
        scope = (ALL if wide else program) if intent is OUT else ""
        message = stored(
            intent, START_US + event_time, f"{place + 1}-0", program=program, scope=scope
        )
        transition = apply_text(message, consent_state, PROGRAMS, START_US)
        before = {name for name in PROGRAMS if consent_state.blocked(name)}
        after = {name for name in PROGRAMS if transition.after.blocked(name)}
        if transition.reply:
            assert before != after
            assert transition.outcome == "applied"
        consent_state = transition.after
