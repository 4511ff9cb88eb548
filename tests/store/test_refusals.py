from __future__ import annotations

from smsgate.store.refusals import Refusal
from smsgate.store.shared_keys import shared_key
from smsgate.store.store import Store


def test_the_list_is_capped_and_the_counts_are_not(store: Store) -> None:
    for program in ("alerts", "a:b"):
        for _ in range(11):
            store.refusals.add([Refusal(f"+1415{n:07}", program, "opted_out") for n in range(600)])
    assert len(store.refusals.newest(100_000)) < 11_000
    assert store.refusals.newest(1)[0].number == "+1415•••0599"
    counted = {(one.program, one.reason): one.count for one in store.refusals.counts(1)}
    assert counted == {("alerts", "opted_out"): 6_600, ("a:b", "opted_out"): 6_600}


def test_days_without_a_refusal_have_no_counts(store: Store) -> None:
    store.refusals.add([])
    assert store.refusals.counts(30) == []
    store.refusals.add([Refusal("+14155550123", "alerts", "hold", "twilio")])
    [today] = store.refusals.counts(30)
    assert (today.program, today.reason, today.count) == ("alerts", "hold", 1)
    assert store.refusals.newest(5)[0].at_ms > 0


def test_sends_after_an_opt_out_are_counted_for_the_number_by_the_hour(
    store: Store, redis_client
) -> None:
    written = ("+14155550123", "+1 (415) 555-0123", "+1 415 555 0124")
    for reason in ("opted_out", "review", "no_consent"):
        store.refusals.add([Refusal(one, "a:b", reason) for one in written])
    store.refusals.add([Refusal("1", "a:b", "invalid")])
    found = store.refusals.after_opt_out("+14155550123")
    assert {(one.program, one.reason) for one in found} == {("a:b", "opted_out")}
    assert sum(one.count for one in found) == 2  # on both sides of a full hour, perhaps
    now_us = store.health.now_us()
    assert all(now_us - 2 * 3600 * 10**6 < one.from_us <= now_us for one in found)
    assert store.refusals.after_opt_out("+14155550199") == []
    assert redis_client.ttl(shared_key("refused", "+14155550123")) > 399 * 24 * 3600


def test_a_number_is_nowhere_in_what_is_listed(store: Store, redis_client) -> None:
    store.refusals.add(
        [Refusal("+14155550123", "alerts", "opted_out"), Refusal("911", "alerts", "invalid")]
    )
    rows = redis_client.xrange("smsgate:refusals")
    assert len(rows) == 2
    assert b"5550" not in str(rows).encode()
    assert [one.number for one in store.refusals.newest()] == ["91•••", "+1415•••0123"]
