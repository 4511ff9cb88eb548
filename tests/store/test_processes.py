"""Heartbeats: who runs, who does not any more, and since when, by Redis's clock alone."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.snapshot import KINDS, Process
from smsgate.store.processes import FORGOTTEN_S, AppliedConfiguration, Configurations
from smsgate.store.redis_address import open_redis
from smsgate.store.shared_keys import PROCESSES, last_seen_of, process_of
from tests.fakes.own_services import heartbeat
from tests.fakes.processes import PATIENCE_S


def test_a_process_is_told_until_its_heartbeat_expires(store, redis_client):
    sender = heartbeat("sender", "web-2")
    store.heartbeats.beat(sender)
    assert store.heartbeats.running() == [sender]
    assert 0 < redis_client.pttl(process_of(sender.id)) <= FORGOTTEN_S * 1000

    redis_client.delete(process_of(sender.id))  # what its expiry does
    assert store.heartbeats.running() == []
    assert redis_client.scard(PROCESSES) == 0


def test_of_a_kind_that_runs_nowhere_it_is_told_where_and_when_it_was_seen_last(
    store, redis_client
):
    store.heartbeats.beat(heartbeat("web"))
    sender = heartbeat("sender", "web-2")
    store.heartbeats.beat(sender)
    store.heartbeats.withdraw(sender.id)
    week_ms = redis_client.pttl(last_seen_of("sender"))
    redis_client.pexpire(last_seen_of("sender"), week_ms - 180_000)

    snapshot = store.heartbeats.snapshot()
    assert snapshot.stopped == ("worker", "sender", "clock")
    assert set(snapshot.last_seen) == {"web", "sender"}
    last = snapshot.last_seen["sender"]
    assert (last.host, round(last.ago_s) // 60) == ("web-2", 3)


def test_processes_are_counted_by_kind_and_host(store):
    for id_, kind, host in (
        ("a", "web", "one"),
        ("b", "web", "one"),
        ("c", "web", "two"),
        ("d", "clock", "two"),
    ):
        store.heartbeats.beat(Process(id_, kind, host, 7, "v1", "0000", 1))
    snapshot = store.heartbeats.snapshot()
    assert {kind: dict(snapshot.hosts(kind)) for kind in KINDS} == {
        "web": {"one": 2, "two": 1},
        "worker": {},
        "sender": {},
        "clock": {"two": 1},
    }
    assert snapshot.where("web") == "2 on one, 1 on two"


def test_a_heartbeat_without_a_start_is_read(store, redis_client):
    """Processes that are not updated yet say less of themselves."""
    said = {"id": "a", "name": "web", "host": "h", "pid": 7, "version": "v1"}
    said |= {"outside": "0000", "since_us": 1, "software": "0.1.0"}
    redis_client.set(process_of("a"), json.dumps(said))
    redis_client.sadd(PROCESSES, "a")
    (one,) = store.heartbeats.snapshot().running
    assert (one.name, one.software, one.started_us) == ("web", "0.1.0", 0)


def test_a_report_is_prolonged_while_it_stands(store, redis_client):
    sender = heartbeat("sender", "web-2")
    assert not store.heartbeats.prolong(sender)
    store.heartbeats.beat(sender)
    redis_client.pexpire(process_of(sender.id), 500)
    assert store.heartbeats.prolong(sender)
    assert redis_client.pttl(process_of(sender.id)) > 1_000
    assert store.heartbeats.running() == [sender]


APPLIED_NOW = AppliedConfiguration("an id", "v2", "tests", 1)


@pytest.fixture
def news(store):
    news = store.configurations.subscribe()
    yield news
    news.close()


def test_who_listens_hears_what_is_applied_and_after_each_gap_that_it_may_have_missed_some(
    store, news, redis_client
):
    assert news.wait(PATIENCE_S)
    assert not news.wait(0.05)
    store.configurations.apply(APPLIED_NOW)
    assert news.wait(PATIENCE_S)
    assert not news.wait(0.05)

    news.close()
    store.configurations.apply(APPLIED_NOW)
    assert news.wait(PATIENCE_S)


@pytest.mark.usefixtures("one_server")
def test_a_connection_that_broke_is_a_gap(news, redis_client):
    assert news.wait(PATIENCE_S)
    redis_client.client_kill_filter(_type="pubsub")
    heard = []
    while not heard:
        with suppress(StoreUnavailable):
            heard = [news.wait(PATIENCE_S)]
    assert heard == [True]


@pytest.mark.usefixtures("one_server")
def test_a_user_without_the_channel_applies_and_is_told_that_it_cannot_listen(
    store, redis_client, redis_url
):
    rules = "ACL SETUSER deaf reset on >PASSWORD ~* +@all resetchannels"
    redis_client.execute_command(*rules.split())
    parts = urlsplit(redis_url)
    place = parts.netloc.rpartition("@")[2]
    client = open_redis(parts._replace(netloc=f"deaf:PASSWORD@{place}").geturl())
    try:
        Configurations(client).apply(APPLIED_NOW)
        assert store.configurations.applied() == APPLIED_NOW
        deaf = Configurations(client).subscribe()
        with pytest.raises(StoreUnavailable, match="permissions"):
            deaf.wait(PATIENCE_S)
    finally:
        client.close()
        redis_client.execute_command("ACL", "DELUSER", "deaf")
