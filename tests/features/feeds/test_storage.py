"""The calls of feeds: the same on every database."""

from __future__ import annotations

from smsgate.features.feeds.storage import FeedCall, FeedPosition, FeedStorage


def test_before_the_first_record_there_is_nothing_to_follow(bare_records):
    if bare_records.absent:
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
