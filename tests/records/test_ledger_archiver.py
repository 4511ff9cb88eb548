"""The ledger archiver, a thread of the clock: it moves what waits, and says what hinders it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from smsgate.monitoring.monitor import report_archive
from smsgate.pipeline.archive import BATCH, LedgerArchiver
from smsgate.pipeline.forgetting import Forgetting
from smsgate.settings import Retention
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.shared_keys import shared_key
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.fakes.values import NUMBER
from tests.features.records_admin.cli.test_cli import CONFIG
from tests.records.test_removal import aged
from tests.records.values import event
from workers.threads import ARCHIVE_S, record_threads


@pytest.fixture
def services(store, records):
    """The services that the ledger archiver uses."""
    archiver = LedgerArchiver(store, records)
    forgetting = Forgetting(archiver, Retention())
    return SimpleNamespace(records=records, archiver=archiver, forgetting=forgetting)


@pytest.fixture
def happen(store):
    def append(*at: int, **rest) -> None:
        for one in at:
            store.ledger.append(partition_of(NUMBER), event(one, **rest))

    return append


def test_what_waits_is_recorded_within_a_second(services, happen, records):
    thread = record_threads(services.archiver, services.forgetting)[0]
    thread.start()
    try:
        happen(1)
        assert wait_until(lambda: records.reader.count_events() == 1)
        happen(2)
        assert wait_until(lambda: records.reader.count_events() == 2)
        (first, second) = records.reader.of_number(NUMBER)
        assert first.seq < second.seq
    finally:
        thread.close()


def test_it_goes_on_at_once_while_there_is_more_than_a_batch(services, happen, store):
    thread = record_threads(services.archiver, services.forgetting)[0]
    happen(*range(BATCH + 1))
    assert [thread.run_once(), thread.run_once(), thread.run_once()] == [0.0, ARCHIVE_S, ARCHIVE_S]
    assert store.ledger_reader.waiting().count == 0


def test_while_the_store_is_rebuilt_it_waits(services, happen, redis_client):
    happen(1)
    redis_client.hset(PARTITION_KEYS[0].metadata, "ready", 0)
    thread = record_threads(services.archiver, services.forgetting)[0]
    assert thread.run_once() > ARCHIVE_S
    assert report_archive(services.archiver).text.startswith("ok; 1 events wait")
    redis_client.hset(PARTITION_KEYS[0].metadata, "ready", 1)
    assert thread.run_once() == ARCHIVE_S
    assert services.records.reader.count_events() == 1


def test_old_texts_go_once_a_day(services, happen, store, records, redis_client):
    old = aged(store.health.now_us() // 1000, 100)
    happen(old, kind="help", text="lunch?", consent_state=None)
    services.archiver.move_all()

    for _ in range(2):
        for retention in (
            record_threads(services.archiver, services.forgetting)[2],
            record_threads(services.archiver, services.forgetting)[2],
        ):
            retention.run_once()

    assert [one.erased for one in records.reader.of_number(NUMBER)] == [True]
    assert len(list(records.reader.between(kinds=["retention"]))) == 1
    assert redis_client.ttl(shared_key("retention")) > 0


@pytest.mark.full
def test_the_clock_ends_after_the_batch_in_hand(store, redis_url, tmp_path, records):
    """And nothing is lost: what it had not moved yet is still in the ledger."""
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    environ = {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "DATABASE_URL": records.database._text,
    }
    rows = [event(at) for at in range(3_000)]
    for one in rows:
        store.ledger.append(partition_of(NUMBER), one)
    clock = subprocess.Popen([sys.executable, "-m", "smsgate.cli", "run", "clock"], env=environ)
    try:
        assert wait_until(lambda: records.reader.count_events() > 0, 60)
    finally:
        clock.send_signal(signal.SIGTERM)
        assert clock.wait(PATIENCE_S) == 0

    found = records.reader.count_events() + store.ledger_reader.waiting().count
    assert found == 3_000
    assert list(records.verifier.verify()) == []
