"""A rebuild that is disturbed never opens half a store: it refuses, or brings up what lacks."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from smsgate.domain.errors import RecordsDiffer, StoreNotReady
from smsgate.features.records_admin.comparison import AdoptionResult, adopt, differences
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.records import Records
from smsgate.store.keys import partition_of
from smsgate.store.shared_keys import shared_key
from tests.fakes.values import NUMBER

OTHER = "+14155550124"


def quiet(*_):
    """No progress is shown."""


@pytest.fixture
def recorded(services, signed):
    services.records.migrate()
    receive(services, signed("STOP"))
    return services


def receive(services, request):
    services.ingest.receive("twilio", request)
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
    services.archiver.move_all()


def use_records(services, records):
    """Let the services work with other records."""
    services.records.close()
    object.__setattr__(services, "records", records)
    object.__setattr__(services, "archiver", LedgerArchiver(services.store, records))


def test_records_that_lack_what_the_store_has_do_not_overwrite_it(recorded, tmp_path):
    """DATABASE_URL names a fresh database, or an older copy."""
    fresh = Records(f"sqlite:///{tmp_path}/fresh.sqlite3")
    fresh.migrate()
    use_records(recorded, fresh)

    with pytest.raises(RecordsDiffer, match="--adopt"):
        RebuildService(recorded.settings, recorded.archiver).rebuild(quiet)
    assert not recorded.gate.allows(NUMBER, program="alerts")


def test_an_older_copy_of_the_records_does_not_overwrite_the_store(recorded, signed, tmp_path):
    file = recorded.records.database.file
    older = tmp_path / "older.sqlite3"
    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(older)) as two:
        one.backup(two)
    receive(recorded, signed("STOP", OTHER))
    use_records(recorded, Records(f"sqlite:///{older}"))

    with pytest.raises(RecordsDiffer, match="--adopt"):
        RebuildService(recorded.settings, recorded.archiver).rebuild(quiet)
    assert not recorded.gate.allows(OTHER, program="alerts")

    assert adopt(recorded.archiver, "ana", "a backup", quiet) == AdoptionResult(
        partitions=1, numbers=1
    )
    assert [*differences(recorded.archiver)] == []
    RebuildService(recorded.settings, recorded.archiver).rebuild(quiet)
    assert not recorded.gate.allows(OTHER, program="alerts")
    assert [*recorded.records.verifier.verify()] == []


def test_a_store_that_is_flushed_while_it_is_rebuilt_is_not_opened(
    recorded, redis_client, monkeypatch
):
    rebuilding = RebuildService(recorded.settings, recorded.archiver)
    remember = RebuildService._remember_messages

    def flushed(*given):
        redis_client.flushall()
        return remember(*given)

    monkeypatch.setattr(RebuildService, "_remember_messages", flushed)
    with pytest.raises(StoreNotReady):
        rebuilding.rebuild(quiet)
    with pytest.raises(StoreNotReady):
        recorded.gate.allows(NUMBER, program="alerts")


def test_a_rebuild_that_lost_its_lease_opens_nothing(recorded, redis_client, monkeypatch):
    rebuilding = RebuildService(recorded.settings, recorded.archiver)
    remember = RebuildService._remember_messages

    def overtaken(*given):
        redis_client.set(shared_key("rebuild"), "somebody else")
        recorded.store.rebuild.shut("somebody else")
        recorded.store.rebuild.empty()
        return remember(*given)

    monkeypatch.setattr(RebuildService, "_remember_messages", overtaken)
    with pytest.raises(StoreNotReady):
        rebuilding.rebuild(quiet)
    with pytest.raises(StoreNotReady):
        recorded.gate.allows(NUMBER, program="alerts")
    assert redis_client.get(shared_key("rebuild")) == b"somebody else"


def test_what_a_mover_commits_while_numbers_are_loaded_is_loaded_too(
    recorded, signed, redis_client, monkeypatch
):
    """It had read the ledger before the store was flushed."""
    partition = partition_of(OTHER)
    recorded.ingest.receive("twilio", signed("STOP", OTHER))
    recorded.applier.drain(partition)
    lines = recorded.store.ledger.unmoved(10)[partition].lines
    redis_client.flushall()
    rebuilding = RebuildService(recorded.settings, recorded.archiver)
    load = recorded.store.rebuild.load

    def mover_meanwhile(*given):
        load(*given)
        kept = recorded.records.writer.keep({partition: [*lines.values()]})
        recorded.store.ledger.trim({partition: (kept.heads[partition], [*lines])})

    monkeypatch.setattr(recorded.store.rebuild, "load", mover_meanwhile)
    rebuilding.rebuild(quiet)

    assert not recorded.gate.allows(OTHER, program="alerts")
    assert [*differences(recorded.archiver)] == []


def test_what_a_mover_commits_after_the_rebuild_is_brought_up(recorded, signed, redis_client):
    partition = partition_of(OTHER)
    recorded.ingest.receive("twilio", signed("STOP", OTHER))
    recorded.applier.drain(partition)
    lines = recorded.store.ledger.unmoved(10)[partition].lines
    redis_client.flushall()
    RebuildService(recorded.settings, recorded.archiver).rebuild(quiet)
    kept = recorded.records.writer.keep({partition: [*lines.values()]})
    recorded.store.ledger.trim({partition: (kept.heads[partition], [*lines])})

    assert "fell back" in RebuildService(recorded.settings, recorded.archiver).needed()
    RebuildService(recorded.settings, recorded.archiver).rebuild(quiet)
    assert not recorded.gate.allows(OTHER, program="alerts")
