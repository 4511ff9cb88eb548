"""An application that is down is left alone; one that cannot take one number's message is not."""

from __future__ import annotations

import pytest

from smsgate.features.forwarding.circuit_breaker import (
    FAILING_NUMBERS,
    MAX_CALLS,
    MAX_PAUSE_S,
    PROBE_TIMEOUT_S,
    CircuitBreaker,
)

NUMBERS = [f"+1415555012{place}" for place in range(9)]


@pytest.fixture
def down() -> CircuitBreaker:
    """One that was found to be down at 100.0."""
    breaker = CircuitBreaker()
    for number in NUMBERS[:FAILING_NUMBERS]:
        breaker.failed(number, 100.0)
    return breaker


def test_one_that_is_well_gets_many_calls_at_once() -> None:
    breaker = CircuitBreaker()
    breaker.started(1.0)
    assert breaker.capacity(1.0) == MAX_CALLS


def test_numbers_whose_messages_it_cannot_take_never_pause_it() -> None:
    breaker = CircuitBreaker()
    for now in range(100):
        assert breaker.failed(NUMBERS[now % (FAILING_NUMBERS - 1)], float(now)) == 0
    assert breaker.capacity(100.0) == MAX_CALLS


def test_a_call_that_is_taken_begins_the_count_anew() -> None:
    breaker = CircuitBreaker()
    for number in NUMBERS:
        breaker.failed(number, 1.0)
        breaker.succeeded()
    assert breaker.capacity(1.0) == MAX_CALLS


def test_one_that_is_down_is_left_alone_and_then_probed_by_one_call(down) -> None:
    assert (down.capacity(100.5), down.pause_left_s(100.5)) == (0, 0.5)
    assert down.capacity(101.0) == 1
    down.started(101.0)
    assert down.capacity(101.0) == 0
    down.succeeded()
    assert down.capacity(101.1) == MAX_CALLS


def test_calls_that_began_before_the_pause_do_not_lengthen_it(down) -> None:
    for number in NUMBERS[FAILING_NUMBERS:]:
        down.failed(number, 100.3)
    assert down.capacity(101.0) == 1


def test_pauses_grow_up_to_a_bound(down) -> None:
    now, pauses = 101.0, []
    for _ in range(9):
        down.started(now)
        pauses.append(down.failed(NUMBERS[0], now))
        now += pauses[-1]
        assert down.capacity(now - 0.01) == 0
    assert pauses == [2, 4, 8, 16, 32, MAX_PAUSE_S, MAX_PAUSE_S, MAX_PAUSE_S, MAX_PAUSE_S]


def test_a_probe_of_which_nobody_hears_is_followed_by_another(down) -> None:
    down.started(101.0)
    assert down.capacity(101.0 + PROBE_TIMEOUT_S - 0.01) == 0
    assert down.capacity(101.0 + PROBE_TIMEOUT_S) == 1


def test_time_that_it_asks_for_it_gets_whoever_else_is_taken() -> None:
    breaker = CircuitBreaker()
    assert breaker.failed(NUMBERS[0], 1.0, asked_s=30.0) == 30.0
    breaker.succeeded()
    assert breaker.capacity(30.9) == 0
    assert breaker.capacity(31.0) == MAX_CALLS
