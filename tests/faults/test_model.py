"""The model itself: what it allows, and that it sees what must not be."""

from __future__ import annotations

import pytest

from tests.faults.model import LOST, REFUSED, Attempt, Message, Number, Pauses, Refusal

OK = 200


def message(kind, *attempts):
    """Attempts are (sent, done, status)."""
    made = Message("SM1", "+14155550000", kind, kind.upper(), "+12000000001")
    made.attempts = [Attempt(*attempt) for attempt in attempts]
    return made


@pytest.fixture
def pauses():
    return Pauses()


HISTORIES = {
    "nothing was sent": ([], {"allowed"}),
    "the last one counts": (
        [("stop", (1, 2, OK)), ("start", (3, 4, OK)), ("stop", (5, 6, OK))],
        {"blocked"},
    ),
    "sent at once, either may have come last": (
        [("stop", (1, 3, OK)), ("start", (2, 4, OK))],
        {"blocked", "allowed"},
    ),
    "an answer that was lost leaves it open": (
        [("start", (1, 2, OK)), ("stop", (3, 4, LOST))],
        {"blocked", "allowed"},
    ),
    "a 503 does not: the spool has it": (
        [("start", (1, 2, OK)), ("stop", (3, 4, REFUSED))],
        {"blocked"},
    ),
    "a lost one long before an acknowledged one is older, if it is there": (
        [("start", (1, 2, LOST)), ("stop", (13, 14, OK))],
        {"blocked"},
    ),
    "a lost one may have been on its way when the next was taken": (
        [("start", (1, 2, LOST)), ("stop", (2.5, 3, OK))],
        {"blocked", "allowed"},
    ),
    "a retry after the next one may be the first that came": (
        [("stop", (1, 2, LOST), (5, 6, OK)), ("start", (3, 4, OK))],
        {"blocked", "allowed"},
    ),
    "a redelivery of an acknowledged one has no effect": (
        [("start", (1, 2, OK), (5, 6, OK)), ("stop", (3, 4, OK))],
        {"blocked"},
    ),
    "an opt-out that was stored in the outage beats a spooled opt-in": (
        [("stop", (101, 102, OK)), ("start", (105, 106, REFUSED))],
        {"blocked", "allowed"},
    ),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_which_final_states_an_order_allows(history, pauses):
    messages, expected = history
    number = Number("+14155550000", [message(kind, *attempts) for kind, *attempts in messages])

    assert number.acceptable(pauses) == expected


def test_a_refusal_by_the_provider_is_an_opt_out_with_its_own_event_time(pauses):
    number = Number("+14155550000", [message("start", (1, 2, OK))])

    number.refusals = [Refusal(3)]
    assert number.acceptable(pauses) == {"blocked"}
    number.refusals = [Refusal(0.5)]
    assert number.acceptable(pauses) == {"allowed"}


def test_what_waited_in_a_redis_that_hung_may_count_from_its_end(pauses):
    pauses.begin(3)
    number = Number(
        "+14155550000", [message("start", (3.5, 5.5, LOST)), message("stop", (8, 9, OK))]
    )
    assert number.acceptable(pauses) == {"blocked", "allowed"}
    pauses.end(6)
    assert number.acceptable(pauses) == {"blocked"}


STOP = ("stop", (10, 11, OK))
BLOCKED = {
    "only a STOP": ([STOP], True),
    "a START before it": ([("start", (1, 2, OK)), STOP], True),
    "a START under way": ([STOP, ("start", (12,))], False),
    "a START was lost just before": ([("start", (9, 9.9, LOST)), STOP], False),
    "a STOP that was not acknowledged": ([("stop", (10, 11, LOST))], False),
    "a START that came before it, delivered again": (
        [("start", (1, 2, OK), (12, 13, OK)), STOP],
        True,
    ),
    "a START whose first delivery was lost, delivered again": (
        [("start", (1, 2, LOST), (12, 13, OK)), STOP],
        False,
    ),
}


@pytest.mark.parametrize("case", BLOCKED.values(), ids=BLOCKED)
def test_when_the_gate_must_say_no(case, pauses):
    messages, expected = case
    number = Number("+14155550000", [message(kind, *attempts) for kind, *attempts in messages])

    assert (number.blocking_stop(pauses) is not None) == expected
