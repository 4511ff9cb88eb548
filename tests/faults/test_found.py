"""What long runs of the harness found, each as small as it can be."""

from __future__ import annotations

import time
from contextlib import closing

import msgspec
import pytest

from smsgate.consent.events import Event
from smsgate.domain.messages import Arrival, Reply
from smsgate.pipeline.spool import Spool
from smsgate.pipeline.spool_replay import SpoolReplay
from smsgate.store.connection import open_redis
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.store import Store
from tests.fakes.values import NUMBER, entry

PAUSE_MS = 400


@pytest.fixture
def store(redis_url):
    with closing(open_redis(redis_url)) as client:
        yield Store(client)


def test_a_store_that_is_slow_to_take_a_spooled_message_does_not_make_it_younger(
    redis_url, redis_client, store, tmp_path
):
    """Else a spooled START overtook the STOP after it by as much as the store had hung."""
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.keep([Arrival(entry(message_id="SM1"))])
    kept_us = time.time_ns() // 1000
    redis_client.execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")

    SpoolReplay(spool, store).replay()
    assert spool.report().count == 0

    (stored,) = store.inbox.read(partition_of(NUMBER), 10).entries
    assert stored.received_us - kept_us > PAUSE_MS * 1000 / 2
    assert stored.event_time_us - kept_us < PAUSE_MS * 1000 / 4


def test_that_a_reply_was_claimed_before_is_told_again_where_the_first_answer_was_lost(
    store, redis_client, monkeypatch
):
    """Else a call of a sender that had died was made a second time, or taken for one not made."""
    keys = PARTITION_KEYS[partition_of(NUMBER)]
    put_reply(redis_client, keys)
    assert not store.outbox.claim(keys.partition).abandoned
    redis_client.zadd(keys.outbox, {"1-0": 1}, xx=True)  # its lease has run out

    monkeypatch.setattr("smsgate.store.outbox.token_hex", lambda _: "the same token")
    first, again = store.outbox.claim(keys.partition), store.outbox.claim(keys.partition)

    assert first.abandoned
    assert again.abandoned
    assert store.outbox.done(again, Event(id="1", kind="reply", outcome="unknown", number=NUMBER))
    assert not redis_client.exists(keys.outbox, keys.replies, keys.claims)


def put_reply(redis_client, keys) -> None:
    reply = Reply("1-0", "opt_out", "twilio", NUMBER, "+14155550999", "alerts", "bye", 10)
    redis_client.hset(keys.replies, reply.id, msgspec.json.encode(reply))
    redis_client.zadd(keys.outbox, {reply.id: 1})
