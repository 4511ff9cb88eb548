"""The clock asks for what nobody was asked for, and one clock at a time does."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.messages import Arrival
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.services import build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.values import NUMBER, entry
from workers import clock

PARTITION = partition_of(NUMBER)


@pytest.fixture
def services(tmp_path, redis_url):
    (tmp_path / "smsgate.toml").write_text(
        '[accounts.twilio]\nprovider = "twilio"\n'
        '[programs.alerts]\nname = "A"\naccount = "twilio"\nsenders = ["*"]\nkeywords = ["en"]\n'
    )
    environ = {"SMSGATE_CONFIG": str(tmp_path), "REDIS_URL": redis_url}
    services = build_services(load_configuration(environ))
    services.store.metadata.create()
    yield services
    services.close()


def queued(redis_client, name="inbox"):
    return redis_client.llen(f"rq:queue:{name}")


def test_a_round_notifies_partitions_whose_job_never_came(services, redis_client):
    services.store.inbox.add([Arrival(entry())])
    assert clock.sweep(services, "one")
    assert queued(redis_client) == 0

    redis_client.set(PARTITION_KEYS[PARTITION].notify_inbox, 1)
    redis_client.zadd(PARTITION_KEYS[PARTITION].outbox, {"1-0": 0})
    clock.sweep(services, "one")
    assert (queued(redis_client), queued(redis_client, "outbox")) == (1, 1)


def test_a_round_publishes_the_programs(services):
    clock.sweep(services, "one")

    assert set(services.store.metadata.programs()) == {"alerts"}


def test_a_clock_that_stands_by_asks_for_nothing(services, redis_client):
    clock.sweep(services, "one")
    services.store.inbox.add([Arrival(entry())])
    redis_client.set(PARTITION_KEYS[PARTITION].notify_inbox, 1)

    assert not clock.sweep(services, "two")
    assert queued(redis_client) == 0


def test_the_clock_outlives_a_store_that_is_away(services, environ_away, monkeypatch):
    ending, rounds = threading.Event(), []

    def end_after_three():
        rounds.append(1)
        if len(rounds) == 3:
            ending.set()
        return len(rounds) <= 3

    monkeypatch.setattr(clock, "PERIOD_S", 0.01)
    watched = threading.Thread(target=clock.run, args=(lambda: environ_away, ending))
    watched.start()
    while end_after_three():
        watched.join(0.05)
    watched.join(10)
    assert not watched.is_alive()


@pytest.fixture
def environ_away(tmp_path):
    environ = {"SMSGATE_CONFIG": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    services = build_services(load_configuration(environ))
    yield services
    services.close()
