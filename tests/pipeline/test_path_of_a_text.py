"""The way through in one process: received, held, applied, confirmed, recorded."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from smsgate.domain.errors import (
    SignatureRefused,
)
from smsgate.domain.messages import InboundMessage, Intent
from smsgate.monitoring.monitor import take_snapshot
from smsgate.process.configuration import load_configuration
from smsgate.process.services import Services, build_services
from smsgate.providers import PROVIDERS
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes import manual
from tests.fakes.values import NUMBER, OTHER

twilio = PROVIDERS["twilio"]

PARTITION = partition_of(NUMBER)
SENDER = "+14155550999"


def outcomes(services: Services, number: str = NUMBER) -> list[tuple[str, str]]:
    return [(event.kind, event.outcome) for event in services.history.of_number(number)]


def run(services: Services, number: str = NUMBER) -> None:
    """What worker and sender would do."""
    services.applier.drain(partition_of(number))
    services.sender.drain(partition_of(number))


def allowed(services: Services, program: str = "alerts", number: str = NUMBER) -> tuple[bool, str]:
    (answer,) = services.gate.check([number], program=program)
    return answer.allowed, answer.reason


def test_a_stop_blocks_from_the_answer_on_is_confirmed_once_and_proved(services, signed, api):
    assert allowed(services) == (True, "")
    receipt = services.ingest.receive("twilio", signed("Stop.", message_id="SM" + "7" * 32))

    assert (receipt.answer.status, receipt.outcome) == (200, "opt_out")
    assert allowed(services) == (False, "hold")

    run(services)
    assert allowed(services) == (False, "opted_out_all")
    (call,) = api.calls
    assert call.form["To"] == NUMBER
    assert "Acme Alerts" in call.form["Body"]
    assert outcomes(services) == [("opt_out", "applied"), ("reply", "sent")]

    applied, replied = services.history.of_number(NUMBER)
    assert (applied.entry.text, applied.entry.message_id) == ("Stop.", "SM" + "7" * 32)
    assert applied.entry.decision.version
    assert (applied.before, applied.after) == ("allowed", "blocked")
    assert applied.received_us <= applied.applied_us
    assert (replied.provider_id, replied.reply.text) == (call.sid, call.form["Body"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "SGVsbG8sIEkgZ290IHlvdXIgbWVzc2FnZSBhYm91dCB0aGUgc2FsZSBidXQgcGxlYXNlIHN0b3AgdGV4dGluZyBtZSBmcm9tIG5vdyBvbi4=",
            "hold",
        ),
        ("c3RvcA==", "review"),
        ("SSB3aWxsIGJlIHRoZXJlIGFyb3VuZCBzZXZlbiB3aXRoIHRoZSBraWRzLCBrZWVwIHR3byBzZWF0cw==", ""),
    ],
)
def test_an_opt_out_in_base64_blocks_and_what_may_be_one_waits_for_a_person(
    services, signed, body, reason
):
    services.ingest.receive("twilio", signed(body))
    assert allowed(services) == (not reason, reason)
    services.applier.drain(PARTITION)
    reviews = services.store.inbox_reader.open_reviews()
    cases = manual.review_reader(services).cases_of(reviews)
    assert [one.text for one in cases if "base64" in one.reason] == [body] * (reason == "review")


def test_start_lifts_for_its_program_and_is_answered(services, signed, api):
    for text in ("stop", "START"):
        services.ingest.receive("twilio", signed(text))
        run(services)

    assert allowed(services, "alerts") == (True, "")
    assert allowed(services, "quiet") == (False, "opted_out_all")
    assert len(api.calls) == 2
    assert outcomes(services)[2:] == [("opt_in", "applied"), ("reply", "sent")]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("START", "review"), ("HELP", "review"), ("See you at noon", "review"), ("STOP", "opt_out")],
)
def test_a_captured_text_under_an_id_that_was_made_longer_only_counts_as_an_opt_out(
    services, signed, text, outcome
):
    """Twilio signs a form without marks between its fields: here MessageSid took in the next."""
    captured = signed(text)
    services.ingest.receive("twilio", captured)
    services.ingest.receive("twilio", signed("STOP"))
    run(services)
    body = captured.body.replace(b"&NumMedia=0", b"").replace(
        b"&NumSegments", b"NumMedia0&NumSegments"
    )
    replayed = replace(captured, body=body)

    assert services.ingest.receive("twilio", replayed).outcome == outcome
    run(services)
    assert allowed(services) == (False, "opted_out_all")


@pytest.mark.parametrize(
    ("texts", "blocked"),
    [(["STOP", "START", "STOP"], True), (["START", "STOP", "START"], False)],
)
def test_a_burst_ends_as_its_last_text_says_and_that_alone_is_confirmed(
    services, signed, api, texts, blocked
):
    for text in texts:
        services.ingest.receive("twilio", signed(text))
    assert allowed(services)[0] is False
    run(services)

    assert allowed(services)[0] is not blocked
    assert outcomes(services).count(("reply", "sent")) == len(api.calls) == 1


def test_two_workers_on_one_partition_have_one_effect(services, signed, api, environ):
    for place in range(50):
        services.ingest.receive("twilio", signed("STOP" if place % 2 else "START"))
    second = build_services(load_configuration(environ))
    threads = [
        threading.Thread(target=one.applier.drain, args=(PARTITION,)) for one in (services, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second.close()

    events = [event for event in services.history.of_number(NUMBER) if event.kind != "reply"]
    assert len(events) == len({event.id for event in events}) == 50


def test_a_second_stop_is_not_confirmed_again(services, signed, api):
    for text in ("STOP", "unsubscribe"):
        services.ingest.receive("twilio", signed(text))
        run(services)

    assert len(api.calls) == 1
    assert outcomes(services)[-1] == ("opt_out", "repeat")


def test_help_is_answered_to_anybody_a_few_times(services, signed, api):
    services.ingest.receive("twilio", signed("STOP"))
    run(services)
    for _ in range(5):
        services.ingest.receive("twilio", signed("HELP"))
        run(services)

    assert len(api.calls) == 1 + 3
    assert "help@acme.example" in api.calls[-1].form["Body"]
    assert allowed(services)[0] is False


def test_who_asks_how_to_leave_is_told_and_not_texted_until_a_person_decided(services, signed, api):
    services.ingest.receive("twilio", signed("How do I unsubscribe?"))
    run(services)

    assert outcomes(services) == [("review", "recorded"), ("reply", "sent")]
    assert "help@acme.example" in api.calls[-1].form["Body"]
    assert allowed(services) == (False, "review")


def test_an_ordinary_text_changes_nothing_and_waits_for_nobody(services, signed, redis_client):
    receipt = services.ingest.receive("twilio", signed("See you at the bus stop at five"))
    services.store.sample_log.flush()

    assert receipt.outcome == "none"
    assert not redis_client.exists(PARTITION_KEYS[PARTITION].inbox)
    assert [one.text for _, one in services.store.sample_log.page(PARTITION, "", 5)] == [
        "See you at the bus stop at five"
    ]
    assert allowed(services) == (True, "")


def test_a_provider_s_flag_is_an_opt_out_whatever_the_text_says(services, signed):
    receipt = services.ingest.receive("twilio", signed("adios amigos", flag=Intent.OPT_OUT))

    assert receipt.outcome == "opt_out"
    assert allowed(services) == (False, "hold")


def test_an_opt_out_of_a_program_scope_leaves_the_others_alone(services, signed):
    services.ingest.receive("twilio", signed("STOP", sender="+14155550888"))
    run(services)

    assert allowed(services, "orders") == (False, "opted_out")
    assert allowed(services, "alerts") == (True, "")


@pytest.mark.parametrize(
    ("text", "sender", "calls"),
    [
        ("STOP", "+14155550888", 0),  # confirm = "auto", and Twilio answers its own word
        ("Stop please", "+14155550888", 1),  # Twilio matches whole texts only
        ("Stop please", "+14155550777", 0),  # confirm = "never"
        ("STOP", "+14155550999", 1),  # confirm = "always"
    ],
)
def test_who_confirms_is_decided_for_each_message(services, signed, api, text, sender, calls):
    services.ingest.receive("twilio", signed(text, sender=sender))
    run(services)

    assert len(api.calls) == calls
    if not calls:
        assert services.history.of_number(NUMBER)[0].note


def test_an_unrouted_sender_is_recorded_and_suppresses_nothing(services, signed):
    receipt = services.ingest.receive("twilio", signed("STOP", sender="+14155550111"))
    run(services)

    assert (receipt.answer.status, receipt.outcome) == (200, "unrouted")
    assert outcomes(services) == [("unrouted", "recorded")]
    assert allowed(services) == (True, "")


def test_an_opt_out_that_blocks_nobody_is_told_with_its_account_and_sender(services, signed):
    services.ingest.receive("twilio", signed("hello", sender="+14155550111"))
    run(services)
    (traffic,) = take_snapshot(services.store, services.settings).accounts
    assert traffic.unblocked == ()
    for text in ("HELP", "STOP", "arrêtez"):
        services.ingest.receive("twilio", signed(text, sender="+14155550111"))
    services.ingest.receive("twilio", signed("STOP", "AcmeBank"))
    for number in (NUMBER, "AcmeBank"):
        run(services, number)
    services.ingest.receive("twilio", signed("START", "OtherBank"))
    services.ingest.receive("twilio", signed("STOP", OTHER))
    for number in ("OtherBank", OTHER):
        run(services, number)

    (traffic,) = take_snapshot(services.store, services.settings).accounts
    assert (traffic.name, {*traffic.unblocked}) == ("twilio", {NUMBER, "AcmeBank"})


@pytest.mark.parametrize("number", ["44555", "AcmeBank"])
def test_what_is_no_phone_number_is_recorded_and_never_suppressed(
    services, signed, redis_client, number
):
    services.ingest.receive("twilio", signed("STOP", number))
    run(services, number)

    (event,) = services.history.of_number(number)
    assert (event.kind, event.outcome) == ("opt_out", "recorded")
    assert event.applied_us >= event.received_us > 0
    assert list(redis_client.scan_iter("smsgate:*:set:*")) == []
    assert list(redis_client.scan_iter("smsgate:*:holds")) == []


def test_one_number_s_text_leaves_every_other_number_alone(services, signed):
    services.ingest.receive("twilio", signed(f"STOP texting {OTHER}"))
    services.ingest.receive("twilio", signed("STOP"))
    run(services)
    run(services, OTHER)

    assert allowed(services, number=OTHER) == (True, "")


def test_help_that_the_provider_answers_uses_up_nothing_of_ours(services, signed, api):
    for text in ("HELP", "HELP", "HELP", "help please"):
        services.ingest.receive("twilio", signed(text, sender="+14155550888"))
        run(services)

    assert len(api.calls) == 1


def test_a_message_that_came_to_the_address_for_reports_is_taken(services, signed):
    request = twilio.inbound(
        InboundMessage("twilio", "SM" + "9" * 32, NUMBER, SENDER, "STOP"),
        services.settings.accounts["twilio"],
        "https://sms.example.com/webhooks/twilio/status",
    )
    services.ingest.receive("twilio", request)

    assert allowed(services) == (False, "hold")


# --- what is refused ------------------------------------------------------------------------


def test_a_forged_request_changes_nothing(services, signed, redis_client):
    request = signed("STOP")
    forged = type(request)(request.method, request.url, request.headers, request.body + b"&a=b")

    with pytest.raises(SignatureRefused):
        services.ingest.receive("twilio", forged)
    assert allowed(services) == (True, "")


def test_a_queue_that_is_away_does_not_change_the_answer(environ, services, signed):
    other = build_services(load_configuration(environ | {"QUEUE_URL": "redis://127.0.0.1:1/0"}))

    assert other.ingest.receive("twilio", signed("STOP")).answer.status == 200
    assert allowed(services) == (False, "hold")
    assert len(services.applier.drain(PARTITION)) == 1
    other.close()
