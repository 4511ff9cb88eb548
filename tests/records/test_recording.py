"""From the ledgers to the records: each event once, whatever dies or is away."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsNotReady,
    RecordsUnavailable,
    StoreUnavailable,
)
from smsgate.monitoring.monitor import report_archive
from smsgate.pipeline import archive as module
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.records import Records, database
from smsgate.records.database import Database
from smsgate.store.connection import open_redis
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.reader import LedgerBacklog
from smsgate.store.store import Store
from tests.fakes.values import NUMBER, OTHER
from tests.records.values import START_MS, event

PARTITION = partition_of(NUMBER)


@pytest.fixture
def archiver(store, records) -> LedgerArchiver:
    return LedgerArchiver(store, records)


@pytest.fixture
def happen(store):
    def append(*at: int, number: str = NUMBER) -> None:
        for one in at:
            store.ledger.append(partition_of(number), event(one, number))

    return append


def inbox_ids(records, number=NUMBER):
    return [one.event.inbox_id for one in records.reader.of_number(number)]


def recorded(*at: int) -> list[str]:
    return [f"{START_MS + one}-0" for one in at]


def test_what_waits_is_moved_and_then_taken_out_of_the_ledger(archiver, happen, store, records):
    happen(1, 2)
    happen(3, number=OTHER)

    assert archiver.move() == 3

    assert inbox_ids(records) == recorded(1, 2)
    assert inbox_ids(records, OTHER) == recorded(3)
    assert [*store.ledger_reader.of_partition(partition_of(NUMBER))] == []
    now_us = store.health.now_us()
    for one in records.reader.of_number(NUMBER):
        assert now_us - 10_000_000 < one.committed_us <= now_us
    assert store.ledger.kept()[PARTITION] == 2
    assert archiver.move() == 0
    assert report_archive(archiver).text == "ok"


def test_more_than_a_batch_is_moved_in_order(happen, store, records, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    archiver = LedgerArchiver(store, records)
    happen(*range(5))

    assert archiver.move() == 2
    assert archiver.move_all() == 3

    assert inbox_ids(records) == recorded(*range(5))


def test_events_of_lists_go_alone_so_that_no_transaction_grows_without_bound(
    archiver, happen, records, monkeypatch
):
    monkeypatch.setattr(module, "LONG", 10)
    happen(*range(5))

    assert [archiver.move() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    assert inbox_ids(records) == recorded(*range(5))


class Dies(Exception):
    """The process was killed here."""


def test_a_mover_killed_before_it_trims_is_followed_by_one_that_keeps_nothing_twice(
    archiver, happen, store, records, monkeypatch
):
    happen(1, 2)

    def die(_):
        raise Dies

    with monkeypatch.context() as patched:
        patched.setattr(store.ledger, "trim", die)
        with pytest.raises(Dies):
            archiver.move()
    happen(3)
    assert store.ledger.kept()[PARTITION] == 0

    assert LedgerArchiver(store, records).move() == 1

    assert inbox_ids(records) == recorded(1, 2, 3)
    assert store.ledger_reader.waiting().count == 0
    assert list(records.verifier.verify()) == []


def test_a_mover_killed_before_it_commits_has_done_nothing(
    archiver, happen, store, records, monkeypatch
):
    happen(1, 2)

    def die(*_):
        raise Dies

    with monkeypatch.context() as patched:
        patched.setattr("smsgate.records.writer._write", die)
        with pytest.raises(Dies):
            archiver.move()
    assert records.reader.count_events() == 0
    assert store.ledger_reader.waiting().count == 2

    assert archiver.move() == 2


def test_movers_at_once_keep_each_event_once(redis_url, database_url, happen, records, store):
    happen(*range(300))
    happen(*range(300, 400), number=OTHER)
    told, start = [], threading.Barrier(3)

    def move() -> None:
        mine = Records(database_url)
        mover = LedgerArchiver(Store(open_redis(redis_url)), mine)
        start.wait()
        while store.ledger_reader.waiting().count:
            told.append(mover.move())
        mine.close()

    threads = [threading.Thread(target=move) for _ in range(3)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "BATCH", 25)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sum(told) == 400
    assert inbox_ids(records) == recorded(*range(300))
    assert inbox_ids(records, OTHER) == recorded(*range(300, 400))
    assert list(records.verifier.verify()) == []


def test_a_database_that_is_away_leaves_everything_in_the_ledger(store, happen):
    away = Records("postgresql://smsgate@127.0.0.1:1/none")
    mover = LedgerArchiver(store, away)
    happen(1)

    with pytest.raises(RecordsUnavailable):
        mover.move()
    said = report_archive(mover).text
    away.close()

    assert store.ledger_reader.waiting().count == 1
    assert said.startswith("1 events wait, oldest ")
    assert "the records cannot be used" in said


def test_a_database_that_is_full_leaves_everything_in_the_ledger(
    store, happen, tmp_path, monkeypatch
):
    full = Records(f"sqlite:///{tmp_path / 'full.sqlite3'}")
    full.migrate()
    full.close()
    pragmas = (*database._PRAGMAS, "PRAGMA max_page_count = 40")
    mover = LedgerArchiver(store, full)
    happen(*range(200))

    with monkeypatch.context() as patched:
        patched.setattr(database, "_PRAGMAS", pragmas)
        with pytest.raises(RecordsUnavailable, match="full"):
            mover.move()
        full.close()
    assert store.ledger_reader.waiting().count == 200
    assert full.reader.count_events() == 0

    assert mover.move_all() == 200
    assert list(full.verifier.verify()) == []
    full.close()


def test_tables_of_another_version_leave_everything_in_the_ledger(archiver, happen, records):
    happen(1)
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE records_version SET version_num = '9999'")

    with pytest.raises(RecordsNotReady, match="9999"):
        archiver.move()
    assert "run that smsgate, or a newer one" in report_archive(archiver).text


def test_a_store_that_is_away_is_said(archiver, redis_client, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("the store cannot be used: away")

    monkeypatch.setattr(archiver.store.ledger_reader, "waiting", away)
    assert report_archive(archiver).text == "the store cannot be used: away"


def test_a_store_that_fell_back_is_left_alone_until_it_is_brought_up(
    archiver, happen, store, records, redis_client
):
    happen(1, 2)
    archiver.move()
    redis_client.set(PARTITION_KEYS[PARTITION].kept, 1)  # as a replica that had missed the last one
    happen(3)
    happen(4, number=OTHER)

    with pytest.raises(
        RecordsDiffer, match=f"partition {PARTITION}.*fell back; run `smsgate rebuild`"
    ):
        archiver.move()

    assert inbox_ids(records) == recorded(1, 2)
    assert inbox_ids(records, OTHER) == recorded(4)
    assert not report_archive(archiver).text.startswith("ok")


def test_what_a_release_before_recorded_and_did_not_trim_is_no_store_that_fell_back(
    archiver, happen, store, records
):
    """It moved 64 at once, and may have been killed between its commit and the trimming."""
    happen(*range(64))
    lines = store.ledger.unmoved(64)[PARTITION].lines
    records.writer.keep({PARTITION: [*lines.values()]})

    archiver.move_all()

    assert inbox_ids(records) == recorded(*range(64))
    assert not store.ledger_reader.waiting().count


def test_that_a_store_fell_back_is_told_once_and_not_for_each_partition(
    archiver, happen, redis_client
):
    of_partition = {
        partition_of(number): number for number in (f"+1415555{at:04}" for at in range(999))
    }
    for number in of_partition.values():
        happen(1, 2, number=number)
    archiver.move_all()
    redis_client.delete(*(keys.kept for keys in PARTITION_KEYS))
    assert report_archive(archiver).text == (
        "partitions 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15: "
        "the records have 32 events and the store knows of 0: "
        "it fell back; run `smsgate rebuild`"
    )
    for keys in PARTITION_KEYS[3:]:
        redis_client.set(keys.kept, 2)
    assert "partitions 0, 1, 2: the records have 6 events" in report_archive(archiver).text
    redis_client.set(PARTITION_KEYS[1].kept, 3)
    redis_client.set(PARTITION_KEYS[2].kept, 9)
    assert report_archive(archiver).text == (
        "partitions 1, 2: the records end at 4, and the store was told of 12: "
        "this is another database, or an older copy (go on: `smsgate records adopt`); "
        "partition 0: the records have 2 events and the store knows of 0: "
        "it fell back; run `smsgate rebuild`"
    )


def test_a_flushed_store_is_left_alone(archiver, happen, store, records, redis_client):
    happen(1, 2)
    archiver.move()
    redis_client.flushall()
    happen(3)

    with pytest.raises(RecordsDiffer, match="fell back"):
        archiver.move()


def test_another_store_is_left_alone(archiver, happen, store, records, redis_client):
    happen(1)
    archiver.move()
    redis_client.flushall()
    store.metadata.create(buckets=8)
    happen(2)

    with pytest.raises(RecordsDiffer, match="those of another one"):
        LedgerArchiver(store, records).move()


def test_a_database_that_has_less_than_was_kept_is_left_alone(
    archiver, happen, store, records, tmp_path
):
    happen(1, 2)
    archiver.move()
    older = Records(f"sqlite:///{tmp_path / 'older.sqlite3'}")
    older.migrate()
    happen(3)

    mover = LedgerArchiver(store, older)
    with pytest.raises(RecordsDiffer, match="the records end at 0, and the store was told of 2"):
        mover.move()
    older.close()


def test_a_mover_that_is_a_step_behind_another_one_raises_no_alarm(
    archiver, happen, store, records, monkeypatch
):
    """Between its look at the ledger and its question to the records another one moves."""
    happen(1)
    real = records.writer.seqs
    other = LedgerArchiver(store, records)

    def seqs():
        monkeypatch.setattr(records.writer, "seqs", real)
        happen(2)
        other.move_all()
        return real()

    monkeypatch.setattr(records.writer, "seqs", seqs)

    assert archiver.move() == 0
    assert inbox_ids(records) == recorded(1, 2)
    assert store.ledger.kept()[PARTITION] == 2


def test_what_fills_redis_is_moved_and_taken_out_although_it_is_full(
    archiver, happen, store, redis_client
):
    """Otherwise nothing would ever make room in it again."""
    happen(1, 2)
    redis_client.config_set("maxmemory", "100kb")
    try:
        assert archiver.move_all() == 2
        assert not store.ledger_reader.waiting().count
    finally:
        redis_client.config_set("maxmemory", "0")
    assert store.ledger.kept()[PARTITION] == 2


def test_what_waits_is_measured(happen, store, redis_client):
    assert store.ledger_reader.waiting() == LedgerBacklog(0, 0, 0.0)
    redis_client.xadd(PARTITION_KEYS[PARTITION].ledger, {"e": "{}"}, id="1-0")
    happen(1, 2)
    redis_client.config_set("maxmemory", "1gb")

    waiting = store.ledger_reader.waiting()

    assert waiting.count == 3
    assert waiting.oldest_us > 1_700_000_000_000_000
    assert 0 < waiting.memory < 0.5


def test_trimming_refuses_keys_of_another_kind_before_it_writes(store, happen, redis_client):
    happen(1)
    redis_client.hset(PARTITION_KEYS[PARTITION].kept, "a", "b")
    id_ = redis_client.xrange(PARTITION_KEYS[PARTITION].ledger)[0][0].decode()
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        store.ledger.trim({PARTITION: (1, [id_])})
    assert redis_client.xlen(PARTITION_KEYS[PARTITION].ledger) == 1


def test_what_the_store_was_told_never_goes_back(store):
    store.ledger.set_kept({PARTITION: 5})
    store.ledger.trim({PARTITION: (3, [])})
    assert store.ledger.kept()[PARTITION] == 5


def test_a_mover_whose_ledger_was_lost_does_not_tell_the_new_store_that_it_has_all(
    store, happen, redis_client
):
    """It read before a failover to a copy that lacks the newest event, and trims after it."""
    happen(1, 2)
    ids = [id_.decode() for id_, _ in redis_client.xrange(PARTITION_KEYS[PARTITION].ledger)]
    redis_client.xdel(PARTITION_KEYS[PARTITION].ledger, ids[-1])

    store.ledger.trim({PARTITION: (2, ids)})

    assert store.ledger.kept()[PARTITION] == 1


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ana:secret@db/sms?password=secret", "postgresql://ana:***@db/sms"),
        ("sqlite:////var/lib/smsgate/records.sqlite3",) * 2,
    ],
)
def test_a_database_is_named_without_its_secrets(url, place):
    assert Database(url).place == place
