"""Locks and consents as the gate sees them."""

from __future__ import annotations

from smsgate.domain.messages import Consent
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER

PARTITION = partition_of(NUMBER)


def reason(gateway, program="alerts"):
    return gateway.gate.check([NUMBER], program=program)[0].reason


def test_a_lock_blocks_at_once_and_no_start_lifts_it(gateway, signed):
    gateway.lock(NUMBER, "ana", "a court said so")
    assert reason(gateway) == "hold"
    gateway.apply(PARTITION)
    gateway.ingest("twilio", signed("START"))
    gateway.apply(PARTITION)

    assert reason(gateway) == reason(gateway, "orders") == "locked"
    assert [event.kind for event in gateway.history(NUMBER)] == ["lock", "opt_in"]
    assert gateway.history(NUMBER)[-1].outcome == "refused"


def test_after_unlocking_start_is_heard_again(gateway, signed):
    gateway.lock(NUMBER, "ana", "a mistake")
    gateway.lock(NUMBER, "ana", "taken back", locked=False)
    gateway.apply(PARTITION)
    assert reason(gateway) == "opted_out_all"

    gateway.ingest("twilio", signed("START"))
    gateway.apply(PARTITION)
    assert reason(gateway) == ""


def test_a_recorded_consent_is_kept_with_its_words(gateway):
    consent = Consent(words="I agree to get texts", medium="web", source="/join", given_us=1)
    gateway.record_consent(NUMBER, "alerts", consent, "api", "key-1")
    gateway.apply(PARTITION)

    (event,) = gateway.history(NUMBER)
    assert (event.kind, event.outcome) == ("consent", "applied")
    assert event.entry.consent == consent
    assert event.standing.consents == {"alerts"}


def test_a_program_that_requires_consent_may_text_only_who_gave_it(gateway):
    assert reason(gateway, "club") == "no_consent"
    consent = Consent(words="Yes, text me", medium="paper")
    gateway.record_consent(NUMBER, "club", consent, "operator", "ana")
    gateway.apply(PARTITION)

    assert reason(gateway, "club") == ""


def test_join_is_asked_back_and_yes_confirms_it(gateway, signed, api):
    gateway.ingest("twilio", signed("JOIN", sender="+14155550666"))
    gateway.apply(PARTITION)
    gateway.send_replies(PARTITION)
    assert "Reply YES" in api.sent[-1].form["Body"]
    assert reason(gateway, "club") == "no_consent"

    gateway.ingest("twilio", signed("yes", sender="+14155550666"))
    gateway.apply(PARTITION)
    assert reason(gateway, "club") == ""
