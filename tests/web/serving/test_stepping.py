"""Many walks in one loop: carried together, told apart, and never in the loop's way for long."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsgate.errors import StoreUnavailable
from smsgate.gateway.steps import Keep, Steps, walk
from smsgate.messages import Added, Arrival, HttpReply
from smsgate.store.together import Together
from smsgate.web.serving import stepping
from smsgate.web.serving.stepping import Stepping, Walk
from tests.fakes.values import NUMBER, entry


class Store:
    """An inbox that notes who came by which thread, and how many at once."""

    def __init__(self) -> None:
        self.trips: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.takes_s = 0.0

    def add_each(self, arrivals):
        self.trips.append((threading.current_thread().name.partition("_")[0], len(arrivals)))
        time.sleep(self.takes_s)
        if self.error:
            raise self.error
        return [Added(one.entry.message_id) for one in arrivals], [3]


class Loop:
    """Runs walks in an event loop, so many at once."""

    def __init__(self) -> None:
        self.store = Store()
        self.together = Together(self.store)

    def run(self, *rounds: int) -> list[HttpReply | None]:
        return asyncio.run(self._run(rounds))

    async def _run(self, rounds: tuple[int, ...]) -> list[HttpReply | None]:
        loop = asyncio.get_running_loop()
        replies: list[HttpReply | None] = []
        with ThreadPoolExecutor(1, "pool") as pool:
            walks = Stepping(loop, pool, loop.call_soon_threadsafe)
            for count in rounds:
                wanted = len(replies) + count
                for place in range(len(replies), wanted):
                    walks.begin(Walk(self.stored(f"SM{place}"), replies.append))
                while len(replies) < wanted:
                    await asyncio.sleep(0.001)
        return replies

    def stored(self, id_: str) -> Steps[HttpReply | None]:
        arrivals = [Arrival(entry(number=NUMBER, message_id=id_))]
        try:
            added, lanes = yield Keep(self.together, arrivals)
        except StoreUnavailable:
            return HttpReply(503, "text/plain")
        return HttpReply(200, "text/plain", f"{added[0].id} {lanes}".encode())


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_what_comes_in_one_turn_is_carried_together_and_each_hears_of_its_own(loop: Loop) -> None:
    replies = loop.run(3, 2)
    assert [count for _, count in loop.store.trips] == [3, 2]
    assert {name for name, _ in loop.store.trips} == {"MainThread"}
    assert [one.body for one in replies if one] == [
        b"SM0 [3]",
        b"SM1 ()",
        b"SM2 ()",
        b"SM3 [3]",
        b"SM4 ()",
    ]


def test_after_a_slow_trip_a_thread_waits_until_they_are_quick_again(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping, "QUICK_S", 0.0)
    assert len(loop.run(2, 1)) == 3
    assert loop.store.trips == [("MainThread", 2), ("together", 1)]
    monkeypatch.setattr(stepping, "QUICK_S", 60.0)
    loop.store.trips.clear()
    loop.run(1, 1)
    assert {name for name, _ in loop.store.trips} == {"MainThread"}


def test_a_store_that_is_away_is_told_to_each_and_waited_for_by_a_thread(loop: Loop) -> None:
    loop.store.error = StoreUnavailable("away")
    replies = loop.run(2, 2)
    assert [one.status for one in replies if one] == [503] * 4
    assert [name for name, _ in loop.store.trips] == ["MainThread", "together"]


def test_what_should_not_be_is_told_to_each_as_well(loop: Loop) -> None:
    loop.store.error = ValueError("a fault")
    assert [one.status for one in loop.run(2) if one] == [500, 500]


def test_a_walk_waits_for_each_step_and_hears_its_error() -> None:
    def steps() -> Steps[str]:
        given = yield lambda: 2
        try:
            yield lambda: 1 / 0
        except ZeroDivisionError:
            return f"{given} and an error"
        return "no error"

    assert walk(steps()) == "2 and an error"
