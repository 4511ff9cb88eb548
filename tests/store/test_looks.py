"""Looks: everything of a number at one moment, or an error that says why not."""

from __future__ import annotations

import pytest

from smsgate.consent.events import Mark, NumberState, Standing
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.domain.messages import ALL, Arrival, Intent
from smsgate.store.commits import Effects
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from tests.fakes.values import NUMBER, entry

BUCKETS = 8


def suppress(store, number, standing):
    store.inbox.add([Arrival(entry(number=number))])
    partition = partition_of(number)
    batch = store.inbox.read(partition, 100)
    effects = Effects(before={number: Standing()}, after={number: standing})
    assert store.commits.commit(partition, batch, effects, BUCKETS).done


def test_what_was_committed_is_seen(store):
    state = NumberState(marks={ALL: Mark(stops=True, event_time_us=1, account="a", id="1-0")})
    standing = Standing(
        everywhere=True, own=frozenset({"service"}), back=frozenset({"alerts"}), state=state
    )
    suppress(store, NUMBER, standing)

    _, found = store.looks.standings(partition_of(NUMBER), [NUMBER], ["alerts", "service"])
    assert found == {NUMBER: standing}
    _, (alerts,) = store.looks.numbers([NUMBER], "alerts")
    _, (service,) = store.looks.numbers([NUMBER], "service")
    assert not alerts.standing.blocked("alerts")
    assert service.standing.blocked("service")


def test_many_numbers_over_all_partitions_are_answered_in_the_order_asked(store):
    numbers = [f"+1415555{place:04}" for place in range(2000)]
    assert {partition_of(number) for number in numbers} == set(range(PARTITIONS))
    out = set(numbers[::97])
    for number in out:
        suppress(store, number, Standing(everywhere=True))

    asked = [*reversed(numbers), numbers[97]]
    _, looks = store.looks.numbers(asked, "alerts")

    assert [look.standing.everywhere for look in looks] == [number in out for number in asked]


def test_holds_of_the_program_and_of_all_are_seen_and_those_of_another_are_not(store):
    store.inbox.add([Arrival(entry(scope="service"))])
    _, (alerts,) = store.looks.numbers([NUMBER], "alerts")
    _, (service,) = store.looks.numbers([NUMBER], "service")
    assert (alerts.held, service.held) == ("", "service")

    store.inbox.add([Arrival(entry())])
    _, (alerts,) = store.looks.numbers([NUMBER], "alerts")
    assert alerts.held == ALL


def test_a_review_hold_is_seen_by_its_program(store):
    store.inbox.add([Arrival(entry(Intent.REVIEW))])

    _, (alerts,) = store.looks.numbers([NUMBER], "alerts")
    _, (service,) = store.looks.numbers([NUMBER], "service")
    assert (alerts.review, service.review) == (True, False)


def test_an_unknown_program_is_an_error(store):
    with pytest.raises(UnknownProgram, match="nobody"):
        store.looks.numbers([NUMBER], "nobody")
    with pytest.raises(UnknownProgram, match="nobody"):
        store.looks.numbers([], "nobody")


def test_a_store_without_marker_cannot_be_trusted(bare_store):
    with pytest.raises(StoreNotReady, match="no marker"):
        bare_store.looks.numbers([NUMBER], "alerts")


def test_a_flush_is_noticed_by_a_gate_that_knew_the_store(store, redis_client):
    store.looks.numbers([NUMBER], "alerts")
    redis_client.flushall()

    with pytest.raises(StoreNotReady):
        store.looks.numbers([NUMBER], "alerts")


@pytest.mark.parametrize(("field", "value"), [("ready", "0"), ("layout", "99"), ("buckets", "16")])
def test_one_partition_that_is_not_as_it_should_be_is_refused(store, redis_client, field, value):
    store.looks.numbers([NUMBER], "alerts")
    redis_client.hset(PARTITION_KEYS[partition_of(NUMBER)].marker, field, value)

    with pytest.raises(StoreNotReady):
        store.looks.numbers([NUMBER], "alerts")


def test_a_store_rebuilt_with_another_bucket_count_is_answered_at_the_second_try(
    store, redis_client
):
    store.looks.numbers([NUMBER], "alerts")
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.marker, "buckets", 16)
    with pytest.raises(StoreNotReady, match="ask again"):
        store.looks.numbers([NUMBER], "alerts")

    store.looks.numbers([NUMBER], "alerts")


def test_looking_writes_nothing_even_when_redis_is_full(store, redis_client):
    redis_client.config_set("maxmemory", "1")
    try:
        store.looks.numbers([NUMBER], "alerts")
    finally:
        redis_client.config_set("maxmemory", "0")
