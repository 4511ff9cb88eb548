"""The list of opt-outs, locks and consents: filters, totals, and pages without holes or repeats."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import text

from smsgate.consent.events import ConsentState
from smsgate.domain.messages import ALL
from smsgate.features.numbers import membership_list
from smsgate.features.numbers.membership_list import (
    MembershipCount,
    MembershipFilter,
    MembershipList,
    MembershipPlace,
    held_in_store,
)
from smsgate.records.projections import MembershipKey
from tests.fakes.values import entry
from tests.records.values import START_MS, event, lines

START_US = START_MS * 1000
OUT = ConsentState(everywhere=True)
ALERTS, ORDERS = frozenset({"alerts"}), frozenset({"orders"})


def number(at: int) -> str:
    return f"+1415555{at:04d}"


@pytest.fixture
def listed(records) -> MembershipList:
    """Seven numbers in all states, two of them by an operator."""
    by_hand = {"source": "operator", "actor": "ana", "message_id": ""}
    states = [
        (1, OUT, {}),
        (2, ConsentState(everywhere=True, exceptions=ALERTS), {}),
        (3, ConsentState(opted_out=ALERTS), {}),
        (4, ConsentState(everywhere=True, locked=True), by_hand),
        (5, ConsentState(consents=ALERTS | ORDERS), by_hand),
        (6, ConsentState(opted_out=ORDERS, consents=ALERTS), {}),
        (7, OUT, by_hand),
    ]
    for at, state, more in states:
        made = entry(number=number(at), **more)
        records.writer.keep({at: lines(event(at, number(at), consent_state=state, entry=made))})
    return MembershipList(records.database)


def found(listed, behind=None, limit=99, **wanted) -> list[str]:
    """What a page shows, such as ``6 consent alerts``; counts them as well."""
    asked = MembershipFilter(**wanted)
    page = listed.page(asked, behind, limit)
    if behind is None and limit == 99:
        assert listed.count(asked) == MembershipCount(len(page), is_complete=True)
    return [f"{one.place.number[-1]} {' '.join(one.place.key)}" for one in page]


def test_a_row_for_each_opt_out_lock_and_consent_newest_first(listed):
    assert found(listed) == [
        f"7 opted_out {ALL}",
        "6 consent alerts",
        "6 opted_out orders",
        "5 consent alerts",
        "5 consent orders",
        f"4 locked {ALL}",
        f"4 opted_out {ALL}",
        "3 opted_out alerts",
        f"2 opted_out {ALL}",
        f"1 opted_out {ALL}",
    ]


def test_a_program_has_what_holds_for_it_and_not_who_came_back(listed):
    assert found(listed, program="alerts") == [
        f"7 opted_out {ALL}",
        "6 consent alerts",
        "5 consent alerts",
        f"4 locked {ALL}",
        f"4 opted_out {ALL}",
        "3 opted_out alerts",
        f"1 opted_out {ALL}",
    ]
    assert f"2 opted_out {ALL}" in found(listed, program="orders")
    everywhere = found(listed, program=ALL)
    assert everywhere == [one for one in found(listed) if one.endswith(f" {ALL}")]


def test_state_source_days_and_last_digits_filter(listed):
    assert found(listed, state="locked") == [f"4 locked {ALL}"]
    assert found(listed, state="consent", program="orders") == ["5 consent orders"]
    by_hand = [f"7 opted_out {ALL}", f"4 opted_out {ALL}"]
    assert found(listed, source="operator", state="opted_out") == by_hand
    third = {"since_us": START_US + 3_000, "until_us": START_US + 4_000}
    assert found(listed, **third) == ["3 opted_out alerts"]
    assert found(listed, digits="0003") == found(listed, digits="5550003") == ["3 opted_out alerts"]
    assert found(listed, digits="9990003") == found(listed, digits="0009") == []
    assert found(listed, program="never heard of", state="consent") == []


def test_an_external_source_filters_and_each_is_named(listed, records):
    states = [
        (21, "Klaviyo", OUT),
        (22, "Brevo", ConsentState(consents=ALERTS)),
        (23, "Klaviyo", ConsentState(opted_out=ALERTS)),
        (24, "klaviyo", OUT),
    ]
    for at, name, state in states:
        made = entry(number=number(at), source="import", message_id="", external_source=name)
        records.writer.keep(
            {at % 16: lines(event(at, number(at), consent_state=state, entry=made))}
        )
    assert listed.external_sources(99) == ["Brevo", "Klaviyo", "klaviyo"]
    assert listed.external_sources(2) == ["Brevo", "Klaviyo"]
    assert found(listed, external_source="Klaviyo") == ["3 opted_out alerts", f"1 opted_out {ALL}"]
    assert found(listed, external_source="Brevo", state="opted_out") == []
    assert found(listed, external_source="Klaviyo", source="import", digits="0021") == [
        f"1 opted_out {ALL}"
    ]
    assert found(listed, external_source="Klaviyo", source="text") == []
    assert found(listed, external_source="Klav") == found(listed, external_source="\0") == []
    page = listed.page(MembershipFilter(program="alerts", external_source="Klaviyo"), None, 1)
    assert [one.external_source for one in page] == ["Klaviyo"]


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("program", ["", "alerts"])
def test_pages_have_neither_holes_nor_repeats(listed, records, size, program):
    for at in range(10, 15):  # of one moment, in several states
        state = ConsentState(everywhere=True, opted_out=ALERTS, consents=ORDERS | ALERTS)
        records.writer.keep({at: lines(event(8, number(at), consent_state=state))})
    wanted = MembershipFilter(program=program)
    whole = [one.place for one in listed.page(wanted, None, 99)]
    seen: list[MembershipPlace] = []
    while page := listed.page(wanted, seen[-1] if seen else None, size):
        seen += [one.place for one in page]
    assert seen == whole
    assert len({*seen}) == len(seen) == listed.count(wanted).count


def test_it_counts_no_further_than_it_may(listed, monkeypatch):
    monkeypatch.setattr(membership_list, "COUNTED", 3)
    counted = listed.count(MembershipFilter(state="opted_out"))
    assert (counted.count, counted.is_complete) == (5, False)


def test_each_row_names_the_event_that_made_it(listed):
    rows = listed.page(MembershipFilter(), None, 99)
    origins = listed.origins(rows)
    assert {one.place.number for one in rows} == {one.number for one in origins.values()}
    assert origins[rows[0].place].entry.actor == "ana"
    assert listed.origins([]) == {}


def test_the_store_says_what_holds(listed, store):
    rows = listed.page(MembershipFilter(program="alerts"), None, 99)
    assert {*held_in_store(store, rows).values()} == {False}
    assert held_in_store(store, []) == {}
    place = MembershipPlace(1, number(1), MembershipKey("opted_out", "no such program"))
    (row,) = [row for row in rows if row.place.number == number(1)]
    other = type(row)(place, row.source, row.partition, row.seq)
    assert held_in_store(store, [other]) == {place: False}


def test_pages_and_counts_are_read_by_an_index(listed, records):
    if records.database.file is None:
        return
    plans = {
        "memberships_since": "state = 'opted_out' AND scope = 'all' ORDER BY since_us DESC",
        "memberships_tail": "tail = '0001' AND state = 'opted_out' AND scope = 'all' "
        "ORDER BY since_us DESC",
    }
    with records.database.reading() as connection:
        for index, where in plans.items():
            asked = text(f"EXPLAIN QUERY PLAN SELECT * FROM memberships WHERE {where}, number DESC")
            plan = "; ".join(str(row[-1]) for row in connection.execute(asked))
            assert index in plan
            assert "TEMP B-TREE" not in plan


def test_without_records_there_is_nothing(bare_records):
    if not bare_records.absent:
        bare_records.migrate()
    listed = MembershipList(bare_records.database)
    assert listed.page(MembershipFilter(), None, 5) == []
    assert listed.count(MembershipFilter()) == MembershipCount(0, is_complete=True)


def test_the_order_of_keys_is_that_of_pages(listed):
    places = [one.place for one in listed.page(MembershipFilter(), None, 99)]
    for newer, older in itertools.pairwise(places):
        same = (newer.since_us, newer.number) == (older.since_us, older.number)
        assert newer.key < older.key if same else newer[:2] > older[:2]
