"""Heartbeats: who runs, who does not any more, and since when, by Redis's clock alone."""

from __future__ import annotations

from smsgate.metrics.snapshot import KINDS, Process
from smsgate.store.processes import FORGOTTEN_S
from smsgate.store.shared_keys import PROCESSES, shared_key
from tests.fakes.own_services import heartbeat


def test_a_process_is_told_until_its_heartbeat_expires(store, redis_client):
    sender = heartbeat("sender", "web-2")
    store.heartbeats.beat(sender)
    assert store.heartbeats.running() == [sender]
    assert 0 < redis_client.pttl(shared_key("process", sender.id)) <= FORGOTTEN_S * 1000

    redis_client.delete(shared_key("process", sender.id))  # what its expiry does
    assert store.heartbeats.running() == []
    assert redis_client.scard(PROCESSES) == 0


def test_processes_are_counted_by_kind_and_host(store):
    for id_, kind, host in (
        ("a", "web", "one"),
        ("b", "web", "one"),
        ("c", "web", "two"),
        ("d", "clock", "two"),
    ):
        store.heartbeats.beat(Process(id_, kind, host, 7, "v1"))
    snapshot = store.heartbeats.snapshot()
    assert {kind: dict(snapshot.hosts(kind)) for kind in KINDS} == {
        "web": {"one": 2, "two": 1},
        "worker": {},
        "sender": {},
        "clock": {"two": 1},
    }
    assert snapshot.stopped == ("worker", "sender")
    assert snapshot.where("web") == "2 on one, 1 on two"
