"""The evidence file: its cover, its events in words, and its proof."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from smsgate.consent.events import ListGroup
from smsgate.domain.errors import Suppressed, Unfit
from smsgate.domain.messages import Decision, Intent
from smsgate.event_text import ERASED, details, sentence
from smsgate.features.evidence.operations import (
    EvidenceReader,
    EvidenceRequest,
    evidence,
    page,
)
from smsgate.records import Records
from smsgate.store.keys import partition_of
from smsgate.store.refusals import RefusedHour
from tests.fakes import manual
from tests.fakes.own_services import make_part
from tests.fakes.values import NUMBER, OTHER, entry
from tests.records.values import STOPPED, event, lines, reply_event

TITLES = {"alerts": "Acme Alerts", "news": "Acme News"}
NOVEMBER_24 = datetime(2025, 11, 24, tzinfo=UTC)
DAY_US = 24 * 3600 * 1_000_000
HOUR_US = 3600 * 1_000_000
MADE_US = 1_764_100_000_000_000


GUESSED = Decision(
    Intent.OPT_OUT,
    rule="model",
    keyword="",
    language="en",
    score=3.9,
    confidence=0.981,
    version="0dbcf8ea5237",
    note="@remove +2.1, of your +0.6",
)
"""A decision of the model, with its internals."""
INTERNALS = ("98.1", "0dbcf8ea5237", "+2.1")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Records with a STOP, its confirmation, a list of two numbers, and another's texts."""
    records = Records(f"sqlite:///{tmp_path_factory.mktemp('evidence') / 'records.sqlite3'}")
    with contextlib.closing(records):
        records.migrate()
        listed = msgspec.structs.replace(
            event(9, number="", kind="import", consent_state=None),
            entry=entry(
                Intent.OPT_OUT, "", text="", source="import", actor="ana", numbers=(NUMBER, OTHER)
            ),
            listed=(ListGroup((NUMBER, OTHER), "repeat", consent_state=STOPPED),),
        )
        found = [
            event(1, text="Please stop <b>now</b>", before="allowed", after="blocked"),
            event(2, number=OTHER, text="the other's secret"),
            reply_event(3),
            listed,
            event(11, entry=entry(Intent.OPT_OUT, text="take me off", decision=GUESSED)),
        ]
        records.writer.keep({partition_of(NUMBER): lines(*found)})
        yield records


def of(records, **asked):
    said = {"alerts": "must not be texted: opted out of everything"}
    return evidence(records, EvidenceRequest(NUMBER, **asked), said, MADE_US, TITLES)


def test_the_cover_says_who_asked_for_what(kept):
    found = of(
        kept,
        company="Acme & Sons",
        requested_by="Case 12-34",
        since=NOVEMBER_24,
        until=NOVEMBER_24 + timedelta(1),
    )
    html = page(found)
    for said in (
        "<dt>Company</dt><dd>Acme &amp; Sons</dd>",
        "<dt>Requested by</dt><dd>Case 12-34</dd>",
        f"<dt>Phone number</dt><dd>{NUMBER}</dd>",
        "from 2025-11-24 00:00:00.000 UTC until 2025-11-25 00:00:00.000 UTC",
        "2025-11-25 19:46:40.000 UTC, by smsgate",
        "Acme Alerts (alerts)</td><td>must not be texted: opted out of everything",
        "I am employed by Acme &amp; Sons as",
        "902(11) and 902(13)",
        "under penalty of perjury",
    ):
        assert said in html, said


def test_each_event_is_in_words_with_our_number_and_message_ids(kept):
    stop, reply, listed, guessed = of(kept)["events"]
    assert stop["sentences"] == [
        "The subscriber texted +14155550999 by SMS (message id SM1): “Please stop <b>now</b>”.",
        "Reason for the decision: exact keyword.",
        "Before: may be texted. From then on: may not be texted.",
    ]
    assert stop["title"] == "Opted out for Acme Alerts (alerts); applied"
    assert (stop["our_number"], stop["message_id"]) == ("+14155550999", "SM1")
    assert stop["times"]["Received"] == "2025-11-24 16:00:00.001 UTC"
    assert reply["title"] == "Opt-out confirmation for Acme Alerts (alerts): sent"
    assert reply["sentences"][0] == (
        "Opt-out confirmation from +14155550999 to the number: “You are unsubscribed.”"
    )
    assert reply["message_id"] == "SMreply"
    assert listed["sentences"][0] == "ana imported a list that has this number."
    assert guessed["sentences"][1] == (
        "Reason for the decision: recognized by the language model (English)."
    )
    html = page(of(kept))
    assert "<b>now" not in html
    assert "Please stop &lt;b&gt;now" in html


def test_rules_and_hashes_stand_in_the_technical_details_alone(kept):
    found = of(kept)
    main, begun, appendix = page(found).partition("Appendix: technical details")
    assert begun
    hashes = [one["proof"]["content"] for one in found["events"]]
    for internal in (*INTERNALS, *hashes):
        assert internal not in main, internal
        assert internal in appendix, internal


def test_nothing_of_other_subscribers_is_in_it(kept):
    found = of(kept)
    told = page(found)
    assert OTHER not in told
    assert "secret" not in told
    assert len(found["events"]) == 4
    assert list(found["chains"]) == [str(partition_of(NUMBER))]


def test_the_hash_of_each_event_follows_from_what_stands_beside_it(kept):
    for one in of(kept)["events"]:
        proof = one["proof"]
        place = f"{proof['partition']} {proof['seq']} {proof['event']}".encode()
        before = bytes.fromhex(proof["previous"]) + bytes.fromhex(proof["content"])
        assert sha256(before + place).hexdigest() == proof["hash"]


def test_events_outside_the_period_are_left_out_and_counted(kept):
    found = of(kept, until=NOVEMBER_24)
    assert found["events"] == []
    assert found["left_out"] == 4
    html = page(found)
    assert "Nothing is recorded of this number in this period." in html
    assert "Appendix" not in html
    assert "4 outside the period are left out" in html
    assert len(of(kept, since=NOVEMBER_24)["events"]) == 4


def test_a_program_that_is_gone_keeps_its_name():
    gone = msgspec.structs.replace(event(1), program="old", scope="all")
    assert sentence(gone) == "Opted out for all programs; applied"
    assert sentence(msgspec.structs.replace(gone, scope="")) == "Opted out for old; applied"


def test_what_was_erased_is_said_to_be():
    silent = event(1, entry=entry(Intent.OPT_OUT, text=""))
    assert ERASED in details(silent, erased=True)[0]
    assert ERASED not in details(silent)[0]


@pytest.mark.parametrize(
    ("source", "actor", "said"),
    [
        ("operator", "ana", "ana entered this."),
        ("api", "key 7", "key 7 sent this through the API."),
        ("link", "subscriber", "The subscriber used the opt-out link that they were sent."),
        ("provider", "provider", "The provider of the account twilio reported this (id SM1)."),
    ],
)
def test_each_source_is_named(source, actor, said):
    given = entry(
        Intent.OPT_OUT,
        text="",
        message_id="SM1",
        source=source,
        actor=actor,
        decision=Decision(Intent.OPT_OUT, rule=source, note="a.csv"),
    )
    found = details(event(1, entry=given))
    assert found[0] == said
    assert "Note: a.csv." in found


def test_sends_that_were_refused_after_the_opt_out_are_told(kept):
    hours = [
        RefusedHour(MADE_US // HOUR_US * HOUR_US, "news", "opted_out_all", 3),
        RefusedHour((MADE_US - 9 * DAY_US) // HOUR_US * HOUR_US, "news", "hold", 4),
    ]
    since = {"since": NOVEMBER_24}
    found = evidence(kept, EvidenceRequest(NUMBER, **since), {}, MADE_US, TITLES, hours)
    row = "<td>2025-11-25 19:00:00.000 UTC</td><td>Acme News (news)</td><td>3</td>"
    assert [one.count for one in found["refused_sends"]] == [3]
    assert row in page(found)
    assert "None is counted in this period" in page(of(kept, **since))


def test_evidence_has_the_refused_sends_that_the_gate_counted(services):
    services.records.migrate()
    manual.opt_out(services, NUMBER, "all", "ana", "by phone")
    with pytest.raises(Suppressed):
        services.gate.require([NUMBER], program="alerts")
    (told,) = make_part(services, EvidenceReader).collect(EvidenceRequest(NUMBER))["refused_sends"]
    assert (told.program, told.reason, told.count) == ("alerts", "hold", 1)


def test_a_period_that_ends_before_it_begins_is_refused(kept):
    with pytest.raises(Unfit, match="Swap the times"):
        of(kept, since=NOVEMBER_24, until=NOVEMBER_24)
