"""The metadata, the sweep of the clock, the sample log and the health of Redis."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsgate.consent.events import PublishedProgram
from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.domain.messages import Arrival, Intent
from smsgate.store.health import Health
from smsgate.store.inbox import JobQueue
from smsgate.store.keys import OLD_METADATA, PARTITION_KEYS, PARTITIONS, partition_of
from smsgate.store.shared_keys import SPOOLS
from tests.fakes.values import NUMBER, OTHER, entry, spool_depth

PARTITION = partition_of(NUMBER)


def test_a_store_is_made_once_and_keeps_its_id(bare_store):
    assert bare_store.metadata.store_id() == ""
    first = bare_store.metadata.create()

    assert bare_store.metadata.create() == first
    assert bare_store.metadata.store_id() == first


def test_a_store_that_lost_a_partition_is_not_made_again(store, redis_client):
    redis_client.delete(PARTITION_KEYS[7].metadata)

    with pytest.raises(StoreNotReady, match="lost"):
        store.metadata.create()


def test_a_store_of_0_2_is_neither_made_ready_nor_written_to(bare_store, redis_client):
    """Processes that are running when it appears, with the old Redis's address, spool their texts.

    ``redis_client`` stands for the smsgate that made it.
    """
    redis_client.hset(OLD_METADATA[5], mapping={"store": "a", "layout": 1, "ready": 1})

    for write in (
        bare_store.metadata.create,
        bare_store.metadata.refuse_old,
        lambda: bare_store.inbox.add([Arrival(entry())]),
    ):
        with pytest.raises(StoreUnavailable, match=r"smsgate 0.1 or 0.2.*docs/upgrading.md"):
            write()
    assert not any(redis_client.exists(keys.metadata, keys.inbox) for keys in PARTITION_KEYS)


def test_programs_are_known_in_every_partition_and_are_never_forgotten(store, redis_client):
    store.programs.publish({"news": PublishedProgram(kind="service")})

    assert set(store.programs.published()) == {"alerts", "service", "news"}
    assert all(redis_client.hexists(keys.programs, "news") for keys in PARTITION_KEYS)


def test_the_clock_notifies_only_partitions_with_work_whose_deadline_has_passed(
    store, redis_client
):
    store.inbox.add([Arrival(entry())])
    assert store.sweep.overdue() == ([], [])

    redis_client.set(PARTITION_KEYS[PARTITION].notify_inbox, 1)
    assert store.sweep.overdue() == ([PARTITION], [])
    assert store.sweep.overdue() == ([], [])


def test_a_queue_that_is_away_is_asked_once_and_the_clock_notifies_every_partition(
    store, redis_client, monkeypatch
):
    """A queue that hangs would keep the caller for its time-out, partition by partition."""
    queue, tried = JobQueue("redis://127.0.0.1:1/0", 0.5), []
    enqueue = queue.enqueue
    monkeypatch.setattr(queue, "enqueue", lambda *job: (tried.append(job), enqueue(*job)))
    store.inbox._job_queue = queue
    numbers = [f"+1415555{place:04}" for place in range(8)]
    store.inbox.add([Arrival(entry(number=one, message_id=f"SM{one}")) for one in numbers])
    assert len(tried) == 1
    partitions = sorted({partition_of(one) for one in numbers})
    assert len(partitions) > 1
    for partition in partitions:
        redis_client.delete(PARTITION_KEYS[partition].notify_inbox)  # its deadline has passed
    assert store.sweep.overdue()[0] == partitions


def test_the_clock_notifies_the_outbox_for_due_replies_only(store, redis_client):
    seconds, _ = redis_client.time()
    redis_client.zadd(PARTITION_KEYS[PARTITION].outbox, {"1-0": (seconds + 60) * 1000})
    assert store.sweep.overdue() == ([], [])

    redis_client.zadd(PARTITION_KEYS[PARTITION].outbox, {"1-0": 5})
    assert store.sweep.overdue() == ([], [PARTITION])


def test_ordinary_texts_reach_the_sample_log_in_batches_newest_first(store):
    first, second = entry(Intent.NONE, text="hello"), entry(Intent.NONE, text="and you?")
    store.sample_log.note(first)
    store.sample_log.note(second)
    store.sample_log.note(entry(Intent.NONE, number=OTHER, text="bonjour"))
    store.sample_log.flush()

    page = store.sample_log.page
    assert [one.text for _, one in page(PARTITION, "", 10)] == ["and you?", "hello"]
    assert [one.text for _, one in page(partition_of(OTHER), "", 10)] == ["bonjour"]


def test_a_redis_that_may_evict_is_refused(store, redis_client):
    redis_client.config_set("maxmemory-policy", "allkeys-lru")

    with pytest.raises(StoreNotReady, match="noeviction"):
        store.health.refuse_eviction()


def test_a_thread_does_not_wait_for_another_that_asks_a_redis_that_hangs():
    both_ask = threading.Barrier(2)

    class Hanging:
        def infos(self, _section):
            both_ask.wait(20)
            return [{"maxmemory_policy": "noeviction"}]

    health = Health(Hanging())
    with ThreadPoolExecutor(2) as threads:
        for asked in [threads.submit(health.refuse_eviction) for _ in range(2)]:
            asked.result()


def test_what_could_lose_acknowledged_writes_is_named(store, redis_client):
    assert store.health.weaknesses() == []

    redis_client.config_set("appendfsync", "everysec")
    (sentence,) = store.health.weaknesses()
    assert "everysec" in sentence


def test_a_number_always_belongs_to_the_same_partition():
    """The partition is part of the layout: a change of this would lose every suppression."""
    assert PARTITIONS == 16
    assert [partition_of(number) for number in (NUMBER, OTHER, "+442071838750")] == [3, 1, 3]


def test_a_host_that_was_silent_for_a_week_is_kept_no_longer(store, redis_client, monkeypatch):
    store.backlog.note_spool(spool_depth("web-1", 0, 0.0))
    later = time.time() + 8 * 24 * 3600
    monkeypatch.setattr("smsgate.store.reader.time.time", lambda: later)
    store.backlog.note_spool(spool_depth("web-2", 0, 0.0))
    assert [one.host for one in store.backlog.spools()] == ["web-2"]
    assert redis_client.hlen(SPOOLS) == 1
