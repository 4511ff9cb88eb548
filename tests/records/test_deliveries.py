"""Deliveries, and how far a feed was read: the same on every database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.metrics.snapshot import DeliveryCounts
from smsgate.records.deliveries import Delivery, Destination

ALERTS = Destination("alerts", "change")


def test_before_the_first_record_there_is_nothing_to_deliver(bare_records):
    if bare_records.database.absent:
        assert bare_records.deliveries.page(failed=False) == ([], 0)
        assert bare_records.reader.suppressed("all", "", 5) == []


def delivery(id_: str, number: str, seq: int, kind="change", **more) -> Delivery:
    return Delivery(id_, "alerts", kind, number, 0, seq, "{}", made_us=seq, **more)


def due(storage, now_us: int = 100, where: Destination = ALERTS) -> list[str]:
    return [one.id for one in storage.due(where, now_us, 9)]


@pytest.fixture
def storage(records):
    records.deliveries.acquire(ALERTS, "one", now_us=10, until_us=20, start=3)
    return records.deliveries


def test_a_list_goes_behind_what_is_older_and_before_what_is_newer_in_its_partition(storage):
    new = [delivery("a", "+1", 4), delivery("list", "", 5), delivery("b", "+2", 6)]
    elsewhere = replace(delivery("c", "+3", 7), partition=1)
    storage.advance(ALERTS, 3, 6, [*new, elsewhere])
    for ready in (["a", "c"], ["list", "c"], ["b", "c"]):
        assert due(storage) == ready
        storage.settle(ready[:1], [])


def test_one_sender_has_a_destination_until_its_lease_ends(storage):
    assert not storage.acquire(ALERTS, "two", now_us=19, until_us=30, start=0)
    assert storage.acquire(Destination("alerts", "text"), "two", 19, 30, 0)
    assert storage.acquire(ALERTS, "two", now_us=20, until_us=30, start=0)
    assert storage.position(ALERTS) == 3
    assert storage.position(Destination("other", "change")) is None


def test_of_a_number_only_the_oldest_is_due(storage):
    new = [delivery("a", "+1", 4), delivery("b", "+1", 5), delivery("c", "+2", 6)]
    new.append(delivery("text", "+1", 7, "text"))
    assert storage.advance(ALERTS, 3, 6, new)
    assert not storage.advance(ALERTS, 3, 7, [delivery("d", "+3", 7)])  # another was faster
    assert due(storage) == ["a", "c"]
    assert due(storage, where=Destination("alerts", "text")) == ["text"]
    assert storage.counts(ALERTS).pending == 3
    assert storage.counts() == DeliveryCounts(pending=4, failed=0, oldest_us=4)

    first = storage.due(ALERTS, 100, 1)[0]
    storage.settle([], [later(first, failed=False)])
    assert due(storage) == ["c"]
    storage.settle([], [later(first, failed=True)])
    assert due(storage) == ["b", "c"]  # what failed holds back nothing
    assert storage.retry(["a", "b"], 90) == {"a"}
    assert storage.retry(["a"], 90) == set()
    assert due(storage) == ["c", "a"]
    storage.settle(["a"], [])
    assert {*due(storage)} == {"b", "c"}


def later(one: Delivery, *, failed: bool) -> Delivery:
    return replace(one, due_us=500, tries=one.tries + 1, failed=failed, note="answered 500")


def test_after_a_day_texts_fail_and_changes_that_were_attempted(storage):
    new = [delivery("text", "+1", 4, "text"), delivery("new", "+2", 5)]
    new.append(delivery("tried", "+3", 6, tries=1, note="answered 500"))
    storage.advance(ALERTS, 3, 6, new)
    assert storage.fail_old(7) == 2
    assert [one.id for one in storage.page(failed=False)[0]] == ["new"]
    assert {one.id: one.note for one in storage.page(failed=True)[0]} == {
        "text": "not attempted within a day",
        "tried": "answered 500",
    }


def test_what_is_forgotten_are_texts(storage):
    storage.advance(ALERTS, 3, 6, [delivery("a", "+1", 4, "text"), delivery("b", "+1", 5)])
    assert storage.forget("+1") == 1
    assert [one.id for one in storage.page(failed=False)[0]] == ["b"]


def test_a_program_with_a_new_name_goes_on_where_it_was(storage):
    storage.advance(ALERTS, 3, 6, [delivery("a", "+1", 4)])
    news = Destination("news", "change")
    storage.take_over(news, ["older", "alerts"])
    assert storage.position(news) == 6
    assert storage.position(ALERTS) is None
    assert due(storage, where=news) == ["a"]
    storage.acquire(ALERTS, "one", 10, 20, 0)  # a process of the older configuration
    storage.take_over(news, ["older", "alerts"])
    assert storage.position(news) == 6
