"""Their own opt-out is lifted by themselves, a newer consent, or evidence that an admin names."""

from __future__ import annotations

from unittest import mock

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import (
    Forbidden,
    InvalidNumber,
    RecordsUnavailable,
    RestoreRefused,
    StoreNotReady,
    Unfit,
    UnknownProgram,
)
from smsgate.domain.messages import ALL, AddResult, Intent
from smsgate.features.evidence.operations import EvidenceReader, EvidenceRequest, page
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.records.reader import RecordReader
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.own_services import ALERTS, CLUB, ORDERS, make_part, make_services
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, OTHER, set_key

PARTITION = partition_of(NUMBER)
MISTAKE = {"number": NUMBER, "scope": ALL, "actor": "ana", "reason": "typed a wrong number"}
DAY_US = 24 * 3600 * 1_000_000


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url, ALERTS + ORDERS + CLUB)
    made.records.migrate()
    yield made
    made.close()


def reason(services, program="alerts"):
    return services.gate.check([NUMBER], program=program)[0].reason


def consent(services, after_us=0, **more):
    """A restore by a consent that is given so long after this moment."""
    given = Consent("Yes, again", "paper", "form 7", services.store.health.now_us() + after_us)
    return dict(MISTAKE, basis="consent", consent=given, **more)


def restored(services, request=MISTAKE):
    manual.restore(services, **request)
    work(services)
    return services.history.of_number(NUMBER)[-1]


def by_text(services):
    told(services, Intent.OPT_OUT, "STOP")


def by_link(services):
    told(services, Intent.OPT_OUT, source="link", account="", message_id="")


def by_the_provider(services):
    told(services, Intent.OPT_OUT, source="provider", actor="provider")


def by_a_text_that_a_person_decided(services):
    told(services, Intent.REVIEW, "enough??")
    manual.reviews(services).decide("opt_out", NUMBER, "alerts", "bob")
    work(services)


def by_hand(services):
    manual.opt_out(services, NUMBER, ALL, "ana", "asked by phone")
    work(services)


def by_a_list(services):
    import_numbers(services, [NUMBER], list_entry("alerts"))


def by_a_lock(services):
    manual.lock(services, NUMBER, "ana", "a letter")
    manual.lock(services, NUMBER, "ana", "of somebody else", locked=False)
    work(services)


OWN = [by_text, by_link, by_the_provider, by_a_text_that_a_person_decided, by_a_list]
OURS = [by_hand, by_a_lock]


@pytest.mark.parametrize("opt_out", OWN)
@pytest.mark.parametrize("recorded", [False, True])
def test_their_own_opt_out_is_no_mistake_of_ours(services, redis_client, opt_out, recorded):
    opt_out(services)
    if recorded:  # and forgotten by the store, as after 48 hours
        services.archiver.move_all()
        redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    for scope in (ALL, "alerts"):
        with pytest.raises(RestoreRefused, match=r"no mistake of ours.*`consent`.*`evidence`"):
            manual.restore(services, **dict(MISTAKE, scope=scope))
    with pytest.raises(Forbidden, match="admin"):
        manual.restore(services, **dict(MISTAKE, basis="evidence", evidence="a call"))
    assert services.store.inbox.busy() == []
    assert reason(services) == "opted_out_all"


def test_it_is_said_whose_opt_out_it_is(services):
    by_link(services)
    with pytest.raises(RestoreRefused, match=r"opted out itself \(by an opt-out link, 20"):
        manual.restore(services, **MISTAKE)
    told(services, Intent.OPT_IN)
    by_a_list(services)
    with pytest.raises(RestoreRefused, match=r"as an imported list says, 20.*undo its import"):
        manual.restore(services, **dict(MISTAKE, scope="alerts"))
    told(services, Intent.OPT_IN)
    by_a_text_that_a_person_decided(services)
    with pytest.raises(RestoreRefused, match=r"opted out itself \(by a text that bob decided, 20"):
        manual.restore(services, **dict(MISTAKE, scope="alerts"))


@pytest.mark.parametrize("opt_out", OURS)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_we_entered_may_be_our_mistake(services, redis_client, opt_out, recorded):
    opt_out(services)
    first = services.history.of_number(NUMBER)[0].id
    if recorded:
        services.archiver.move_all()
        redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    event = restored(services)
    assert (event.kind, event.outcome, reason(services)) == ("restored", "applied", "")
    allowed = event.entry.restore
    assert (allowed.basis, allowed.opt_out) == ("mistake", first)
    assert (event.entry.actor, event.entry.decision.note) == ("ana", "typed a wrong number")


@pytest.mark.parametrize("opt_out", OWN + OURS)
def test_a_newer_consent_lifts_any(services, opt_out):
    opt_out(services)
    with pytest.raises(RestoreRefused, match="older than the opt-out"):
        manual.restore(services, **consent(services, -DAY_US))
    assert reason(services) == "opted_out_all"
    event = restored(services, consent(services))
    assert (event.kind, event.outcome, reason(services)) == ("restored", "applied", "")
    assert (event.entry.restore.basis, event.entry.consent.words) == ("consent", "Yes, again")


@pytest.mark.parametrize("opt_out", OWN)
def test_an_admin_lifts_any_by_naming_the_evidence(services, opt_out):
    opt_out(services)
    named = dict(MISTAKE, basis="evidence", evidence="call 4711", is_admin=True)
    event = restored(services, named)
    assert (event.outcome, reason(services)) == ("applied", "")
    assert (event.entry.restore.basis, event.entry.restore.evidence) == ("evidence", "call 4711")


def test_a_consent_of_a_day_counts_from_its_beginning(services):
    told(services, Intent.OPT_OUT, sent_us=services.store.health.now_us() - DAY_US - 1)
    begun = services.history.of_number(NUMBER)[0].event_time_us
    midnight = begun - begun % DAY_US
    with pytest.raises(RestoreRefused, match=r"older than the opt-out.*give its time, too"):
        manual.restore(services, **given_at(midnight))
    manual.restore(services, **given_at(midnight + DAY_US))


def given_at(at_us):
    agreed = Consent("Yes, again", "paper", "form 7", at_us)
    return dict(MISTAKE, basis="consent", consent=agreed)


def test_an_opt_out_wins_a_tie_where_its_time_has_whole_seconds(services):
    now_us = services.store.health.now_us()
    second = now_us - now_us % 1_000_000 - 60_000_000
    told(services, Intent.OPT_OUT, "STOP", sent_us=second)
    for at_us in (second, second + 999_999):
        with pytest.raises(RestoreRefused, match=r"older|at the latest"):
            manual.restore(services, **given_at(at_us))
    assert restored(services, given_at(second + 1_000_000)).outcome == "applied"


def test_where_a_list_has_days_only_a_consent_of_that_day_is_not_newer(services):
    now_us = services.store.health.now_us()
    day = now_us - now_us % DAY_US - 9 * DAY_US
    import_numbers(services, [NUMBER], list_entry("alerts"), [day])
    with pytest.raises(
        RestoreRefused, match=r"as far as that is known.*23:59:59 UTC at the latest"
    ):
        manual.restore(services, **given_at(day + DAY_US // 2))
    assert reason(services) == "opted_out_all"
    assert restored(services, given_at(day + DAY_US)).outcome == "applied"


def test_a_stop_after_an_opt_out_by_hand_makes_it_theirs(services):
    by_hand(services)
    by_text(services)
    services.archiver.move_all()
    assert [event.outcome for event in services.history.of_number(NUMBER)] == ["applied", "repeat"]
    with pytest.raises(RestoreRefused, match="opted out itself"):
        manual.restore(services, **MISTAKE)


def test_an_opt_out_by_hand_after_their_stop_leaves_it_theirs(services):
    by_text(services)
    by_hand(services)
    with pytest.raises(RestoreRefused, match="opted out itself"):
        manual.restore(services, **MISTAKE)


def test_after_they_came_back_an_opt_out_by_hand_is_ours_again(services):
    by_text(services)
    told(services, Intent.OPT_IN)
    by_hand(services)
    assert reason(services) == "opted_out_all"
    event = restored(services, dict(MISTAKE, scope="alerts"))
    assert (event.outcome, reason(services)) == ("applied", "")
    with pytest.raises(RestoreRefused, match="opted out itself"):  # from the other programs
        manual.restore(services, **MISTAKE)
    assert reason(services, "orders") == "opted_out_all"


def test_an_opt_out_of_another_program_does_not_count(services):
    told(services, Intent.OPT_OUT, scope="club", program="club")
    by_hand(services)
    event = restored(services)
    assert (event.outcome, reason(services), reason(services, "club")) == (
        "applied",
        "",
        "opted_out",
    )
    with pytest.raises(RestoreRefused):
        manual.restore(services, **dict(MISTAKE, scope="club"))


def test_a_stop_between_asking_and_applying_holds(services):
    by_hand(services)
    for asked in (
        lambda: MISTAKE,
        lambda: consent(services),
        lambda: dict(MISTAKE, basis="evidence", evidence="a call", is_admin=True),
    ):
        with mock.patch.object(services.store.inbox, "add", return_value=[AddResult("")]) as add:
            manual.restore(services, **asked())
        by_text(services)
        services.store.inbox.add(*add.call_args.args)
        work(services)
        event = services.history.of_number(NUMBER)[-1]
        assert (event.kind, event.outcome, reason(services)) == (
            "restored",
            "refused",
            "opted_out_all",
        )
        assert "newer" in event.note


def test_what_waits_to_be_applied_counts(services):
    manual.opt_out(services, NUMBER, ALL, "ana", "asked by phone")
    told(services, Intent.OPT_OUT, "STOP", applied=False)
    with pytest.raises(RestoreRefused, match="opted out itself"):
        manual.restore(services, **MISTAKE)


def test_a_text_that_waited_when_we_opted_them_out_must_be_looked_at(services):
    told(services, Intent.REVIEW, "enough??")
    by_hand(services)
    with pytest.raises(RestoreRefused, match="may have been an opt-out waited"):
        manual.restore(services, **MISTAKE)
    assert restored(services, consent(services)).outcome == "applied"


def test_an_opt_out_of_which_nothing_is_on_record_counts_as_theirs(services, redis_client):
    keys = PARTITION_KEYS[PARTITION]
    redis_client.sadd(set_key(keys, "set", ALL, NUMBER, 8), int(NUMBER))
    assert reason(services) == "opted_out_all"
    event = restored(services)
    assert (event.outcome, reason(services)) == ("refused", "opted_out_all")
    assert "subscriber's own" in event.note


def test_an_opt_out_whose_event_retention_removed_counts_as_theirs(services, monkeypatch):
    by_text(services)
    by_hand(services)
    services.archiver.move_all()
    whole = RecordReader.of_numbers
    monkeypatch.setattr(
        RecordReader,
        "of_numbers",
        lambda self, numbers: (story[1:] for story in whole(self, numbers)),
    )
    with pytest.raises(RestoreRefused, match="nobody knows any more who"):
        manual.restore(services, **MISTAKE)


def test_a_consent_must_be_newer_than_an_opt_out_of_which_little_is_on_record(
    services, redis_client, monkeypatch
):
    by_text(services)
    by_a_lock(services)
    services.archiver.move_all()
    redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    whole = RecordReader.of_numbers

    def without(first):
        return lambda self, numbers: (story[first:] for story in whole(self, numbers))

    with monkeypatch.context() as patched:  # the STOP and the lock are gone, the unlocking is not
        patched.setattr(RecordReader, "of_numbers", without(2))
        with pytest.raises(RestoreRefused, match="older than the opt-out"):
            manual.restore(services, **consent(services, -DAY_US))
    with monkeypatch.context() as patched:
        patched.setattr(RecordReader, "of_numbers", without(3))
        event = restored(services, consent(services, -DAY_US))
    assert (event.outcome, reason(services)) == ("refused", "opted_out_all")
    assert "the consent may be older" in event.note


def test_the_consent_that_stood_before_a_mistake_of_ours_is_given_back(services, redis_client):
    agreed = Consent("Text me", "web", "/join", 1)
    manual.record_consent(services, NUMBER, "club", agreed, "operator", "ana")
    by_hand(services)
    state = services.store.numbers.consent_states_of([NUMBER], ["club"])[NUMBER]
    assert (reason(services, "club"), state.consents) == ("opted_out_all", frozenset())
    services.archiver.move_all()
    redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    event = restored(services)
    assert (event.outcome, reason(services, "club")) == ("applied", "")
    assert event.consent_state.consents == {"club"}


def test_a_consent_that_they_withdrew_is_not_given_back(services):
    manual.record_consent(
        services, NUMBER, "club", Consent("Text me", "web", "/", 1), "operator", "ana"
    )
    named = dict(MISTAKE, basis="evidence", evidence="call 4711", is_admin=True)
    by_hand(services)
    assert restored(services, named).outcome == "applied"
    assert (reason(services), reason(services, "club")) == ("", "")  # it was ours
    by_hand(services)
    by_text(services)
    assert restored(services, named).outcome == "applied"
    assert (reason(services), reason(services, "club")) == ("", "no_consent")
    manual.record_consent(
        services, NUMBER, "club", Consent("Text me", "web", "/", 1), "operator", "ana"
    )
    by_text(services)
    assert restored(services, consent(services)).outcome == "applied"
    assert (reason(services), reason(services, "club")) == ("", "no_consent")


def test_a_rebuilt_store_keeps_whose_opt_out_it_is(services, redis_client):
    by_text(services)
    manual.opt_out(services, OTHER, ALL, "ana", "asked by phone")
    work(services)
    services.archiver.move_all()
    redis_client.flushall()
    RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)
    with pytest.raises(RestoreRefused, match="opted out itself"):
        manual.restore(services, **MISTAKE)
    manual.restore(services, **dict(MISTAKE, number=OTHER))
    work(services)
    assert services.gate.check([OTHER], program="alerts")[0].reason == ""


def test_where_whose_opt_out_it_is_cannot_be_told_nothing_is_lifted(
    services, redis_client, monkeypatch
):
    by_hand(services)
    away = mock.Mock(side_effect=RecordsUnavailable("the records cannot be used: away"))
    with monkeypatch.context() as patched:
        patched.setattr(RecordReader, "of_numbers", away)
        with pytest.raises(RecordsUnavailable):
            manual.restore(services, **MISTAKE)
    assert services.store.inbox.busy() == []
    manual.opt_out(services, NUMBER, "orders", "ana", "more")
    redis_client.delete(*(keys.metadata for keys in PARTITION_KEYS))
    with pytest.raises(StoreNotReady):
        manual.restore(services, **MISTAKE)


WRONG = [
    ({"basis": "consent"}, Unfit, "needs `words`"),
    ({"consent": Consent("Yes", "web", "page", 1)}, Unfit, "go with the basis"),
    ({"basis": "consent", "consent": Consent("Yes", "web", "", 1)}, Unfit, "and `source`"),
    ({"evidence": "a call"}, Unfit, "goes with the basis"),
    ({"basis": "evidence", "is_admin": True}, Unfit, "Name the evidence"),
    ({"scope": "nobody"}, UnknownProgram, "no program is called"),
    ({"number": "12345"}, InvalidNumber, "no phone number"),
]


def test_what_is_wrong_with_a_request_is_said(services):
    by_hand(services)
    for changed, error, said in WRONG:
        with pytest.raises(error, match=said):
            manual.restore(services, **dict(MISTAKE, **changed))
    assert services.store.inbox.busy() == []


def test_basis_who_and_why_are_told_everywhere(services):
    by_text(services)
    named = dict(MISTAKE, basis="evidence", evidence="call 4711 <b>", is_admin=True)
    restored(services, dict(named, reason="wants back"))
    found = make_part(services, EvidenceReader).collect(EvidenceRequest(NUMBER))
    (event,) = [one for one in found["events"] if one["what"] == "restored"]
    told = " ".join(str(one) for one in event.values())
    for said in ("by ana", "wants back", "evidence from an admin: call 4711 <b>"):
        assert said in told
    assert "call 4711 &lt;b&gt;" in page(found)
    assert [*services.records.verifier.verify()] == []


def test_forgetting_a_number_keeps_what_a_restore_rests_on(services):
    by_text(services)
    named = dict(MISTAKE, basis="evidence", evidence="call 4711", is_admin=True)
    restored(services, named)
    services.forgetting.forget(NUMBER, "ana", "asked for it")
    event = next(one for one in services.history.of_number(NUMBER) if one.kind == "restored")
    assert (event.entry.restore.evidence, event.entry.decision.note) == ("call 4711", "")
