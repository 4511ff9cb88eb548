"""A receiver that is down is left alone; one that cannot take what one number sent is not."""

from __future__ import annotations

import pytest

from smsgate.features.deliveries.pause import FAILING_NUMBERS, MAX_PAUSE_S, Pause

NUMBERS = [f"+1415555012{place}" for place in range(9)]
MAX_CALLS = 64


@pytest.fixture
def down() -> Pause:
    """One that was found to be down at 100.0."""
    found = Pause(MAX_CALLS)
    for number in NUMBERS[:FAILING_NUMBERS]:
        found.failed(number, 99.0, 100.0)
    return found


def test_numbers_whose_messages_it_cannot_take_never_pause_it() -> None:
    well = Pause(MAX_CALLS)
    for now in range(100):
        well.failed(NUMBERS[now % (FAILING_NUMBERS - 1)], now, now)
        assert well.capacity(now) == MAX_CALLS


def test_a_call_that_is_accepted_begins_the_count_anew() -> None:
    well = Pause(MAX_CALLS)
    for number in NUMBERS:
        well.failed(number, 1.0, 1.0)
        well.succeeded()
    assert well.capacity(1.0) == MAX_CALLS


def test_one_that_is_down_is_left_alone_and_then_probed_by_one_call(down) -> None:
    assert down.capacity(100.9) == 0
    assert down.capacity(101.0) == 1
    down.succeeded()
    assert down.capacity(101.1) == MAX_CALLS


def test_calls_that_began_before_the_pause_do_not_lengthen_it(down) -> None:
    for number in NUMBERS[FAILING_NUMBERS:]:
        down.failed(number, 99.0, 100.3)
    assert down.capacity(101.0) == 1


def test_pauses_grow_up_to_a_bound(down) -> None:
    now = 101.0
    for pause_s in (2, 4, 8, 16, 32, MAX_PAUSE_S, MAX_PAUSE_S):
        down.failed(NUMBERS[0], now, now)
        assert down.capacity(now + pause_s - 0.01) == 0
        now += pause_s
        assert down.capacity(now) == 1


def test_time_that_it_asks_for_it_gets_whoever_else_is_accepted() -> None:
    well = Pause(MAX_CALLS)
    well.failed(NUMBERS[0], 1.0, 1.0, asked_s=30.0)
    well.succeeded()
    assert well.capacity(30.9) == 0
    assert well.capacity(31.0) == MAX_CALLS
