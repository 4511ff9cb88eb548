"""Surveying the numbers of a list: what the looks see of each, in groups."""

from __future__ import annotations

import pytest

from smsgate.consent.events import Mark, NumberState, Standing, standing_row
from smsgate.domain.errors import StoreNotReady
from smsgate.domain.messages import ALL
from smsgate.store import surveys
from smsgate.store.keys import PARTITION_KEYS, partition_of

PROGRAMS = ["alerts", "club"]
NUMBERS = [one for one in (f"+1415555{at:04}" for at in range(400)) if partition_of(one) == 3]
NOW_US = 1_795_000_000_000_000


@pytest.fixture
def stands(store):
    """Numbers that stand in many ways; by number."""
    mark = Mark(stops=True, event_time_us=NOW_US, account="a", id="1-0")
    kinds = [
        Standing(),
        Standing(everywhere=True),
        Standing(everywhere=True, back=frozenset({"club"}), consents=frozenset({"club"})),
        Standing(own=frozenset({"alerts"}), locked=True),
        Standing(own=frozenset({"club"}), state=NumberState(marks={ALL: mark})),
    ]
    found = {number: kinds[at % len(kinds)] for at, number in enumerate(NUMBERS)}
    id_ = store.marker.store_id()
    store.restoring.shut("a rebuild")
    rows = [standing_row(*one) for one in found.items()]
    store.restoring.load("a rebuild", 3, rows, 8, NOW_US)
    assert store.restoring.open("a rebuild", id_, 8, {})
    return found


def test_groups_and_looks_agree(store, stands, monkeypatch):
    monkeypatch.setattr(surveys, "CHUNK", 40)
    survey = store.surveys.of_partition(3, NUMBERS, PROGRAMS)
    seen = {number: one for one, some in survey.alike for number in some} | survey.remembered
    assert seen == stands == store.looks.standings(3, NUMBERS, PROGRAMS)[1]
    assert len(survey.alike) == 4
    assert {*survey.remembered} == {one for one in NUMBERS if stands[one].state.marks}


def test_digits_say_in_which_sets_numbers_of_any_partition_are(store, stands):
    asked = ["+33612345678", *reversed(NUMBERS[:5])]
    bits = store.surveys.bits(asked, "club", consents=True)
    assert bits == [b"00000", b"00100", b"01000", b"10011", b"10000", b"00000"]
    assert store.surveys.bits(asked[2:4], "") == [b"01", b"10"]
    assert store.surveys.bits([], "club") == []


def test_without_a_marker_nothing_is_said(store, redis_client):
    redis_client.delete(PARTITION_KEYS[3].marker)
    with pytest.raises(StoreNotReady):
        store.surveys.of_partition(3, NUMBERS[:1], PROGRAMS)
    with pytest.raises(StoreNotReady):
        store.surveys.bits(NUMBERS[:1], "club")
