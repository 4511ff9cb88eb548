"""An application that is down is left alone; one that cannot take one number's message is not."""

from __future__ import annotations

import pytest

from smsgate.features.forwarding.pauses import CALL_S, CALLS, LONGEST_S, PATIENCE, Pauses

NUMBERS = [f"+1415555012{place}" for place in range(9)]


@pytest.fixture
def down() -> Pauses:
    """One that was found to be down at 100.0."""
    pauses = Pauses()
    for number in NUMBERS[:PATIENCE]:
        pauses.failed(number, 100.0)
    return pauses


def test_one_that_is_well_gets_many_calls_at_once() -> None:
    pauses = Pauses()
    pauses.begun(1.0)
    assert pauses.room(1.0) == CALLS


def test_numbers_whose_messages_it_cannot_take_never_pause_it() -> None:
    pauses = Pauses()
    for now in range(100):
        assert pauses.failed(NUMBERS[now % (PATIENCE - 1)], float(now)) == 0
    assert pauses.room(100.0) == CALLS


def test_a_call_that_is_taken_begins_the_count_anew() -> None:
    pauses = Pauses()
    for number in NUMBERS:
        pauses.failed(number, 1.0)
        pauses.taken()
    assert pauses.room(1.0) == CALLS


def test_one_that_is_down_is_left_alone_and_then_probed_by_one_call(down) -> None:
    assert (down.room(100.5), down.left_s(100.5)) == (0, 0.5)
    assert down.room(101.0) == 1
    down.begun(101.0)
    assert down.room(101.0) == 0
    down.taken()
    assert down.room(101.1) == CALLS


def test_calls_that_began_before_the_pause_do_not_lengthen_it(down) -> None:
    for number in NUMBERS[PATIENCE:]:
        down.failed(number, 100.3)
    assert down.room(101.0) == 1


def test_pauses_grow_up_to_a_bound(down) -> None:
    now, pauses = 101.0, []
    for _ in range(9):
        down.begun(now)
        pauses.append(down.failed(NUMBERS[0], now))
        now += pauses[-1]
        assert down.room(now - 0.01) == 0
    assert pauses == [2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S, LONGEST_S]


def test_a_probe_of_which_nobody_hears_is_followed_by_another(down) -> None:
    down.begun(101.0)
    assert down.room(101.0 + CALL_S - 0.01) == 0
    assert down.room(101.0 + CALL_S) == 1


def test_time_that_it_asks_for_it_gets_whoever_else_is_taken() -> None:
    pauses = Pauses()
    assert pauses.failed(NUMBERS[0], 1.0, asked_s=30.0) == 30.0
    pauses.taken()
    assert pauses.room(30.9) == 0
    assert pauses.room(31.0) == CALLS
