"""The list of opt-outs, locks and consents: filters, totals, and pages without holes or repeats."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from smsgate.api_keys import Caller
from smsgate.consent.events import ConsentState
from smsgate.domain.errors import UnknownProgram
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import time_of
from smsgate.features.numbers import memberships
from smsgate.features.numbers.memberships import (
    MembershipQuery,
    count,
    keys_of,
    list_memberships,
    read_page,
)
from smsgate.interface.operation import Context
from smsgate.records import Records
from smsgate.settings.values import Programs
from tests.fakes.values import entry
from tests.records.values import START_MS, event, lines

START_US = START_MS * 1000
PROGRAMS = Programs(SimpleNamespace(name=name, formerly=()) for name in ("alerts", "orders"))
SETTINGS = SimpleNamespace(programs=PROGRAMS)
CONTEXT = Context(Caller("tests", "admin"))
OUT = ConsentState(everywhere=True)
ALERTS, ORDERS = frozenset({"alerts"}), frozenset({"orders"})


def number(at: int) -> str:
    return f"+1415555{at:04d}"


@pytest.fixture
def listed(records) -> Records:
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
    return records


def found(records, **wanted) -> list[str]:
    """What a page shows, such as ``6 consent alerts``; counts them as well."""
    asked = MembershipQuery(**wanted)
    with records.database.reading() as connection:
        keys = keys_of(asked, PROGRAMS)
        page = read_page(connection, keys, asked, 99)
        assert count(connection, keys, asked) == len(page)
    return [f"{one.number[-1]} {one.state} {one.scope}" for one in page]


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
    assert found(listed, scope="alerts") == [
        f"7 opted_out {ALL}",
        "6 consent alerts",
        "5 consent alerts",
        f"4 locked {ALL}",
        f"4 opted_out {ALL}",
        "3 opted_out alerts",
        f"1 opted_out {ALL}",
    ]
    assert f"2 opted_out {ALL}" in found(listed, scope="orders")
    everywhere = found(listed, scope=ALL)
    assert everywhere == [one for one in found(listed) if one.endswith(f" {ALL}")]


def test_state_source_days_and_last_digits_filter(listed):
    assert found(listed, state="locked") == [f"4 locked {ALL}"]
    assert found(listed, state="consent", scope="orders") == ["5 consent orders"]
    by_hand = [f"7 opted_out {ALL}", f"4 opted_out {ALL}"]
    assert found(listed, source="operator", state="opted_out") == by_hand
    third = {"since": time_of(START_US + 3_000), "until": time_of(START_US + 4_000)}
    assert found(listed, **third) == ["3 opted_out alerts"]
    assert found(listed, digits="0003") == found(listed, digits="5550003") == ["3 opted_out alerts"]
    assert found(listed, digits="9990003") == found(listed, digits="0009") == []


def test_a_program_that_nobody_has_is_named(listed):
    with pytest.raises(UnknownProgram, match="there are: all, alerts, orders"):
        list_memberships.run(CONTEXT, MembershipQuery(scope="never heard of"), SETTINGS, listed)


def test_an_external_source_filters(listed, records):
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
    assert found(listed, imported="Klaviyo") == ["3 opted_out alerts", f"1 opted_out {ALL}"]
    assert found(listed, imported="Brevo", state="opted_out") == []
    assert found(listed, imported="Klaviyo", digits="0021") == [f"1 opted_out {ALL}"]
    assert found(listed, imported="Klaviyo", source="text") == []
    assert found(listed, imported="Klav") == found(listed, imported="\0") == []


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("program", ["", "alerts"])
def test_pages_have_neither_holes_nor_repeats(listed, size, program):
    for at in range(10, 15):  # of one moment, in several states
        state = ConsentState(everywhere=True, opted_out=ALERTS, consents=ORDERS | ALERTS)
        listed.writer.keep({at: lines(event(8, number(at), consent_state=state))})
    seen, after = [], ""
    while after is not None:
        asked = MembershipQuery(scope=program, limit=size, after=after)
        page = list_memberships.run(CONTEXT, asked, SETTINGS, listed)
        seen += [f"{one.number[-1]} {one.state} {one.scope}" for one in page.items]
        after = page.next
    assert seen == found(listed, scope=program)


def test_it_counts_no_further_than_it_may(listed, monkeypatch):
    monkeypatch.setattr(memberships, "COUNTED", 3)
    with listed.database.reading() as connection:
        for state, counted in (("opted_out", None), ("locked", 1)):
            asked = MembershipQuery(state=state)
            assert count(connection, keys_of(asked, PROGRAMS), asked) == counted
