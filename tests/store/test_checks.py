"""Checks of many numbers see what looks at each of them see."""

from __future__ import annotations

import random

import pytest

from smsgate.consent.events import Mark, NumberState, Published, Standing
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.domain.messages import ALL, Arrival, Intent
from smsgate.store import checks
from smsgate.store.checks import CHUNK
from smsgate.store.commits import Effects
from smsgate.store.keys import partition_of
from smsgate.store.scripts import WINDOW
from tests.fakes.values import NUMBER, entry

BUCKETS = 8


def put(store, standings):
    """Give numbers standings, through commits of batches as a worker makes them."""
    for number, standing in standings.items():
        store.inbox.add([Arrival(entry(number=number, intent=Intent.HELP))])
        partition = partition_of(number)
        batch = store.inbox.read(partition, 100)
        effects = Effects(before={number: Standing()}, after={number: standing})
        assert store.commits.commit(partition, batch, effects, BUCKETS).done


def bits(sights):
    return list(sights.bits)


def test_every_way_to_stand_is_told_apart(store):
    ways = {
        checks.LOCKED: Standing(locked=True),
        checks.OWN: Standing(own=frozenset({"alerts"})),
        checks.EVERYWHERE: Standing(everywhere=True),
        checks.EVERYWHERE | checks.BACK: Standing(everywhere=True, back=frozenset({"alerts"})),
        checks.EVERYWHERE | checks.OWN: Standing(everywhere=True, own=frozenset({"alerts"})),
        0: Standing(own=frozenset({"service"}), consents=frozenset({"service"})),
    }
    numbers = [f"+141555500{place:02}" for place in range(len(ways))]
    put(store, dict(zip(numbers, ways.values(), strict=True)))

    assert bits(store.checks.numbers(numbers, "alerts")) == list(ways)


def test_consents_are_looked_at_where_the_program_requires_them(store):
    store.marker.publish({"club": Published(require_consent=True)})
    put(store, {NUMBER: Standing(consents=frozenset({"club", "alerts"}))})

    assert bits(store.checks.numbers([NUMBER], "club")) == [checks.CONSENT]
    assert bits(store.checks.numbers([NUMBER], "alerts")) == [0]


@pytest.mark.parametrize("others", [0, 50])
def test_holds_are_seen_in_a_small_hash_and_in_a_large_one(store, others):
    partition = partition_of(NUMBER)
    crowd = [f"+1212555{place:04}" for place in range(5000)]
    arrivals = [entry(number=one) for one in crowd if partition_of(one) == partition][:others]
    arrivals += [entry(), entry(number="+14155550124", scope="alerts"), entry(Intent.REVIEW)]
    store.inbox.add([Arrival(one) for one in arrivals])

    seen = store.checks.numbers([NUMBER, "+14155550124", "+14155550125"], "alerts")
    assert bits(seen) == [checks.HELD_ALL | checks.REVIEW, checks.HELD, 0]
    assert bits(store.checks.numbers(["+14155550124"], "service")) == [0]


def test_many_chunks_are_answered_in_the_order_asked_duplicates_too(store):
    numbers = [f"+1415555{place:04}" for place in range(2 * CHUNK * WINDOW)]
    out = random.Random(3).sample(numbers, 40)
    put(store, dict.fromkeys(out, Standing(everywhere=True)))
    asked = [*reversed(numbers), out[0], out[0]]

    seen = store.checks.numbers(asked, "alerts")

    expected = [checks.EVERYWHERE if number in set(out) else 0 for number in asked]
    assert bits(seen) == expected


def test_a_list_with_one_number_many_times_holds_redis_no_longer(store, monkeypatch):
    asked = [NUMBER] * (3 * CHUNK + 1) + ["+14155550199"]
    put(store, {NUMBER: Standing(everywhere=True)})
    sizes = []
    flow = store.checks._check.flow

    def noted(calls):
        return flow(sizes.append(len(args)) or (keys, args) for keys, args in calls)

    monkeypatch.setattr(store.checks._check, "flow", noted)
    seen = bits(store.checks.numbers(asked, "alerts"))

    assert seen == [checks.EVERYWHERE] * (3 * CHUNK + 1) + [0]
    assert max(sizes) < 2 * CHUNK + 10


def test_what_is_rare_is_found_among_thousands(store):
    numbers = [f"+1415555{place:04}" for place in range(CHUNK)]
    ways = {checks.LOCKED: Standing(locked=True), checks.OWN: Standing(own=frozenset({"alerts"}))}
    for (bits_of, way), number in zip(ways.items(), (numbers[7], numbers[-3]), strict=True):
        put(store, {number: way})
        seen = bits(store.checks.numbers(numbers, "alerts"))
        assert seen[numbers.index(number)] == bits_of
    assert sum(1 for one in seen if one) == 2


def test_what_is_remembered_of_a_blocked_number_comes_with_it(store):
    state = NumberState(marks={ALL: Mark(stops=True, event_time_us=1, account="a", id="1-0")})
    put(store, {NUMBER: Standing(everywhere=True, state=state)})

    seen = store.checks.numbers(["+14155550188", NUMBER], "alerts")

    assert seen.states == {1: state}


def test_an_unknown_program_is_an_error_even_where_nobody_is_asked_about(store):
    for asked in ([NUMBER], []):
        with pytest.raises(UnknownProgram):
            store.checks.numbers(asked, "nobody")


def test_a_store_without_a_marker_is_not_ready(bare_store):
    with pytest.raises(StoreNotReady):
        bare_store.checks.numbers([NUMBER], "alerts")


def test_a_marker_that_goes_away_is_noticed(store):
    store.checks.numbers([NUMBER], "alerts")
    for partition in range(16):
        store.looks._client.delete(f"smsgate:{{{partition}}}:marker")

    with pytest.raises(StoreNotReady):
        store.checks.numbers([NUMBER], "alerts")
