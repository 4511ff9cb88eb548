"""The sample log: many texts at once, and a store that does not take them."""

from __future__ import annotations

from smsgate.domain.messages import Intent
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.sample_log import SampleLog
from smsgate.store.store import Store
from tests.fakes.values import entry

MANY = 450
"""More than two round trips carry."""


def kept(redis_client) -> int:
    return sum(redis_client.xlen(keys.sample_log) for keys in PARTITION_KEYS)


def fill(trail: SampleLog) -> None:
    for line in range(MANY):
        trail.note(entry(Intent.NONE, f"+1415555{line:04}", text=f"text {line}"))


def test_all_texts_are_written_each_once(store: Store, redis_client) -> None:
    fill(store.sample_log)
    store.sample_log.flush()
    store.sample_log.flush()

    assert kept(redis_client) == MANY
    pages = (store.sample_log.page(keys.partition, "", MANY) for keys in PARTITION_KEYS)
    texts = {one.text for page in pages for _, one in page}
    assert texts == {f"text {line}" for line in range(MANY)}


def test_what_redis_refuses_is_dropped(store: Store, redis_client) -> None:
    for keys in PARTITION_KEYS:
        redis_client.set(keys.sample_log, "no stream")
    fill(store.sample_log)
    store.sample_log.flush()
    redis_client.flushall()
    store.sample_log.flush()

    assert kept(redis_client) == 0


def test_a_full_queue_drops_the_oldest(bare_store: Store, redis_client, monkeypatch):
    monkeypatch.setattr("smsgate.store.sample_log._QUEUED", 10)
    log = SampleLog(bare_store.client)
    fill(log)
    log.flush()

    pages = (log.page(keys.partition, "", MANY) for keys in PARTITION_KEYS)
    texts = {one.text for page in pages for _, one in page}
    assert texts == {f"text {line}" for line in range(MANY - 10, MANY)}
