"""Locks and consents as the gate sees them."""

from __future__ import annotations

from smsgate.domain.entry_parts import Consent
from smsgate.store.keys import partition_of
from tests.fakes import manual
from tests.fakes.values import NUMBER

PARTITION = partition_of(NUMBER)


def reason(services, program="alerts"):
    return services.gate.check([NUMBER], program=program)[0].reason


def test_a_lock_blocks_at_once_and_no_start_lifts_it(services, signed):
    manual.lock(services, NUMBER, "ana", "a court said so")
    assert reason(services) == "hold"
    services.applier.drain(PARTITION)
    services.ingest.receive("twilio", signed("START"))
    services.applier.drain(PARTITION)

    assert reason(services) == reason(services, "orders") == "locked"
    assert [event.kind for event in services.history.of_number(NUMBER)] == ["lock", "opt_in"]
    assert services.history.of_number(NUMBER)[-1].outcome == "refused"


def test_a_program_that_requires_consent_may_text_only_who_gave_it(services):
    assert reason(services, "club") == "no_consent"
    consent = Consent(words="Yes, text me", medium="paper")
    manual.record_consent(services, NUMBER, "club", consent, "operator", "ana")
    services.applier.drain(PARTITION)

    assert reason(services, "club") == ""


def test_join_is_asked_back_and_yes_confirms_it(services, signed, api):
    services.ingest.receive("twilio", signed("JOIN", sender="+14155550666"))
    services.applier.drain(PARTITION)
    services.sender.drain(PARTITION)
    assert "Reply YES" in api.sent[-1].form["Body"]
    assert reason(services, "club") == "no_consent"

    services.ingest.receive("twilio", signed("yes", sender="+14155550666"))
    services.applier.drain(PARTITION)
    assert reason(services, "club") == ""
