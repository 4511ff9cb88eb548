"""Texts that a person has to decide hold marketing until the person has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import NoSuchReview, ReviewChanged
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.store.keys import partition_of
from tests.fakes import manual
from tests.fakes.values import NUMBER

PARTITION = partition_of(NUMBER)
UNCLEAR, MORE = "para", "enough??"
ORDERS = "+14155550888"


def reason(services, program="alerts"):
    return services.gate.check([NUMBER], program=program)[0].reason


def decide(services, decided, program="alerts", actor="ana"):
    """Decide what waits now, as somebody who has read it."""
    waiting = [
        one for one in services.store.inbox_reader.open_reviews_of(NUMBER) if one.program == program
    ]
    seen = waiting[0].key if waiting else ""
    return manual.reviews(services).decide(decided, NUMBER, program, actor, seen)


def undo(services, key, actor="ana"):
    service = manual.reviews(services)
    return service.undo(service.decisions.find(key), actor)


@pytest.fixture
def waiting(services, signed):
    assert services.ingest.receive("twilio", signed(UNCLEAR)).outcome == "review"
    return services


def test_an_unclear_text_holds_marketing_from_the_answer_on_and_is_listed(waiting):
    assert reason(waiting) == "review"
    (before,) = manual.review_reader(waiting).all()
    waiting.applier.drain(PARTITION)
    (after,) = manual.review_reader(waiting).all()

    assert before == after
    assert (after.number, after.program, after.text) == (NUMBER, "alerts", UNCLEAR)
    assert after.reason
    assert reason(waiting) == "review"


def test_a_service_program_is_not_held(services, signed):
    assert services.ingest.receive("twilio", signed("cancel it", sender=ORDERS)).outcome == "review"
    services.applier.drain(PARTITION)

    assert reason(services, "orders") == ""


def test_marketing_is_held_until_each_text_whose_opt_out_would_cover_it_is_decided(waiting, signed):
    """An opt-out from ``quiet`` holds for every program, one from ``orders`` for no other."""
    for sender in ("+14155550777", ORDERS):
        waiting.ingest.receive("twilio", signed("cancel it", sender=sender))
    waiting.applier.drain(PARTITION)
    for program in ("alerts", "quiet"):
        assert reason(waiting) == reason(waiting, "quiet") == "review"
        decide(waiting, "none", program, "ana")
        waiting.applier.drain(PARTITION)
    assert [one.program for one in waiting.store.inbox_reader.open_reviews()] == ["orders"]
    assert reason(waiting) == ""

    manual.reviews(waiting).decide("undo", NUMBER, "quiet", "ana")
    assert reason(waiting) == "review"
    assert reason(waiting, "orders") == ""


def test_a_stop_settles_what_waited(waiting, signed):
    waiting.ingest.receive("twilio", signed("STOP"))
    waiting.applier.drain(PARTITION)

    assert manual.review_reader(waiting).all() == []


def test_a_text_that_comes_while_a_decision_is_applied_waits_for_its_own(waiting, signed):
    waiting.applier.drain(PARTITION)
    decide(waiting, "none", "alerts", "ana")
    waiting.ingest.receive("twilio", signed(MORE))
    assert reason(waiting) == "review"
    waiting.applier.drain(PARTITION)

    assert reason(waiting) == "review"
    (left,) = manual.review_reader(waiting).all()
    assert left.text == MORE


def test_of_many_who_decide_at_once_one_does(waiting):
    waiting.applier.drain(PARTITION)

    def decide_one(at):
        try:
            return decide(waiting, ("none", "opt_out")[at % 2], "alerts", f"op{at}")
        except ReviewChanged:
            return ""

    with ThreadPoolExecutor(8) as pool:
        keys = [key for key in pool.map(decide_one, range(8)) if key]
    waiting.applier.drain(PARTITION)
    made = [
        one
        for one in waiting.history.of_number(NUMBER)
        if one.entry and one.entry.source == "operator"
    ]
    assert len(keys) == len(made) == 1


def test_only_what_was_read_is_decided(waiting, signed):
    """Which the key says that was listed; one text may be opted out without it."""
    (seen,) = [one.key for one in waiting.store.inbox_reader.open_reviews_of(NUMBER)]
    service, asked = manual.reviews(waiting), (NUMBER, "alerts", "ana")
    with pytest.raises(ReviewChanged, match="which texts you read"):
        service.decide("none", *asked)
    waiting.ingest.receive("twilio", signed(MORE))
    with pytest.raises(ReviewChanged, match="which texts you read"):
        service.decide("opt_out", *asked)
    with pytest.raises(ReviewChanged, match="a newer text"):
        service.decide("none", *asked, seen)
    assert reason(waiting) == "review"


@pytest.mark.parametrize("late", [True, False])
def test_a_rebuilt_store_waits_for_all_that_nobody_saw(waiting, signed, redis_client, late):
    waiting.records.migrate()
    waiting.applier.drain(PARTITION)
    if late:
        (seen,) = waiting.store.inbox_reader.open_reviews()
        deciding = manual.reviews(waiting)
        enter = deciding._enter
        deciding._enter = lambda entry: (
            waiting.ingest.receive("twilio", signed(MORE)),
            enter(entry),
        )[1]
        deciding.decide("none", NUMBER, "alerts", "ana", seen.key)
    else:
        waiting.ingest.receive("twilio", signed(MORE))
    waiting.applier.drain(PARTITION)
    waiting.archiver.move_all()
    before = manual.review_reader(waiting).all()
    redis_client.flushall()
    RebuildService(waiting.settings, waiting.archiver).rebuild(lambda *_: None)

    assert [one.text for one in before] == ([MORE] if late else [UNCLEAR, MORE])
    assert manual.review_reader(waiting).all() == before


def consent_state(services):
    return services.store.numbers.consent_states_of([NUMBER], ["alerts", "club", "orders"])[NUMBER]


def test_an_opt_out_taken_back_leaves_the_number_as_it_was_and_the_text_waiting(waiting):
    waiting.applier.drain(PARTITION)
    manual.opt_out(waiting, NUMBER, "orders", "bob", "by phone")
    consent = Consent(words="yes", medium="paper", given_us=1)
    manual.record_consent(waiting, NUMBER, "club", consent, "operator", "bob")
    waiting.applier.drain(PARTITION)
    before = consent_state(waiting)
    key = decide(waiting, "opt_out", "alerts", "ana")
    waiting.applier.drain(PARTITION)
    assert reason(waiting) == "opted_out_all"
    assert consent_state(waiting).consents == frozenset()

    undo(waiting, key, "ana")
    waiting.applier.drain(PARTITION)
    after = consent_state(waiting)
    assert not after.everywhere
    assert (after.opted_out, after.exceptions) == (before.opted_out, before.exceptions)
    assert after.consents == before.consents == {"club"}
    assert reason(waiting) == "review"
    (again,) = manual.review_reader(waiting).all()
    assert again.text == UNCLEAR
    assert reason(waiting, "orders") == "opted_out"


@pytest.mark.parametrize("sender", ["+14155550999", ORDERS])
def test_their_own_stop_outlives_a_decision_that_is_taken_back(waiting, signed, sender):
    waiting.applier.drain(PARTITION)
    key = decide(waiting, "opt_out", "alerts", "ana")
    waiting.applier.drain(PARTITION)
    waiting.ingest.receive("twilio", signed("STOP", sender=sender))
    undo(waiting, key, "ana")
    waiting.applier.drain(PARTITION)

    assert waiting.history.of_number(NUMBER)[-1].outcome == "refused"
    assert reason(waiting) == "opted_out_all"


def test_a_decision_is_not_taken_back_behind_their_own_start(waiting, signed):
    waiting.applier.drain(PARTITION)
    key = decide(waiting, "opt_out", "alerts", "ana")
    waiting.applier.drain(PARTITION)
    waiting.ingest.receive("twilio", signed("START"))
    undo(waiting, key, "ana")
    waiting.applier.drain(PARTITION)

    assert waiting.history.of_number(NUMBER)[-1].outcome == "refused"
    assert reason(waiting, "orders") == "opted_out_all"


@pytest.mark.parametrize("sender", ["+14155550999", ORDERS])
def test_a_stop_that_was_not_applied_when_it_was_decided_is_not_lifted(waiting, signed, sender):
    waiting.applier.drain(PARTITION)
    waiting.ingest.receive("twilio", signed("STOP", sender=sender))
    key = decide(waiting, "opt_out", "alerts", "ana")
    undo(waiting, key, "ana")
    waiting.applier.drain(PARTITION)

    assert reason(waiting, "orders") != ""
    assert reason(waiting, "orders" if sender == ORDERS else "alerts").startswith("opted_out")


def test_a_lock_outlives_a_decision_that_is_taken_back(waiting):
    key = decide(waiting, "opt_out", "alerts", "ana")
    manual.lock(waiting, NUMBER, "bob", "a letter")
    undo(waiting, key, "ana")
    waiting.applier.drain(PARTITION)

    assert reason(waiting) == "locked"


def test_a_decision_is_taken_back_once_and_only_a_decision_is(waiting):
    waiting.applier.drain(PARTITION)
    key = decide(waiting, "none", "alerts", "ana")
    waiting.applier.drain(PARTITION)
    undo(waiting, key, "ana")
    with pytest.raises(ReviewChanged):
        undo(waiting, key, "bob")
    other = manual.opt_out(waiting, NUMBER, "all", "ana", "by phone")
    waiting.applier.drain(PARTITION)
    for wrong in (f"{PARTITION}-{other}", "", "x", "99-1-0", f"{PARTITION}-1-0", "²-1-0"):
        with pytest.raises(NoSuchReview):
            undo(waiting, wrong, "ana")


def test_a_rebuilt_store_goes_on_waiting_for_what_was_taken_back(waiting, redis_client):
    waiting.records.migrate()
    waiting.archiver.move_all()
    key = decide(waiting, "opt_out", "alerts", "ana")
    waiting.applier.drain(PARTITION)
    undo(waiting, key, "ana")
    waiting.applier.drain(PARTITION)
    waiting.archiver.move_all()
    redis_client.flushall()
    RebuildService(waiting.settings, waiting.archiver).rebuild(lambda *_: None)

    (again,) = manual.review_reader(waiting).all()
    assert (again.text, again.number) == (UNCLEAR, NUMBER)
    assert reason(waiting) == "review"
