"""The door ``/metrics``: who gets in, and what it says where something is away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Arrival, Intent, Reply
from smsgate.process.services import Services
from smsgate.store.keys import PARTITION_KEYS
from smsgate.web import create_app
from tests.fakes.own_services import all_at_work, heartbeat, make_services
from tests.fakes.refused_writes import CAUSES, too_few_replicas
from tests.fakes.values import entry, failed_reply, spool_depth

WATCHER, OLDER = "a-key-of-whoever-watches-us", "an-older-key-of-whoever-watches-us"


@pytest.fixture
def services(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    made = make_services(tmp_path, redis_url, SMSGATE_METRICS_KEYS=f"{WATCHER}, {OLDER}")
    yield made
    made.close()


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return create_app(services).test_client()


def told(client: FlaskClient, key: str = WATCHER) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.content_type.split(";")[0]) == (200, "text/plain")
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nope", f"Basic {WATCHER}", WATCHER])
def test_nobody_gets_in_without_a_key(client: FlaskClient, header: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": header})
    assert answer.status_code == 401
    assert "SMSGATE_API_KEYS" in answer.text
    assert "SMSGATE_METRICS_KEYS" in answer.text
    assert "smsgate_" not in answer.text


@pytest.mark.parametrize("key", [WATCHER, OLDER, "a-key-that-is-long-enough-for-tests"])
def test_every_key_for_it_and_every_key_of_v1_opens_it(client: FlaskClient, key: str) -> None:
    assert told(client, key)["smsgate_ready", "store"] == 1


def test_a_key_for_the_metrics_opens_nothing_else(client: FlaskClient) -> None:
    answer = client.get("/v1/numbers/+14155550123", headers={"Authorization": f"Bearer {WATCHER}"})
    assert answer.status_code == 401


def test_what_waits_is_told_with_its_age(client, services, redis_client) -> None:
    services.store.inbox.add([Arrival(entry())])
    reply = Reply("3-1-0", "help", "twilio", "+14155550123", "+14155550999", "alerts", "t", 1_000)
    redis_client.zadd(PARTITION_KEYS[3].outbox, {"3-1-0": 1_000})
    redis_client.hset(PARTITION_KEYS[3].replies, "3-1-0", msgspec.json.encode(reply))
    redis_client.hset(PARTITION_KEYS[4].reviews, "alerts:+14155550177", "1000-0")
    redis_client.hset(PARTITION_KEYS[5].dead, "5-1-0", failed_reply())
    services.store.backlog.note_spool(spool_depth("web-1", 7, 5.0))
    found = told(client)
    assert found["smsgate_inbox_entries",] == 1
    assert found["smsgate_holds",] == 1
    assert 0 <= found["smsgate_hold_oldest_seconds",] < 60
    assert found["smsgate_outbox_replies",] == 1
    assert found["smsgate_outbox_oldest_seconds", "twilio"] > 1e9
    assert (found["smsgate_reviews",], found["smsgate_dead_letters",]) == (1, 1)
    assert found["smsgate_review_oldest_seconds",] > found["smsgate_review_deadline_seconds",]
    assert found["smsgate_spool_messages", "web-1"] == 7
    assert 5 <= found["smsgate_spool_oldest_seconds", "web-1"] < 60
    assert found["smsgate_clock_running",] == 0
    services.store.clock_lease.hold("a clock")
    assert told(client)["smsgate_clock_running",] == 1


def test_processes_are_told_by_kind_and_host_and_what_runs_nowhere_as_none(
    client, services, redis_client
) -> None:
    for kind, host in (("web", "web-1"), ("web", "web-2"), ("worker", "web-2")):
        services.store.heartbeats.beat(heartbeat(kind, host), 600)
    found = {key[1:]: value for key, value in told(client).items() if "processes" in key[0]}
    assert found == {
        ("web-1", "web"): 1,
        ("web-2", "web"): 1,
        ("web-2", "worker"): 1,
        ("", "sender"): 0,
        ("", "clock"): 0,
    }
    with too_few_replicas(redis_client):  # which refuses heartbeats
        assert not [key for key in told(client) if "processes" in key[0]]


def test_a_web_process_tells_what_its_hosts_spool_holds(client, services) -> None:
    services.spool.keep([Arrival(entry())])
    services.spool_replay.note()
    found = {key: value for key, value in told(client).items() if "spool_messages" in key[0]}
    assert [*found.values()] == [1]
    services.spool_replay.replay()
    services.spool_replay.note()
    found = {key: value for key, value in told(client).items() if "spool_messages" in key[0]}
    assert [*found.values()] == [0]


def test_a_store_that_is_away_is_told_and_no_error(client, services, monkeypatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("the store cannot be used")

    monkeypatch.setattr(services.store.ledger_reader, "waiting", away)
    monkeypatch.setattr(services.store.metadata, "store_id", away)
    found = told(client)
    assert (found["smsgate_ready", "store"], found["smsgate_ready", "spool"]) == (0, 1)
    assert not any(name.startswith("smsgate_inbox") for name, *_ in found)


def test_a_host_has_one_sample_for_all_its_data_directories(client, services) -> None:
    services.store.backlog.note_spool(spool_depth("web-1", 7, 60.0, folder="/srv/a"))
    services.store.backlog.note_spool(spool_depth("web-1", 2, 5.0, "it is full", folder="/srv/b"))
    found = told(client)
    assert found["smsgate_spool_messages", "web-1"] == 9
    assert found["smsgate_spool_unusable", "web-1"] == 1
    assert found["smsgate_spool_oldest_seconds", "web-1"] >= 60


@pytest.mark.parametrize("code", CAUSES)
def test_where_redis_refuses_writes_what_is_known_is_told_and_nothing_else(
    client, services, redis_client: redis.Redis, code: str
) -> None:
    all_at_work(services.store)
    services.spool_replay.note()
    services.store.backlog.note_spool(spool_depth("web-2", 0, 0.0))
    with CAUSES[code](redis_client):
        services.spool.keep([Arrival(entry(Intent.OPT_OUT))])
        found = told(client)
        assert found["smsgate_spool_messages", socket.gethostname()] == 1
        assert found["smsgate_store_writable",] == 0
        assert found["smsgate_ready", "store"] == 0
        names = {name for name, *_ in found}
        assert not names & {"smsgate_clock_running", "smsgate_processes"}
        assert ("smsgate_spool_messages", "web-2") not in found
    found = told(client)
    assert found["smsgate_store_writable",] == 1
    assert found["smsgate_spool_messages", "web-2"] == 0
    assert found["smsgate_processes", "host-1", "clock"] == 1


def test_whether_the_gate_answers_is_told(client, services, redis_client: redis.Redis) -> None:
    assert told(client)["smsgate_gate_open",] == 1
    redis_client.hset(PARTITION_KEYS[9].metadata, "lease", 1)
    found = told(client)
    assert found["smsgate_gate_open",] == 0
    assert (found["smsgate_ready", "store"], found["smsgate_accepts",]) == (0, 1)


def test_with_the_store_away_the_spool_of_this_host_is_told(
    tmp_path: Path, services: Services
) -> None:
    services.spool.keep([Arrival(entry())])
    away = make_services(
        tmp_path, "redis://127.0.0.1:1/0", init=False, SMSGATE_METRICS_KEYS=WATCHER
    )
    found = told(create_app(away).test_client())
    assert found["smsgate_spool_messages", socket.gethostname()] == 1
    away.close()
