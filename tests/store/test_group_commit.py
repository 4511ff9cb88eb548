"""Concurrent callers share round trips, and each hears of its own messages only."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Arrival
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.processes import PATIENCE_S
from tests.fakes.values import NUMBER, OTHER, entry


def arrival(number: str, message_id: str) -> Arrival:
    return Arrival(entry(number=number, message_id=message_id))


def add_in_threads(inbox, batches):
    results = [None] * len(batches)

    def add(place):
        try:
            results[place] = inbox.add(batches[place])
        except (StoreUnavailable, TypeError) as error:
            results[place] = error

    threads = [threading.Thread(target=add, args=(place,)) for place in range(len(batches))]
    return results, threads


def test_who_comes_while_a_trip_is_under_way_goes_along_with_the_next(store, monkeypatch):
    trips, partitions, under_way, go = [], [], threading.Event(), threading.Event()
    store_really = store.inbox._store

    def store_slowly(arrivals):
        trips.append(len(arrivals))
        under_way.set()
        assert go.wait(PATIENCE_S)
        return store_really(arrivals)

    monkeypatch.setattr(store.inbox, "_store", store_slowly)
    store.inbox._job_queue = SimpleNamespace(notify_inboxes=partitions.extend)
    numbers = [f"+1415555{place:04}" for place in range(9)]
    batches = [[arrival(number, f"SM{number}")] for number in numbers]
    results, threads = add_in_threads(store.inbox, batches)
    threads[0].start()
    assert under_way.wait(PATIENCE_S)
    for thread in threads[1:]:
        thread.start()
    while len(store.inbox._queue) < 8:
        threads[1].join(0.01)
    go.set()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert trips == [1, 8]
    assert all(not added.duplicate for (added,) in results)
    assert sum(len(store.inbox_reader.latest(partition, 99)) for partition in range(16)) == 9
    assert sorted(partitions) == sorted({partition_of(number) for number in numbers})


def test_each_caller_hears_of_its_own_messages(store):
    store.inbox.add([arrival(NUMBER, "SM1")])
    batches = [
        [arrival(NUMBER, "SM1")],
        [arrival(NUMBER, "SM2"), arrival(OTHER, "SM3")],
        [arrival(OTHER, "SM4")],
    ]
    results, threads = add_in_threads(store.inbox, batches)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert [[one.duplicate for one in added] for added in results] == [
        [True],
        [False, False],
        [False],
    ]


def test_a_partition_that_cannot_be_written_fails_only_those_who_need_it(
    store, redis_client, monkeypatch
):
    redis_client.lpush(PARTITION_KEYS[partition_of(OTHER)].inbox, "not a stream")
    under_way, go = threading.Event(), threading.Event()
    store_really = store.inbox._store

    def store_slowly(arrivals):
        under_way.set()
        assert go.wait(PATIENCE_S)
        return store_really(arrivals)

    monkeypatch.setattr(store.inbox, "_store", store_slowly)
    batches = [[arrival(NUMBER, "SM0")], [arrival(OTHER, "SM1")], [arrival(NUMBER, "SM2")]]
    results, threads = add_in_threads(store.inbox, batches)
    threads[0].start()
    assert under_way.wait(PATIENCE_S)
    for thread in threads[1:]:
        thread.start()
    while len(store.inbox._queue) < 2:
        threads[1].join(0.01)
    go.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert isinstance(results[1], StoreUnavailable)
    assert not results[2][0].duplicate


def test_of_several_arrivals_each_has_its_own_result(store, redis_client):
    redis_client.lpush(PARTITION_KEYS[partition_of(OTHER)].inbox, "not a stream")
    both = [arrival(NUMBER, "SM1"), arrival(OTHER, "SM2")]
    stored, refused = store.inbox.add(both, raises=False)
    assert (stored.error, bool(stored.id), isinstance(refused.error, StoreUnavailable)) == (
        None, True, True,
    )  # fmt: skip
    with pytest.raises(StoreUnavailable):
        store.inbox.add(both)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), TypeError("a fault of ours")])
def test_what_fails_is_acknowledged_to_nobody_and_the_next_one_may_go(store, monkeypatch, error):
    under_way, go = threading.Event(), threading.Event()

    def fail(_):
        under_way.set()
        assert go.wait(PATIENCE_S)
        raise error

    batches = [[arrival(NUMBER, f"SM{place}")] for place in range(4)]
    results, threads = add_in_threads(store.inbox, batches)
    with monkeypatch.context() as patched:
        patched.setattr(store.inbox, "_store", fail)
        threads[0].start()
        assert under_way.wait(PATIENCE_S)
        for thread in threads[1:]:
            thread.start()
        go.set()
        for thread in threads:
            thread.join(PATIENCE_S)

    assert all(isinstance(result, Exception) for result in results)
    (added,) = store.inbox.add([arrival(NUMBER, "SM9")])
    assert not added.duplicate
