"""Concurrent callers share round trips, and each hears of its own messages only."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Arrival
from smsgate.store.inbox import GroupCommit, Inbox
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.processes import PATIENCE_S
from tests.fakes.values import NUMBER, OTHER, entry


def arrival(number: str, message_id: str) -> Arrival:
    return Arrival(entry(number=number, message_id=message_id))


class Slow:
    """An inbox whose first trip waits until it is told to go; it counts the trips."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.trips: list[int] = []
        self.under_way = threading.Event()
        self.go = threading.Event()

    def add(self, arrivals):
        self.trips.append(len(arrivals))
        self.under_way.set()
        assert self.go.wait(PATIENCE_S)
        return self.inbox.add(arrivals)


def add_in_threads(group_commit, batches):
    results = [None] * len(batches)

    def add(place):
        try:
            results[place] = group_commit.add(batches[place])
        except StoreUnavailable as error:
            results[place] = error

    threads = [threading.Thread(target=add, args=(place,)) for place in range(len(batches))]
    return results, threads


def test_who_comes_while_a_trip_is_under_way_goes_along_with_the_next(store):
    slow = Slow(store.inbox)
    group_commit = GroupCommit(slow)
    numbers = [f"+1415555{place:04}" for place in range(9)]
    batches = [[arrival(number, f"SM{number}")] for number in numbers]
    results, threads = add_in_threads(group_commit, batches)
    threads[0].start()
    assert slow.under_way.wait(PATIENCE_S)
    for thread in threads[1:]:
        thread.start()
    while len(group_commit._queue) < 8:
        threads[1].join(0.01)
    slow.go.set()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert slow.trips == [1, 8]
    assert all(not added[0].duplicate for added, _ in results)
    assert sum(store.inbox_reader.depth(partition) for partition in range(16)) == 9
    partitions = [partition for _, notified in results for partition in notified]
    assert sorted(partitions) == sorted({partition_of(number) for number in numbers})


def test_each_caller_hears_of_its_own_messages(store):
    group_commit = GroupCommit(store.inbox)
    store.inbox.add([arrival(NUMBER, "SM1")])
    batches = [
        [arrival(NUMBER, "SM1")],
        [arrival(NUMBER, "SM2"), arrival(OTHER, "SM3")],
        [arrival(OTHER, "SM4")],
    ]
    results, threads = add_in_threads(group_commit, batches)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert [[one.duplicate for one in added] for added, _ in results] == [
        [True],
        [False, False],
        [False],
    ]


def test_a_partition_that_cannot_be_written_fails_who_comes_with_it_and_loses_nothing(
    store, redis_client
):
    redis_client.lpush(PARTITION_KEYS[partition_of(OTHER)].inbox, "not a stream")
    with pytest.raises(StoreUnavailable):
        store.inbox.add([arrival(NUMBER, "SM1"), arrival(OTHER, "SM2")])
    added, _ = store.inbox.add([arrival(NUMBER, "SM1")])
    assert added[0].duplicate


def test_a_store_that_is_away_fails_everybody_and_the_next_one_may_go(store, redis_client):
    class Broken:
        def add(self, arrivals):
            raise StoreUnavailable("away")

    group_commit = GroupCommit(Broken())
    batches = [[arrival(NUMBER, f"SM{place}")] for place in range(4)]
    results, threads = add_in_threads(group_commit, batches)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert all(isinstance(result, StoreUnavailable) for result in results)
    group_commit._inbox = store.inbox
    added, _ = group_commit.add([arrival(NUMBER, "SM9")])
    assert not added[0].duplicate
