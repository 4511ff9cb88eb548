"""The reader of how numbers stand: everything of a number at one moment, or why it cannot be
told."""

from __future__ import annotations

import random

import pytest

from smsgate.consent.events import ConsentState, Mark, NumberState, PublishedProgram
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.domain.messages import ALL, Arrival, Intent
from smsgate.store import numbers as reading
from smsgate.store.connection import WINDOW
from smsgate.store.gate_check import (
    CHECK_CHUNK,
    CONSENT,
    EVERYWHERE,
    EXCEPTION,
    HELD,
    HELD_ALL,
    LOCKED,
    OPTED_OUT,
    REVIEW,
)
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.numbers import Effects
from tests.fakes.values import NUMBER, entry

BUCKETS = 8
PROGRAMS = ["alerts", "club"]
NUMBERS = [one for one in (f"+1415555{at:04}" for at in range(400)) if partition_of(one) == 3]
NOW_US = 1_795_000_000_000_000


def put(store, consent_states):
    """Give numbers consent states, through commits of batches as a worker makes them."""
    for number, consent_state in consent_states.items():
        store.inbox.add([Arrival(entry(number=number, intent=Intent.HELP))])
        partition = partition_of(number)
        batch = store.inbox.read(partition, 100)
        effects = Effects(before={number: ConsentState()}, after={number: consent_state})
        assert store.commits.commit(partition, batch, effects, BUCKETS).done


def bits(snapshot):
    return list(snapshot.bits)


def test_every_way_to_stand_is_told_apart(store):
    ways = {
        LOCKED: ConsentState(locked=True),
        OPTED_OUT: ConsentState(opted_out=frozenset({"alerts"})),
        EVERYWHERE: ConsentState(everywhere=True),
        EVERYWHERE | EXCEPTION: ConsentState(everywhere=True, exceptions=frozenset({"alerts"})),
        EVERYWHERE | OPTED_OUT: ConsentState(everywhere=True, opted_out=frozenset({"alerts"})),
        0: ConsentState(opted_out=frozenset({"service"}), consents=frozenset({"service"})),
    }
    numbers = [f"+141555500{place:02}" for place in range(len(ways))]
    put(store, dict(zip(numbers, ways.values(), strict=True)))

    assert bits(store.numbers.check(numbers, "alerts")) == list(ways)


def test_consents_are_looked_at_where_the_program_requires_them(store):
    store.programs.publish({"club": PublishedProgram(require_consent=True)})
    put(store, {NUMBER: ConsentState(consents=frozenset({"club", "alerts"}))})

    assert bits(store.numbers.check([NUMBER], "club")) == [CONSENT]
    assert bits(store.numbers.check([NUMBER], "alerts")) == [0]


@pytest.mark.parametrize("others", [0, 50])
def test_holds_are_seen_in_a_small_hash_and_in_a_large_one(store, others):
    partition = partition_of(NUMBER)
    crowd = [f"+1212555{place:04}" for place in range(5000)]
    arrivals = [entry(number=one) for one in crowd if partition_of(one) == partition][:others]
    arrivals += [entry(), entry(number="+14155550124", scope="alerts"), entry(Intent.REVIEW)]
    store.inbox.add([Arrival(one) for one in arrivals])

    seen = store.numbers.check([NUMBER, "+14155550124", "+14155550125"], "alerts")
    assert bits(seen) == [HELD_ALL | REVIEW, HELD, 0]
    assert bits(store.numbers.check(["+14155550124"], "service")) == [0]


def test_many_chunks_are_answered_in_the_order_asked_duplicates_too(store):
    numbers = [f"+1415555{place:04}" for place in range(2 * CHECK_CHUNK * WINDOW)]
    out = random.Random(3).sample(numbers, 40)
    put(store, dict.fromkeys(out, ConsentState(everywhere=True)))
    asked = [*reversed(numbers), out[0], out[0]]

    seen = store.numbers.check(asked, "alerts")

    expected = [EVERYWHERE if number in set(out) else 0 for number in asked]
    assert bits(seen) == expected
    found = store.numbers.consent_states_of(asked[-2000:], ["alerts"])
    everywhere = [number in set(out) for number in asked[-2000:]]
    assert [found[number].everywhere for number in asked[-2000:]] == everywhere


def test_a_list_with_one_number_many_times_holds_redis_no_longer(store, monkeypatch):
    asked = [NUMBER] * (3 * CHECK_CHUNK + 1) + ["+14155550199"]
    put(store, {NUMBER: ConsentState(everywhere=True)})
    sizes = []
    many = store.numbers._check.many

    def noted(calls):
        return many(sizes.append(len(args)) or (keys, args) for keys, args in calls)

    monkeypatch.setattr(store.numbers._check, "many", noted)
    seen = bits(store.numbers.check(asked, "alerts"))

    assert seen == [EVERYWHERE] * (3 * CHECK_CHUNK + 1) + [0]
    assert max(sizes) < 2 * CHECK_CHUNK + 10


def test_what_is_remembered_of_a_blocked_number_comes_with_it(store):
    state = NumberState(marks={ALL: Mark(stops=True, event_time_us=1, account="a", id="1-0")})
    put(store, {NUMBER: ConsentState(everywhere=True, state=state)})

    seen = store.numbers.check(["+14155550188", NUMBER], "alerts")

    assert seen.states == {1: state}


def test_holds_of_the_program_and_of_all_are_seen_and_those_of_another_are_not(store):
    store.inbox.add([Arrival(entry(scope="service"))])
    alerts = store.numbers.before_send(NUMBER, "alerts")
    service = store.numbers.before_send(NUMBER, "service")
    assert (alerts.is_held, service.is_held) == (False, True)
    assert bits(store.numbers.check([NUMBER], "alerts")) == [0]
    assert bits(store.numbers.check([NUMBER], "service")) == [HELD]

    store.inbox.add([Arrival(entry())])
    assert store.numbers.before_send(NUMBER, "alerts").is_held
    assert bits(store.numbers.check([NUMBER], "alerts")) == [HELD_ALL]


def test_a_review_hold_is_seen_by_every_program_that_its_opt_out_would_cover(store):
    store.programs.publish({"club": PublishedProgram(scope="program")})
    store.inbox.add([Arrival(entry(Intent.REVIEW, program="club"))])
    assert bits(store.numbers.check([NUMBER], "club")) == [REVIEW]
    assert bits(store.numbers.check([NUMBER], "alerts")) == [0]

    store.inbox.add([Arrival(entry(Intent.REVIEW))])
    for program in ("alerts", "service", "club"):
        assert bits(store.numbers.check([NUMBER, NUMBERS[0]], program)) == [REVIEW, 0]


def test_an_unknown_program_is_an_error(store):
    with pytest.raises(UnknownProgram, match="nobody"):
        store.numbers.before_send(NUMBER, "nobody")
    with pytest.raises(UnknownProgram, match="nobody"):
        store.numbers.check([], "nobody")


def test_a_flush_is_noticed_by_a_gate_that_knew_the_store(store, redis_client):
    store.numbers.before_send(NUMBER, "alerts")
    store.numbers.check([NUMBER], "alerts")
    redis_client.flushall()

    with pytest.raises(StoreNotReady, match="no metadata"):
        store.numbers.check([NUMBER], "alerts")
    with pytest.raises(StoreNotReady):
        store.numbers.before_send(NUMBER, "alerts")


@pytest.mark.parametrize(("field", "value"), [("ready", "0"), ("layout", "99"), ("buckets", "16")])
def test_one_partition_that_is_not_as_it_should_be_is_refused(store, redis_client, field, value):
    store.numbers.before_send(NUMBER, "alerts")
    redis_client.hset(PARTITION_KEYS[partition_of(NUMBER)].metadata, field, value)

    with pytest.raises(StoreNotReady):
        store.numbers.before_send(NUMBER, "alerts")


def test_a_store_rebuilt_with_another_bucket_count_is_answered_at_the_second_try(
    store, redis_client
):
    store.numbers.before_send(NUMBER, "alerts")
    for keys in PARTITION_KEYS:
        redis_client.hset(keys.metadata, "buckets", 16)
    with pytest.raises(StoreNotReady, match="ask again"):
        store.numbers.before_send(NUMBER, "alerts")

    store.numbers.before_send(NUMBER, "alerts")


def test_looking_writes_nothing_even_when_redis_is_full(store, redis_client):
    redis_client.config_set("maxmemory", "1")
    try:
        store.numbers.before_send(NUMBER, "alerts")
    finally:
        redis_client.config_set("maxmemory", "0")


@pytest.fixture
def stands(store):
    """Numbers that stand in many ways; by number."""
    mark = Mark(stops=True, event_time_us=NOW_US, account="a", id="1-0")
    kinds = [
        ConsentState(),
        ConsentState(everywhere=True),
        ConsentState(everywhere=True, exceptions=frozenset({"club"}), consents=frozenset({"club"})),
        ConsentState(opted_out=frozenset({"alerts"}), locked=True),
        ConsentState(opted_out=frozenset({"club"}), state=NumberState(marks={ALL: mark})),
    ]
    store.programs.publish({"club": PublishedProgram()})
    found = {number: kinds[at % len(kinds)] for at, number in enumerate(NUMBERS)}
    id_ = store.metadata.store_id()
    store.rebuild.shut("a rebuild")
    store.rebuild.load("a rebuild", 3, found.items(), 8, NOW_US)
    assert store.rebuild.open("a rebuild", id_, 8, {})
    return found


def test_groups_and_single_numbers_agree(store, stands, monkeypatch):
    monkeypatch.setattr(reading, "STATES_CHUNK", 40)
    found = store.numbers.consent_states(3, NUMBERS, PROGRAMS)
    seen = {number: one for one, some in found.alike for number in some} | found.remembered
    assert found.by_number() == seen
    assert seen == stands == store.numbers.consent_states_of(NUMBERS, PROGRAMS)
    assert len(found.alike) == 4
    for number in NUMBERS[:5]:
        sent_to = store.numbers.before_send(number, "club").consent_state
        assert sent_to.blocked("club") == stands[number].blocked("club")
        assert sent_to.state == stands[number].state
    assert {*found.remembered} == {one for one in NUMBERS if stands[one].state.marks}
