"""The clock asks for what nobody was asked for, and one clock at a time does."""

from __future__ import annotations

import pytest
import structlog

from smsgate.domain.errors import RecordsDiffer
from smsgate.domain.messages import Arrival
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.shared_keys import shared_key
from tests.fakes.values import NUMBER, entry
from workers import clock

PARTITION = partition_of(NUMBER)


@pytest.fixture
def services(tmp_path, redis_url):
    (tmp_path / "smsgate.toml").write_text(
        '[accounts.twilio]\nprovider = "twilio"\n'
        '[programs.alerts]\nname = "A"\naccount = "twilio"\nsenders = ["*"]\nkeywords = ["en"]\n'
    )
    environ = {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
    }
    services = build_services(load_configuration(environ))
    services.store.metadata.create()
    yield services
    services.close()


@pytest.fixture
def one(services):
    return clock.Sweeper(services.settings, services.archiver, services.job_queue, "one")


def queued(redis_client, name="inbox"):
    return redis_client.llen(f"rq:queue:{name}")


def lose_job(services, redis_client):
    """Add an entry whose job is lost."""
    services.store.inbox.add([Arrival(entry())])
    redis_client.delete("rq:queue:inbox")


def test_a_round_notifies_partitions_whose_job_never_came(one, services, redis_client):
    lose_job(services, redis_client)
    one.sweep()
    assert queued(redis_client) == 0

    redis_client.set(PARTITION_KEYS[PARTITION].notify_inbox, 1)
    redis_client.zadd(PARTITION_KEYS[PARTITION].outbox, {"1-0": 0})
    one.sweep()
    assert (queued(redis_client), queued(redis_client, "outbox")) == (1, 1)


def test_a_round_publishes_the_programs(one, services):
    one.sweep()

    assert set(services.store.programs.published()) == {"alerts"}


def test_a_clock_that_stands_by_asks_for_nothing(one, services, redis_client):
    one.sweep()
    lose_job(services, redis_client)
    redis_client.set(PARTITION_KEYS[PARTITION].notify_inbox, 1)

    clock.Sweeper(services.settings, services.archiver, services.job_queue, "two").sweep()
    assert queued(redis_client) == 0


@pytest.fixture
def passed(monkeypatch):
    """Seconds that have passed, by the clock that rounds go by."""
    passed = [1_000.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: passed[0])
    return passed


@pytest.fixture
def checks(monkeypatch):
    """How often store and records were compared."""
    made = []
    needed = RebuildService.needed

    def counted(self):
        made.append(1)
        return needed(self)

    monkeypatch.setattr(RebuildService, "needed", counted)
    return made


def test_store_and_records_are_compared_for_a_while_after_a_start_then_once_a_minute(
    one, services, passed, checks
):
    rounds = []
    for _ in range(65):
        one.sweep()
        rounds.append(len(checks))
        passed[0] += 2
    assert rounds[:5] == [1, 2, 3, 4, 5]
    assert rounds[5:34] == [5] * 29
    assert rounds[34:] == [6] * 30 + [7]


def test_they_are_compared_at_once_where_the_store_is_another(
    one, services, passed, checks, redis_client, monkeypatch
):
    def is_checked() -> bool:
        before = len(checks)
        one.sweep()
        return len(checks) > before

    def settle() -> None:
        one.sweep()
        passed[0] += clock.WATCH_S + 1
        one.sweep()

    settle()
    assert not is_checked()
    redis_client.hset(PARTITION_KEYS[0].metadata, "rebuild", "broken off")
    assert is_checked()
    redis_client.hdel(PARTITION_KEYS[0].metadata, "rebuild")
    settle()
    assert not is_checked()
    redis_client.flushall()
    services.lease_renewal.renew()  # which writes into the metadata
    assert is_checked()
    settle()
    signature = services.store.health.signature()
    monkeypatch.setattr(
        type(services.store.health), "signature", lambda _: (*signature[:-1], "another server")
    )
    assert is_checked()


def test_a_comparison_that_failed_is_made_again_in_the_next_round(
    one, services, passed, checks, monkeypatch
):
    def differ(_):
        checks.append(1)
        raise RecordsDiffer("of another store")

    monkeypatch.setattr(RebuildService, "needed", differ)
    for _ in range(9):
        one.sweep()
        passed[0] += 2
    assert len(checks) == 9


def test_that_the_tables_are_old_is_logged_once_a_minute(one, services, passed):
    """No line in each round, which is every two seconds."""
    services.records.migrate()
    with services.records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE records_version SET version_num = '0001'")
    logged = []
    for _ in range(61):
        with structlog.testing.capture_logs() as lines:
            one.sweep()
        logged += [(passed[0] - 1_000, line["event"]) for line in lines]
        passed[0] += 2

    assert logged == [(at, "store and records cannot be compared") for at in (0, 60, 120)]


def test_a_clock_that_takes_over_compares_them(one, services, passed, checks, redis_client):
    two = clock.Sweeper(services.settings, services.archiver, services.job_queue, "two")
    for sweeper in (one, two):
        sweeper.sweep()
    passed[0] += 60
    assert len(checks) == 1
    redis_client.delete(shared_key("clock"))
    two.sweep()
    assert len(checks) == 2
