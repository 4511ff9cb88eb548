"""Following the records, the sets of scopes, keys and feeds: the same on every database."""

from __future__ import annotations

import threading

import pytest

from smsgate.consent.events import Standing
from smsgate.domain.errors import CursorRefused
from smsgate.records.feeds import FeedCall, FeedPlace
from smsgate.records.keys import KeyRow
from tests.records.values import event, lines


def followed(records, place, limit):
    found, more = [], True
    while more:
        page = records.following.after(place, limit)
        assert len(page.events) <= limit
        found += page.events
        place, more = page.place, page.more
    return found, place


def test_nothing_is_skipped_while_several_movers_write(records):
    """A reader goes on from place to place while four writers fill the partitions."""
    written = {partition: [event(partition * 100 + n) for n in range(20)] for partition in range(4)}

    def write(partition: int) -> None:
        for one in written[partition]:
            while not records.keeping.keep({partition: lines(one)}).done:
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
    assert records.following.newest() == place
    with pytest.raises(CursorRefused):
        records.following.after({**place, 9: 1}, 5)


def test_a_short_page_gives_every_partition_its_turn(records):
    records.keeping.keep(
        {partition: lines(*(event(partition * 10 + n) for n in range(3))) for partition in (0, 7)}
    )
    place, partitions = {}, []
    for _ in range(4):
        page = records.following.after(place, 1)
        place = page.place
        partitions += [one.partition for one in page.events]
    assert {*partitions} == {0, 7}


def test_before_the_first_record_there_is_nothing_to_follow(bare_records):
    if bare_records.absent:
        assert bare_records.following.after({}, 5).events == []
        assert bare_records.following.newest() == {}
        assert bare_records.keys.all(1) == []
        assert bare_records.feeds.calls(dead=False) == []
        assert bare_records.suppressed.page("all", "", 5).numbers == []


def test_a_set_has_its_own_numbers_and_no_others(records):
    stands = {
        "+14155550101": Standing(everywhere=True),
        "+14155550102": Standing(own=frozenset({"alerts"})),
        "+14155550103": Standing(own=frozenset({"alerts2", "x_alerts"})),
        "+14155550104": Standing(everywhere=True, own=frozenset({"alerts"}), locked=True),
    }
    some = [
        event(n, number=number, standing=standing)
        for n, (number, standing) in enumerate(stands.items())
    ]
    records.keeping.keep({0: lines(*some)})

    def of(scope: str, **more) -> list[str]:
        page = records.suppressed.page(scope, more.get("after", ""), more.get("limit", 9))
        return [one.number[-1] for one in page.numbers]

    assert of("all") == ["1", "4"]
    assert of("alerts") == ["2", "4"]
    assert of("all", after="+14155550101") == ["4"]
    assert records.suppressed.page("all", "", 1).next == "+14155550101"


def row(name: str, digest: bytes, made_us: int = 10) -> KeyRow:
    return KeyRow(digest.hex()[:8], name, "check", digest * 32, made_us, "tests")


def test_a_key_opens_from_when_it_is_made_until_it_ends(records):
    keys = records.keys
    assert keys.add(row("crm", b"1")) == []
    assert [one.name for one in keys.add(row("crm", b"2"))] == ["crm"]  # not kept: the name is used
    assert len(keys.all(20)) == 1
    assert len(keys.add(row("crm", b"3", 20), ends_us=50)) == 1
    assert [one.digest[:1] for one in keys.all(49)] == [b"3", b"1"]
    assert [one.digest[:1] for one in keys.all(50)] == [b"3"]
    assert len(keys.end("crm", 60)) == 1
    assert keys.all(60) == []
    assert keys.end("crm", 70) == []


def call(id_: str, number: str, seq: int, **more) -> FeedCall:
    return FeedCall(id_, "alerts", number, 0, seq, "{}", made_us=1, **more)


def at(changes: int, lists: int | None = None) -> FeedPlace:
    return FeedPlace({0: changes}, {0: changes if lists is None else lists})


def test_a_feed_may_be_further_with_changes_than_with_lists(records):
    feeds = records.feeds
    feeds.lead("alerts", "one", now_us=10, until_us=20, start={0: 3})
    assert feeds.advance("alerts", at(3), at(9, lists=3), [])
    assert feeds.place("alerts") == at(9, lists=3)
    assert not feeds.advance("alerts", at(9), at(10), [])
    assert feeds.advance("alerts", at(9, lists=3), at(9), [])
    assert feeds.place("alerts") == at(9)


def test_of_a_number_only_the_oldest_call_is_due(records):
    feeds = records.feeds
    assert feeds.lead("alerts", "one", now_us=10, until_us=20, start={0: 3})
    assert not feeds.lead("alerts", "two", now_us=19, until_us=30, start={})
    assert feeds.lead("alerts", "two", now_us=20, until_us=30, start={})
    assert feeds.place("alerts") == at(3)
    assert feeds.place("other") is None

    new = [call("a", "+1", 4), call("b", "+1", 5), call("c", "+2", 6)]
    assert feeds.advance("alerts", at(3), at(6), new)
    assert not feeds.advance("alerts", at(3), at(7), [call("d", "+3", 7)])  # another was faster
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["a", "c"]
    assert feeds.waiting("alerts") == 3

    first = feeds.due("alerts", 100, 1)[0]
    feeds.failed(first, 500, "answered 500", dead=False)
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["c"]
    feeds.failed(first, 500, "answered 500", dead=True)
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["b", "c"]
    assert feeds.retry("a", 90)
    assert not feeds.retry("a", 90)
    assert [one.id for one in feeds.due("alerts", 100, 9)] == ["c", "a"]
    feeds.taken("a")
    assert {one.id for one in feeds.due("alerts", 100, 9)} == {"b", "c"}
