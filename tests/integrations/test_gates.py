"""What a gate promises, of ``Gate`` and of ``AsyncGate``: the same answers and the same errors."""

from __future__ import annotations

import asyncio
import random
import socket
import threading

import pytest

from smsgate import AsyncGate
from smsgate.consent.events import PublishedProgram
from smsgate.domain.errors import (
    InvalidNumber,
    LinksNotReady,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
    UnknownProgram,
)
from smsgate.domain.phone import masked
from smsgate.links import Links
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.threaded_gate import THREADS, ThreadedGate
from tests.fakes.values import set_key
from tests.integrations.conftest import ALLOWED, BLOCKED, OTHER

NOWHERE = "redis://127.0.0.1:1/0"


def test_the_answers_come_in_the_order_asked(either_gate) -> None:
    asked = [BLOCKED, "nonsense", ALLOWED, OTHER, "+1 (415) 555-0124", BLOCKED]
    answers = either_gate.check(asked, program="alerts")
    assert [one.number for one in answers] == asked
    reasons = ["hold", "invalid", "", "hold", "hold", "hold"]
    assert [one.reason for one in answers] == reasons
    assert [one.allowed for one in answers] == [False, None, True, False, False, False]
    assert either_gate.check([], program="alerts") == []


def test_they_are_those_of_the_other_gate(either_gate, gate, redis_client) -> None:
    """A set, a lock, a consent and a review that a worker would write, read by both."""
    numbers = [f"+1415555{place:04}" for place in range(60)]
    buckets = int(redis_client.hget(PARTITION_KEYS[0].metadata, "buckets"))
    for place, number in enumerate(numbers):
        keys, member = PARTITION_KEYS[partition_of(number)], number[1:]
        if place % 5 == 0:
            redis_client.sadd(set_key(keys, "set", "all", number, buckets), member)
        if place % 10 == 0:
            redis_client.sadd(set_key(keys, "exceptions", "alerts", number, buckets), member)
        if place % 7 == 0:
            redis_client.sadd(set_key(keys, "set", "alerts", number, buckets), member)
        if place % 11 == 0:
            redis_client.hset(keys.reviews, f"alerts:{number}", "1-0")
    answers = either_gate.check(numbers, program="alerts")
    assert answers == gate.check(numbers, program="alerts")
    assert {one.reason for one in answers} >= {"", "opted_out", "opted_out_all", "review"}


def test_many_numbers_are_asked_in_several_calls(either_gate) -> None:
    numbers = [f"+1415{place:07}" for place in range(9_000)]
    random.Random(5).shuffle(numbers)
    answers = either_gate.check([*numbers, BLOCKED, BLOCKED], program="alerts")
    assert [one.number for one in answers] == [*numbers, BLOCKED, BLOCKED]
    assert [one.number for one in answers if not one.allowed] == [BLOCKED, BLOCKED]


def test_allows(either_gate) -> None:
    assert either_gate.allows(ALLOWED, program="alerts") is True
    assert either_gate.allows(BLOCKED, program="alerts") is False
    with pytest.raises(InvalidNumber, match="'abc' is no phone number"):
        either_gate.allows("abc", program="alerts")


def test_require_stops_a_send_and_counts_it(either_gate, refusals) -> None:
    either_gate.require([ALLOWED], program="alerts", by="mine")
    with pytest.raises(Suppressed) as caught:
        either_gate.require([ALLOWED, BLOCKED, OTHER], program="alerts", by="mine")
    assert caught.value.refused == {BLOCKED: "hold", OTHER: "hold"}
    told = {(one.number, one.reason, one.by) for one in refusals.newest()}
    assert told == {(masked(BLOCKED), "hold", "mine"), (masked(OTHER), "hold", "mine")}


def test_an_unknown_program_is_an_error(either_gate) -> None:
    for _ in range(2):
        with pytest.raises(UnknownProgram, match="nothing"):
            either_gate.allows(ALLOWED, program="nothing")


def test_a_script_that_redis_forgot_is_loaded_again(either_gate, redis_client) -> None:
    assert either_gate.allows(ALLOWED, program="alerts")
    redis_client.script_flush()
    assert not either_gate.allows(BLOCKED, program="alerts")


def test_it_only_reads(either_gate, redis_client, dump) -> None:
    before = dump()
    either_gate.check([ALLOWED, BLOCKED], program="alerts")
    assert dump() == before


@pytest.fixture
def dump(redis_client):
    """The content of Redis, without counts and leases, which others write."""

    def read() -> dict[bytes, bytes]:
        keys = sorted(redis_client.scan_iter())
        return {
            key: redis_client.dump(key)
            for key in keys
            if b"metrics" not in key and not key.endswith(b":metadata")
        }

    return read


def test_a_store_that_is_away_raises(open_gate) -> None:
    gate = open_gate(NOWHERE, timeout=0.2)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            gate.allows(ALLOWED, program="alerts")
    with pytest.raises(StoreUnavailable):
        gate.require([ALLOWED], program="alerts")


def test_a_store_that_was_flushed_raises(either_gate, redis_client) -> None:
    assert either_gate.allows(ALLOWED, program="alerts")
    redis_client.flushall()
    with pytest.raises(StoreNotReady, match="metadata"):
        either_gate.allows(ALLOWED, program="alerts")


def test_a_store_that_takes_no_writes_raises(either_gate, redis_client) -> None:
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "lease", 1)
    with pytest.raises(StoreNotReady, match="cannot tell"):
        either_gate.allows(ALLOWED, program="alerts")


def test_a_store_that_may_evict_raises(services, redis_url, redis_client, open_gate) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreNotReady, match="allkeys-lru"):
            open_gate(redis_url).allows(ALLOWED, program="alerts")
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")


def test_a_rebuild_with_other_buckets_is_noticed(either_gate, redis_client) -> None:
    assert either_gate.allows(ALLOWED, program="alerts")
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "buckets", 16)
    with pytest.raises(StoreNotReady, match="bucket count"):
        either_gate.allows(ALLOWED, program="alerts")
    assert either_gate.allows(ALLOWED, program="alerts")


def test_links(services, redis_url, open_gate) -> None:
    gate = open_gate(redis_url, links=Links("https://sms.example.com", ["s" * 32]))
    assert gate.link(ALLOWED, "alerts").startswith("https://sms.example.com/o/")
    with pytest.raises(UnknownProgram):
        gate.link(ALLOWED, "nothing")
    with pytest.raises(LinksNotReady):
        open_gate(redis_url).link(ALLOWED, "alerts")


def test_what_was_asked_is_counted(either_gate, services) -> None:
    """Of a program that nobody else asks about: gates of other tests count in threads."""
    services.store.programs.publish({"counted": PublishedProgram()})
    either_gate.check([ALLOWED, BLOCKED], program="counted")
    getattr(either_gate, "_gate", either_gate)._metrics.flush()
    sums = services.store.metrics.sums()
    assert [value for name, value in sums.items() if "|counted|" in name] == [1, 1]


def test_many_tasks_ask_at_once_and_one_that_is_cancelled_harms_none(services, redis_url) -> None:
    async def ask() -> list[bool]:
        async with AsyncGate.from_url(redis_url) as gate:
            tasks = [
                asyncio.create_task(gate.allows((ALLOWED, BLOCKED)[place % 2], program="alerts"))
                for place in range(200)
            ]
            await asyncio.sleep(0)
            for task in tasks[::10]:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            again = [await gate.allows(number, program="alerts") for number in (ALLOWED, BLOCKED)]
        assert again == [True, False]
        return found

    for place, one in enumerate(asyncio.run(ask())):
        assert isinstance(one, asyncio.CancelledError) or one is (place % 2 == 0)


def test_a_store_that_hangs_is_not_waited_for_by_many_tasks(silent_url) -> None:
    """Neither by those that are asked about at once, nor by those behind them."""

    async def ask() -> list[object]:
        async with AsyncGate.from_url(silent_url, timeout=0.5) as gate:
            tasks = [gate.allows(ALLOWED, program="alerts") for _ in range(100)]
            async with asyncio.timeout(30):
                return await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(one) for one in asyncio.run(ask())} == {StoreUnavailable}


@pytest.fixture
def silent_url():
    """Where something takes connections and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(200)
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


class _Held:
    """A gate whose answers wait until they may go; ``begun`` is passed once all threads wait."""

    def __init__(self) -> None:
        self.begun, self.may_go = threading.Barrier(THREADS + 1), threading.Event()

    def allows(self, number: str, *, program: str) -> bool:
        if not self.may_go.is_set():
            self.begun.wait(30)
        return self.may_go.wait(30)


class _Busy(ThreadedGate):
    _busy_error = StoreUnavailable


def test_whoever_finds_no_free_thread_in_time_gets_an_error() -> None:
    held = _Held()

    async def ask() -> list[bool]:
        async with _Busy(held, lambda: None, 0.05) as gate:
            under_way = [
                asyncio.create_task(gate.allows(ALLOWED, program="alerts")) for _ in range(THREADS)
            ]
            await asyncio.to_thread(held.begun.wait, 30)
            with pytest.raises(StoreUnavailable, match="text nobody"):
                await gate.allows(ALLOWED, program="alerts")
            held.may_go.set()
            return [*await asyncio.gather(*under_way), await gate.allows(ALLOWED, program="alerts")]

    assert asyncio.run(ask()) == [True] * (THREADS + 1)
