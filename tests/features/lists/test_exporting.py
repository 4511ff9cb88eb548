"""How numbers stand, since when and by whose word."""

from __future__ import annotations

import csv
import io

import pytest

from smsgate.api_keys import Caller
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import RecordsNotReady
from smsgate.domain.messages import ALL, Arrival
from smsgate.domain.signed_times import iso_time
from smsgate.features.lists.operations import ExportRequest, export
from smsgate.interface.operation import Context
from smsgate.store.keys import PARTITIONS
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.values import NUMBER, OTHER, entry
from tests.features.lists.test_importing import SINCE_US

SINCE = iso_time(SINCE_US, "seconds")
LISTED, LOCKED = "+14155550177", "+14155550178"


def apply(services):
    for partition in range(PARTITIONS):
        services.applier.drain(partition)


def exported(services, scope="alerts", state=""):
    context = Context(Caller("ana", "admin"))
    parts = (services.settings, services.archiver, services.records)
    chunks = export.run(context, ExportRequest(program=scope, state=state), *parts).chunks
    rows = csv.DictReader(io.StringIO(b"".join(chunks).decode()))
    return {one["number"]: (one["state"], one["since"], one["source"]) for one in rows}


def test_everybody_who_stands_somehow_is_exported_with_since_and_source(services):
    import_numbers(services, [LISTED], list_entry("alerts"), [SINCE_US])
    services.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM1"))])
    manual.lock(services, LOCKED, "ana", "court")
    consent = Consent(words="Yes", medium="web", given_us=SINCE_US)
    manual.record_consent(services, OTHER, "club", consent, "api", "key")
    apply(services)
    stopped_us = services.history.of_number(NUMBER)[0].event_time_us

    found = exported(services)
    assert found.pop(LOCKED)[0::2] == ("locked", "operator")
    assert found == {
        LISTED: ("opted_out", SINCE, "import"),
        NUMBER: ("opted_out", iso_time(stopped_us, "seconds"), "text"),
    }
    assert exported(services, "club")[OTHER] == ("subscribed", SINCE, "api")
    assert exported(services, ALL).keys() == {LISTED, NUMBER, LOCKED}
    assert exported(services, state="opted_out").keys() == {LISTED, NUMBER, LOCKED}
    assert exported(services, state="locked").keys() == {LOCKED}
    assert exported(services, "club", "subscribed").keys() == {OTHER}


def test_since_is_when_it_began_to_hold_whatever_came_after(services):
    """A repeat is newer, and so is what another program's texts did."""
    import_numbers(services, [NUMBER], list_entry("club"), [SINCE_US])
    club = {"program": "club", "scope": "club"}
    services.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM1", **club))])
    orders = {"program": "orders", "scope": "orders"}
    services.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM2", **orders))])
    apply(services)
    assert exported(services, "club") == {NUMBER: ("opted_out", SINCE, "import")}
    assert exported(services, "orders")[NUMBER][2] == "text"


def test_who_came_back_is_not_in_the_list(services):
    manual.opt_out(services, NUMBER, ALL, "ana", "")
    manual.restore(services, NUMBER, ALL, "ana", "")
    apply(services)
    assert exported(services) == exported(services, ALL) == {}


def test_without_records_there_is_no_list(bare):
    with pytest.raises(RecordsNotReady):
        exported(bare)
