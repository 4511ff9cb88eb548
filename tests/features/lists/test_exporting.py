"""How numbers stand, since when and by whose word."""

from __future__ import annotations

import pytest

from smsgate.domain.errors import RecordsNotReady
from smsgate.domain.messages import ALL, Arrival, Consent
from smsgate.features.lists.export import Exporting, Wanted
from smsgate.features.lists.number_import import Listing
from smsgate.features.lists.service import build_importing
from smsgate.store.keys import PARTITIONS
from tests.fakes.own_gateway import ALERTS, ORDERS, make_gateway
from tests.fakes.values import NUMBER, OTHER, entry
from tests.features.lists.test_importing import CLUB, SINCE_US

LISTED, LOCKED = "+14155550177", "+14155550178"


@pytest.fixture
def bare(tmp_path, redis_url):
    made = make_gateway(tmp_path, redis_url, ALERTS + ORDERS + CLUB)
    yield made
    made.close()


@pytest.fixture
def gateway(bare):
    bare.records.migrate()
    return bare


def apply(gateway):
    for partition in range(PARTITIONS):
        gateway.apply(partition)


def exported(gateway, scope="alerts", **wanted):
    found = Exporting(gateway.records, gateway.recording).numbers(Wanted(scope, **wanted))
    return {one.number: (one.state, one.since_us, one.source) for one in found}


def test_everybody_who_stands_somehow_is_exported_with_since_and_source(gateway):
    build_importing(gateway).enter([LISTED], Listing("alerts", "opted_out"), [SINCE_US])
    gateway.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM1"))])
    gateway.lock(LOCKED, "ana", "court")
    consent = Consent(words="Yes", medium="web", given_us=SINCE_US)
    gateway.record_consent(OTHER, "club", consent, "api", "key")
    apply(gateway)
    stopped_us = gateway.history(NUMBER)[0].event_time_us

    found = exported(gateway)
    assert found.pop(LOCKED)[0::2] == ("locked", "operator")
    assert found == {
        LISTED: ("opted_out", SINCE_US, "import"),
        NUMBER: ("opted_out", stopped_us, "text"),
    }
    assert exported(gateway, "club")[OTHER] == ("subscribed", SINCE_US, "api")
    assert exported(gateway, ALL).keys() == {LISTED, NUMBER, LOCKED}
    assert exported(gateway, "club", states=frozenset({"subscribed"})).keys() == {OTHER}
    assert exported(gateway, sources=frozenset({"text"})).keys() == {NUMBER}
    assert exported(gateway, since_us=SINCE_US + 1).keys() == {NUMBER, LOCKED}


def test_since_is_when_it_began_to_hold_whatever_came_after(gateway):
    """A repeat is newer, and so is what another program's texts did."""
    build_importing(gateway).enter([NUMBER], Listing("club", "opted_out"), [SINCE_US])
    club = {"program": "club", "scope": "club"}
    gateway.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM1", **club))])
    orders = {"program": "orders", "scope": "orders"}
    gateway.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM2", **orders))])
    apply(gateway)
    assert exported(gateway, "club") == {NUMBER: ("opted_out", SINCE_US, "import")}
    assert exported(gateway, "orders")[NUMBER][2] == "text"


def test_who_came_back_is_not_in_the_list(gateway):
    gateway.override("suppress", NUMBER, ALL, "ana", "")
    gateway.override("restore", NUMBER, ALL, "ana", "")
    apply(gateway)
    assert exported(gateway) == exported(gateway, ALL) == {}


def test_without_records_there_is_no_list(bare):
    with pytest.raises(RecordsNotReady):
        exported(bare)
