"""Their own opt-out is lifted by themselves, a newer consent, or evidence that an admin names."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from smsgate.domain.errors import (
    Forbidden,
    InvalidNumber,
    RecordsUnavailable,
    RestoreRefused,
    StoreNotReady,
    Unfit,
    UnknownProgram,
)
from smsgate.domain.messages import ALL, Arrival, Consent, Intent
from smsgate.features.evidence import service
from smsgate.features.lists.number_import import Listing
from smsgate.features.lists.service import build_importing
from smsgate.features.numbers.state import state_of
from smsgate.features.records_admin.rebuild import build_rebuilding
from smsgate.features.reviews.service import ReviewService
from smsgate.pipeline.restores import RestoreRequest
from smsgate.records.whole_stories import WholeStories
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes.own_gateway import ALERTS, ORDERS, make_gateway
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, OTHER

PARTITION = partition_of(NUMBER)
CLUB = """
[programs.club]
name     = "Acme Club"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en"]
scope    = "program"
require_consent = true
"""
MISTAKE = RestoreRequest(NUMBER, ALL, "ana", "typed a wrong number")
DAY_US = 24 * 3600 * 1_000_000


@pytest.fixture
def gateway(tmp_path, redis_url):
    made = make_gateway(tmp_path, redis_url, ALERTS + ORDERS + CLUB)
    made.records.migrate()
    yield made
    made.close()


def reason(gateway, program="alerts"):
    return gateway.gate.check([NUMBER], program=program)[0].reason


def consent(gateway, after_us=0, **more):
    """A restore by a consent that is given so long after this moment."""
    given = Consent("Yes, again", "paper", "form 7", gateway.store.health.now_us() + after_us)
    return replace(MISTAKE, basis="consent", consent=given, **more)


def restored(gateway, request=MISTAKE):
    gateway.restore(request)
    work(gateway)
    return gateway.history(NUMBER)[-1]


def by_text(gateway):
    told(gateway, Intent.OPT_OUT, "STOP")


def by_link(gateway):
    told(gateway, Intent.OPT_OUT, source="link", account="", message_id="")


def by_the_provider(gateway):
    told(gateway, Intent.OPT_OUT, source="provider", actor="provider")


def by_a_text_that_a_person_decided(gateway):
    told(gateway, Intent.REVIEW, "enough??")
    ReviewService(gateway).decide("opt_out", NUMBER, "alerts", "bob")
    work(gateway)


def by_hand(gateway):
    gateway.override("suppress", NUMBER, ALL, "ana", "asked by phone")
    work(gateway)


def by_a_list(gateway):
    build_importing(gateway).enter([NUMBER], Listing("alerts", "opted_out"))


def by_a_lock(gateway):
    gateway.lock(NUMBER, "ana", "a letter")
    gateway.lock(NUMBER, "ana", "of somebody else", locked=False)
    work(gateway)


OWN = [by_text, by_link, by_the_provider, by_a_text_that_a_person_decided, by_a_list]
OURS = [by_hand, by_a_lock]


@pytest.mark.parametrize("opt_out", OWN)
@pytest.mark.parametrize("recorded", [False, True])
def test_their_own_opt_out_is_no_mistake_of_ours(gateway, redis_client, opt_out, recorded):
    opt_out(gateway)
    if recorded:  # and forgotten by the store, as after 48 hours
        gateway.recording.move_all()
        redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    for scope in (ALL, "alerts"):
        with pytest.raises(RestoreRefused, match=r"no mistake of ours.*`consent`.*`evidence`"):
            gateway.restore(replace(MISTAKE, scope=scope))
    with pytest.raises(Forbidden, match="admin"):
        gateway.restore(replace(MISTAKE, basis="evidence", evidence="a call"))
    assert gateway.store.inbox.busy() == []
    assert reason(gateway) == "opted_out_all"


def test_it_is_said_whose_opt_out_it_is(gateway):
    by_link(gateway)
    with pytest.raises(RestoreRefused, match=r"opted out itself \(by an opt-out link, 20"):
        gateway.restore(MISTAKE)
    told(gateway, Intent.OPT_IN)
    by_a_list(gateway)
    with pytest.raises(RestoreRefused, match=r"as an imported list says, 20.*undo its import"):
        gateway.restore(replace(MISTAKE, scope="alerts"))
    told(gateway, Intent.OPT_IN)
    by_a_text_that_a_person_decided(gateway)
    with pytest.raises(RestoreRefused, match=r"opted out itself \(by a text that bob decided, 20"):
        gateway.restore(replace(MISTAKE, scope="alerts"))


@pytest.mark.parametrize("opt_out", OURS)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_we_entered_may_be_our_mistake(gateway, redis_client, opt_out, recorded):
    opt_out(gateway)
    first = gateway.history(NUMBER)[0].id
    if recorded:
        gateway.recording.move_all()
        redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    event = restored(gateway)
    assert (event.kind, event.outcome, reason(gateway)) == ("restored", "applied", "")
    allowed = event.entry.restore
    assert (allowed.basis, allowed.opt_out) == ("mistake", first)
    assert (event.entry.actor, event.entry.decision.note) == ("ana", "typed a wrong number")


@pytest.mark.parametrize("opt_out", OWN + OURS)
def test_a_newer_consent_lifts_any(gateway, opt_out):
    opt_out(gateway)
    with pytest.raises(RestoreRefused, match="older than the opt-out"):
        gateway.restore(consent(gateway, -DAY_US))
    assert reason(gateway) == "opted_out_all"
    event = restored(gateway, consent(gateway))
    assert (event.kind, event.outcome, reason(gateway)) == ("restored", "applied", "")
    assert (event.entry.restore.basis, event.entry.consent.words) == ("consent", "Yes, again")


@pytest.mark.parametrize("opt_out", OWN)
def test_an_admin_lifts_any_by_naming_the_evidence(gateway, opt_out):
    opt_out(gateway)
    named = replace(MISTAKE, basis="evidence", evidence="call 4711", is_admin=True)
    event = restored(gateway, named)
    assert (event.outcome, reason(gateway)) == ("applied", "")
    assert (event.entry.restore.basis, event.entry.restore.evidence) == ("evidence", "call 4711")


def test_where_only_the_day_of_the_consent_is_known_a_day_must_lie_between(gateway):
    told(gateway, Intent.OPT_OUT)
    begun = gateway.history(NUMBER)[0].event_time_us
    midnight = begun - begun % DAY_US
    with pytest.raises(RestoreRefused, match=r"on that same day.*give the time"):
        gateway.restore(consent(gateway, earliest_given_us=midnight))
    event = restored(gateway, consent(gateway, DAY_US, earliest_given_us=midnight + DAY_US))
    assert event.outcome == "applied"


def given_at(at_us):
    agreed = Consent("Yes, again", "paper", "form 7", at_us)
    return replace(MISTAKE, basis="consent", consent=agreed)


def test_an_opt_out_wins_a_tie_where_its_time_has_whole_seconds(gateway):
    now_us = gateway.store.health.now_us()
    second = now_us - now_us % 1_000_000 - 60_000_000
    told(gateway, Intent.OPT_OUT, "STOP", sent_us=second)
    for at_us in (second, second + 999_999):
        with pytest.raises(RestoreRefused, match=r"older|at the latest"):
            gateway.restore(given_at(at_us))
    assert restored(gateway, given_at(second + 1_000_000)).outcome == "applied"


def test_where_a_list_has_days_only_a_consent_of_that_day_is_not_newer(gateway):
    now_us = gateway.store.health.now_us()
    day = now_us - now_us % DAY_US - 9 * DAY_US
    build_importing(gateway).enter([NUMBER], Listing("alerts", "opted_out"), [day])
    with pytest.raises(
        RestoreRefused, match=r"as far as that is known.*23:59:59 UTC at the latest"
    ):
        gateway.restore(given_at(day + DAY_US // 2))
    assert reason(gateway) == "opted_out_all"
    assert restored(gateway, given_at(day + DAY_US)).outcome == "applied"


def test_a_stop_after_an_opt_out_by_hand_makes_it_theirs(gateway):
    by_hand(gateway)
    by_text(gateway)
    gateway.recording.move_all()
    assert [event.outcome for event in gateway.history(NUMBER)] == ["applied", "repeat"]
    with pytest.raises(RestoreRefused, match="opted out itself"):
        gateway.restore(MISTAKE)


def test_an_opt_out_by_hand_after_their_stop_leaves_it_theirs(gateway):
    by_text(gateway)
    by_hand(gateway)
    with pytest.raises(RestoreRefused, match="opted out itself"):
        gateway.restore(MISTAKE)


def test_after_they_came_back_an_opt_out_by_hand_is_ours_again(gateway):
    by_text(gateway)
    told(gateway, Intent.OPT_IN)
    by_hand(gateway)
    assert reason(gateway) == "opted_out_all"
    event = restored(gateway, replace(MISTAKE, scope="alerts"))
    assert (event.outcome, reason(gateway)) == ("applied", "")
    with pytest.raises(RestoreRefused, match="opted out itself"):  # from the other programs
        gateway.restore(MISTAKE)
    assert reason(gateway, "orders") == "opted_out_all"


def test_an_opt_out_of_another_program_does_not_count(gateway):
    told(gateway, Intent.OPT_OUT, scope="club", program="club")
    by_hand(gateway)
    event = restored(gateway)
    assert (event.outcome, reason(gateway), reason(gateway, "club")) == (
        "applied",
        "",
        "opted_out",
    )
    with pytest.raises(RestoreRefused):
        gateway.restore(replace(MISTAKE, scope="club"))


def test_a_stop_between_asking_and_applying_holds(gateway):
    by_hand(gateway)
    for request in (
        MISTAKE,
        consent(gateway, DAY_US),
        replace(MISTAKE, basis="evidence", evidence="a call", is_admin=True),
    ):
        entry = gateway.restores().entry(request)
        by_text(gateway)
        gateway.store.inbox.add([Arrival(entry)])
        work(gateway)
        event = gateway.history(NUMBER)[-1]
        assert (event.kind, event.outcome, reason(gateway)) == (
            "restored",
            "refused",
            "opted_out_all",
        )
        assert "newer" in event.note


def test_what_waits_to_be_applied_counts(gateway):
    gateway.override("suppress", NUMBER, ALL, "ana", "asked by phone")
    told(gateway, Intent.OPT_OUT, "STOP", applied=False)
    with pytest.raises(RestoreRefused, match="opted out itself"):
        gateway.restore(MISTAKE)


def test_a_text_that_waited_when_we_opted_them_out_must_be_looked_at(gateway):
    told(gateway, Intent.REVIEW, "enough??")
    by_hand(gateway)
    with pytest.raises(RestoreRefused, match="may have been an opt-out waited"):
        gateway.restore(MISTAKE)
    assert restored(gateway, consent(gateway)).outcome == "applied"


def test_an_opt_out_of_which_nothing_is_on_record_counts_as_theirs(gateway, redis_client):
    keys = PARTITION_KEYS[PARTITION]
    redis_client.sadd(keys.suppressed(ALL, NUMBER, 8), int(NUMBER))
    assert reason(gateway) == "opted_out_all"
    event = restored(gateway)
    assert (event.outcome, reason(gateway)) == ("refused", "opted_out_all")
    assert "subscriber's own" in event.note


def test_an_opt_out_whose_event_retention_removed_counts_as_theirs(gateway, monkeypatch):
    by_text(gateway)
    by_hand(gateway)
    gateway.recording.move_all()
    whole = WholeStories.of
    monkeypatch.setattr(
        WholeStories, "of", lambda self, numbers: (story[1:] for story in whole(self, numbers))
    )
    with pytest.raises(RestoreRefused, match="nobody knows any more who"):
        gateway.restore(MISTAKE)


def test_a_consent_must_be_newer_than_an_opt_out_of_which_little_is_on_record(
    gateway, redis_client, monkeypatch
):
    by_text(gateway)
    by_a_lock(gateway)
    gateway.recording.move_all()
    redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    whole = WholeStories.of

    def without(first):
        return lambda self, numbers: (story[first:] for story in whole(self, numbers))

    with monkeypatch.context() as patched:  # the STOP and the lock are gone, the unlocking is not
        patched.setattr(WholeStories, "of", without(2))
        with pytest.raises(RestoreRefused, match="older than the opt-out"):
            gateway.restore(consent(gateway, -DAY_US))
    with monkeypatch.context() as patched:
        patched.setattr(WholeStories, "of", without(3))
        event = restored(gateway, consent(gateway, -DAY_US))
    assert (event.outcome, reason(gateway)) == ("refused", "opted_out_all")
    assert "the consent may be older" in event.note


def test_the_consent_that_stood_before_a_mistake_of_ours_is_given_back(gateway, redis_client):
    agreed = Consent("Text me", "web", "/join", 1)
    gateway.record_consent(NUMBER, "club", agreed, "operator", "ana")
    by_hand(gateway)
    assert (reason(gateway, "club"), state_of(gateway, NUMBER).programs[2].consent) == (
        "opted_out_all",
        False,
    )
    gateway.recording.move_all()
    redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    event = restored(gateway)
    assert (event.outcome, reason(gateway, "club")) == ("applied", "")
    assert event.standing.consents == {"club"}


def test_no_consent_is_given_back_that_was_not_there(gateway):
    by_hand(gateway)
    event = restored(gateway, replace(MISTAKE, scope="club"))
    assert (event.outcome, reason(gateway, "club")) == ("applied", "no_consent")


def test_a_consent_that_they_withdrew_is_not_given_back(gateway):
    gateway.record_consent(NUMBER, "club", Consent("Text me", "web", "/", 1), "operator", "ana")
    named = replace(MISTAKE, basis="evidence", evidence="call 4711", is_admin=True)
    by_hand(gateway)
    assert restored(gateway, named).outcome == "applied"
    assert (reason(gateway), reason(gateway, "club")) == ("", "")  # it was ours
    by_hand(gateway)
    by_text(gateway)
    assert restored(gateway, named).outcome == "applied"
    assert (reason(gateway), reason(gateway, "club")) == ("", "no_consent")
    gateway.record_consent(NUMBER, "club", Consent("Text me", "web", "/", 1), "operator", "ana")
    by_text(gateway)
    assert restored(gateway, consent(gateway)).outcome == "applied"
    assert (reason(gateway), reason(gateway, "club")) == ("", "no_consent")


def test_a_rebuilt_store_keeps_whose_opt_out_it_is(gateway, redis_client):
    by_text(gateway)
    gateway.override("suppress", OTHER, ALL, "ana", "asked by phone")
    work(gateway)
    gateway.recording.move_all()
    redis_client.flushall()
    build_rebuilding(gateway).rebuild(lambda *_: None)
    with pytest.raises(RestoreRefused, match="opted out itself"):
        gateway.restore(MISTAKE)
    gateway.restore(replace(MISTAKE, number=OTHER))
    work(gateway)
    assert gateway.gate.check([OTHER], program="alerts")[0].reason == ""


def test_where_whose_opt_out_it_is_cannot_be_told_nothing_is_lifted(
    gateway, redis_client, monkeypatch
):
    by_hand(gateway)

    def away(*_):
        raise RecordsUnavailable("the records cannot be used: away")

    with monkeypatch.context() as patched:
        patched.setattr(WholeStories, "of", away)
        with pytest.raises(RecordsUnavailable):
            gateway.restore(MISTAKE)
    assert gateway.store.inbox.busy() == []
    gateway.override("suppress", NUMBER, "orders", "ana", "more")
    redis_client.delete(*(keys.metadata for keys in PARTITION_KEYS))
    with pytest.raises(StoreNotReady):
        gateway.restore(MISTAKE)


WRONG = [
    ({"basis": ""}, Unfit, "Say what allows it"),
    ({"basis": "because"}, Unfit, "Say what allows it"),
    ({"basis": "consent"}, Unfit, "its words"),
    ({"consent": Consent("Yes", "web", "page", 1)}, Unfit, "goes with the basis"),
    ({"basis": "consent", "consent": Consent("Yes", "web", "", 1)}, Unfit, "its source"),
    ({"evidence": "a call"}, Unfit, "goes with the basis"),
    ({"basis": "evidence", "is_admin": True}, Unfit, "Name the evidence"),
    ({"scope": "nobody"}, UnknownProgram, "no program is called"),
    ({"number": "12345"}, InvalidNumber, "no phone number"),
]


def test_what_is_wrong_with_a_request_is_said(gateway):
    by_hand(gateway)
    for changed, error, said in WRONG:
        with pytest.raises(error, match=said):
            gateway.restore(replace(MISTAKE, **changed))
    assert gateway.store.inbox.busy() == []


def test_basis_who_and_why_are_told_everywhere(gateway):
    by_text(gateway)
    named = replace(MISTAKE, basis="evidence", evidence="call 4711 <b>", is_admin=True)
    restored(gateway, replace(named, reason="wants back"))
    found = service.gathered(gateway, NUMBER)
    (event,) = [one for one in found["events"] if one["what"] == "restored"]
    for said in ("by ana", "wants back", "evidence that an admin named: call 4711 <b>"):
        assert said in event["why"]
    assert "call 4711 &lt;b&gt;" in service.page(found)
    record = json.loads(service.as_json(found))["events"][-1]["record"]["entry"]
    assert record["restore"]["evidence"] == "call 4711 <b>"
    assert [*gateway.records.verifying.verify()] == []


def test_forgetting_a_number_keeps_what_a_restore_rests_on(gateway):
    by_text(gateway)
    named = replace(MISTAKE, basis="evidence", evidence="call 4711", is_admin=True)
    restored(gateway, named)
    gateway.forget(NUMBER, "ana", "asked for it")
    event = next(one for one in gateway.history(NUMBER) if one.kind == "restored")
    assert (event.entry.restore.evidence, event.entry.decision.note) == ("call 4711", "")
