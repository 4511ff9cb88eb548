"""Reading events behind a position, and the calls of feeds: the same on every database."""

from __future__ import annotations

import threading

import pytest

from smsgate.domain.errors import CursorRefused
from smsgate.features.feeds.storage import EventReader, FeedCall, FeedPosition, FeedStorage
from tests.records.values import event, lines


def followed(records, place, limit):
    found, more = [], True
    while more:
        page = EventReader(records.database).after(place, limit)
        assert len(page.events) <= limit
        found += page.events
        place, more = page.position, page.more
    return found, place


def test_nothing_is_skipped_while_several_movers_write(records):
    """A reader goes on from place to place while four writers fill the partitions."""
    written = {partition: [event(partition * 100 + n) for n in range(20)] for partition in range(4)}

    def write(partition: int) -> None:
        for one in written[partition]:
            while not records.writer.keep({partition: lines(one)}).done:
                pass

    threads = [threading.Thread(target=write, args=(partition,)) for partition in written]
    for thread in threads:
        thread.start()
    found, place = [], {}
    while any(thread.is_alive() for thread in threads):
        some, place = followed(records, place, 7)
        found += some
    some, place = followed(records, place, 7)
    found += some

    ids = [one.event.id for one in found]
    assert len(ids) == len(set(ids)) == 80
    for partition, events in written.items():
        assert [one.event.id for one in found if one.partition == partition] == [
            one.id for one in events
        ]
    assert EventReader(records.database).newest() == place
    with pytest.raises(CursorRefused):
        EventReader(records.database).after({**place, 9: 1}, 5)


def test_a_short_page_gives_every_partition_its_turn(records):
    records.writer.keep(
        {partition: lines(*(event(partition * 10 + n) for n in range(3))) for partition in (0, 7)}
    )
    place, partitions = {}, []
    for _ in range(4):
        page = EventReader(records.database).after(place, 1)
        place = page.position
        partitions += [one.partition for one in page.events]
    assert {*partitions} == {0, 7}


def test_before_the_first_record_there_is_nothing_to_follow(bare_records):
    if bare_records.absent:
        assert EventReader(bare_records.database).after({}, 5).events == []
        assert EventReader(bare_records.database).newest() == {}
        assert bare_records.keys.all(1) == []
        assert FeedStorage(bare_records.database).calls(dead=False) == []
        assert bare_records.suppression_sets.page("all", "", 5).numbers == []


def call(id_: str, number: str, seq: int, **more) -> FeedCall:
    return FeedCall(id_, "alerts", number, 0, seq, "{}", made_us=1, **more)


def at(changes: int, lists: int | None = None) -> FeedPosition:
    return FeedPosition({0: changes}, {0: changes if lists is None else lists})


def test_a_feed_may_be_further_with_changes_than_with_lists(records):
    feeds = FeedStorage(records.database)
    feeds.acquire("alerts", "one", now_us=10, until_us=20, start={0: 3})
    assert feeds.advance("alerts", at(3), at(9, lists=3), [])
    assert feeds.position("alerts") == at(9, lists=3)
    assert not feeds.advance("alerts", at(9), at(10), [])
    assert feeds.advance("alerts", at(9, lists=3), at(9), [])
    assert feeds.position("alerts") == at(9)


def test_of_a_number_only_the_oldest_call_is_due(records):
    feeds = FeedStorage(records.database)
    assert feeds.acquire("alerts", "one", now_us=10, until_us=20, start={0: 3})
    assert not feeds.acquire("alerts", "two", now_us=19, until_us=30, start={})
    assert feeds.acquire("alerts", "two", now_us=20, until_us=30, start={})
    assert feeds.position("alerts") == at(3)
    assert feeds.position("other") is None

    new = [call("a", "+1", 4), call("b", "+1", 5), call("c", "+2", 6)]
    assert feeds.advance("alerts", at(3), at(6), new)
    assert not feeds.advance("alerts", at(3), at(7), [call("d", "+3", 7)])  # another was faster
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["a", "c"]
    assert feeds.count_pending("alerts") == 3

    first = feeds.due("alerts", 100, 1)[0]
    feeds.note_failure(first, 500, "answered 500", dead=False)
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["c"]
    feeds.note_failure(first, 500, "answered 500", dead=True)
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["b", "c"]
    assert feeds.retry("a", 90)
    assert not feeds.retry("a", 90)
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["c", "a"]
    feeds.remove_delivered("a")
    assert {one.id for one in feeds.due("alerts", 100, 9)} == {"b", "c"}
