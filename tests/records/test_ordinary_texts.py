"""Ordinary texts in the records: moved from the sample log once, found by number, and removed."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.messages import Intent
from smsgate.pipeline import text_archive
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.pipeline.forgetting import Forgetting
from smsgate.pipeline.text_archive import TextArchiver
from smsgate.settings import Retention
from smsgate.settings.rules import span_us
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.values import NUMBER, OTHER, entry

PARTITION = partition_of(NUMBER)


def note(store, *texts: str, number: str = NUMBER) -> None:
    """Write ordinary texts into the sample log, as a webhook does."""
    for text in texts:
        store.sample_log.note(entry(Intent.NONE, number, text=text))
    store.sample_log.flush()


def kept(records, number: str = NUMBER, before_us: int = 0, limit: int = 99) -> list[str]:
    found = records.ordinary_texts.of_number(number, before_us, limit)
    return [one.entry.text for one in found]


@pytest.fixture
def archiver(store, records) -> TextArchiver:
    return TextArchiver(store, records)


@pytest.fixture(autouse=True)
def closed(store):
    yield
    store.sample_log.close()


def test_each_text_is_moved_once_and_found_newest_first(store, records, archiver):
    note(store, "one", "two")
    note(store, "elsewhere", number=OTHER)
    assert archiver.move() == 3
    note(store, "three")
    assert archiver.move() == 1
    assert archiver.move() == 0
    assert kept(records) == ["three", "two", "one"]
    assert kept(records, OTHER) == ["elsewhere"]
    newest = records.ordinary_texts.of_number(NUMBER, 0, 1)[0]
    assert kept(records, before_us=newest.at_us) == ["two", "one"]
    assert newest.at_us == store.sample_log.of_number(NUMBER, 0, 1)[0][0]


def test_batches_go_on_where_the_last_one_ended(store, records, archiver, monkeypatch):
    monkeypatch.setattr(text_archive, "BATCH", 2)
    note(store, "1", "2", "3", "4", "5")
    assert [archiver.move() for _ in range(4)] == [2, 2, 1, 0]
    assert kept(records) == ["5", "4", "3", "2", "1"]


def test_two_that_move_at_once_keep_each_text_once(store, records, archiver):
    note(store, *map(str, range(40)))
    threads = [threading.Thread(target=TextArchiver(store, records).move) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(kept(records), key=int) == [str(one) for one in range(40)]


def forgetting(store, records, **spans: str) -> Forgetting:
    retention = Retention(**{f"{key}_us": span_us(text) for key, text in spans.items()})
    return Forgetting(LedgerArchiver(store, records), retention)


def test_a_number_that_is_forgotten_loses_its_texts_in_both_places(store, records, archiver):
    note(store, "one", "two")
    note(store, "elsewhere", number=OTHER)
    archiver.move()
    note(store, "three")
    done = forgetting(store, records, conversations="90 days").forget(NUMBER, "ana", "asked")
    assert done.ordinary_texts == 3
    assert archiver.move() == 0
    assert kept(records) == []
    assert kept(records, OTHER) == ["elsewhere"]


def test_texts_go_when_their_time_is_over_or_they_are_kept_no_more(
    store, records, archiver, redis_client
):
    key = PARTITION_KEYS[PARTITION].sample_log
    now_ms = store.health.now_us() // 1000
    note(store, "made for its content")
    ((_, fields),) = redis_client.xrange(key)
    redis_client.delete(key)
    for days in (100, 2):
        redis_client.xadd(key, fields, id=f"{now_ms - days * 86_400_000}-0")
    archiver.move()
    assert [*forgetting(store, records, conversations="90 days").apply_retention()] == [1]
    assert len(kept(records)) == 1
    assert [*forgetting(store, records).apply_retention()] == [1]
    assert kept(records) == []
    assert records.ordinary_texts.cursors()[PARTITION] == ""


def test_where_nothing_is_there_nothing_is_moved(archiver, records):
    assert archiver.move() == 0
    assert records.ordinary_texts.cursors()[PARTITION] == ""
