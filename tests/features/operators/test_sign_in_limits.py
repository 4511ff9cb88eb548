"""The line at sign-in: a few at once, one of each place in turn, and nobody waits for ever."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from smsgate.domain.errors import TooManyGuesses
from smsgate.features.operators.sign_in_limits import FairQueue
from tests.fakes.processes import wait_until


class Guest(threading.Thread):
    """Somebody in the line; stays inside until told to go."""

    def __init__(self, line: FairQueue, place: str, order: list[str]) -> None:
        super().__init__(daemon=True)
        self.line, self.place, self.order = line, place, order
        self.inside, self.go, self.sent_away = threading.Event(), threading.Event(), False
        self.start()

    def run(self) -> None:
        try:
            with self.line.slot(self.place):
                self.order.append(self.place)
                self.inside.set()
                self.go.wait(60)
        except TooManyGuesses:
            self.sent_away = True


def waiting(line: FairQueue) -> int:
    return sum(map(len, line._waiting.values()))


@contextmanager
def queued(line, *places):
    """Guests that came in that order; they go when it is over."""
    order, guests = [], []
    for place in places:
        before = waiting(line)
        guests.append(Guest(line, place, order))
        assert wait_until(lambda g=guests[-1], b=before: g.inside.is_set() or waiting(line) != b)
    yield guests, order
    for one in guests:
        one.go.set()
    for one in guests:
        one.join(60)


def test_places_take_turns_however_many_a_place_sends() -> None:
    line = FairQueue(1, 20, 60)
    with queued(line, "a", "a", "a", "a", "a", "b", "c", "b") as (_, order):
        pass
    assert order == ["a", "a", "b", "c", "a", "b", "a", "a"]


def test_only_a_few_are_inside_at_once() -> None:
    line = FairQueue(2, 20, 60)
    with queued(line, "a", "b", "c") as (guests, order):
        assert sorted(order) == ["a", "b"]
        guests[0].go.set()
        assert guests[2].inside.wait(60)


def test_where_too_many_wait_the_place_with_the_most_has_one_fewer() -> None:
    line = FairQueue(1, 3, 60)
    with queued(line, "a", "a", "a", "a") as (guests, _):
        with pytest.raises(TooManyGuesses), line.slot("a"):
            pass
        other = Guest(line, "b", [])
        guests[-1].join(60)
        assert guests[-1].sent_away
        assert (waiting(line), other.sent_away) == (3, False)
        for one in guests:
            one.go.set()
        assert other.inside.wait(60)
        other.go.set()
        other.join(60)


def test_nobody_waits_for_ever() -> None:
    line = FairQueue(1, 3, 0.01)
    with queued(line, "a"), pytest.raises(TooManyGuesses), line.slot("b"):
        pass
    assert waiting(line) == 0
    with line.slot("b"):
        pass


def test_after_a_crowd_all_places_are_free_again() -> None:
    line = FairQueue(2, 5, 60)
    with queued(line, "a", "b", "a", "c", "d"):
        pass
    assert (line._free, waiting(line)) == (2, 0)
