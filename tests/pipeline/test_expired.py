"""Requests that are signed rightly but too long ago: their opt-outs count and nothing else does."""

from __future__ import annotations

import time

import msgspec
import pytest

from smsgate.domain.errors import SignatureExpired
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signed_times import iso_time
from smsgate.providers.infobip import sign
from smsgate.store.keys import partition_of
from tests.fakes import manual
from tests.fakes.own_services import ready_services
from tests.fakes.values import NUMBER, OTHER

CONFIG = """
[accounts.infobip]
provider       = "infobip"
host           = "xyz.api.infobip.com"
api_key        = "a-key"
scheme         = "exchange"
webhook_secret = "a-secret-of-the-tests"

[programs.late]
name     = "Acme Late"
account  = "infobip"
senders  = ["*"]
keywords = ["en"]
region   = "US"
"""
HOUR_US = 3600 * 1_000_000


@pytest.fixture
def services(environ):
    with ready_services(environ, CONFIG) as made:
        yield made


def signed(services, texts: dict[str, str], age_us: int = HOUR_US) -> WebhookRequest:
    """One request with a text of each number, received and signed that long ago."""
    at_us = time.time_ns() // 1000 - age_us
    results = [
        {
            "messageId": f"id-{number}-{text}",
            "from": number.removeprefix("+"),
            "to": "14155550999",
            "text": text,
            "receivedAt": iso_time(at_us),
        }
        for number, text in texts.items()
    ]
    body = msgspec.json.encode({"results": results})
    headers = sign(body, services.settings.accounts["infobip"], at_us)
    return WebhookRequest("POST", "https://sms.example.com/webhooks/infobip", headers, body)


def outcomes(services, number: str) -> list[tuple[str, str]]:
    services.applier.drain(partition_of(number))
    return [(event.kind, event.outcome) for event in services.history.of_number(number)]


def reason(services, number: str) -> str:
    return services.gate.check([number], program="late")[0].reason


def test_an_expired_stop_is_acknowledged_and_suppresses(services) -> None:
    receipt = services.ingest.receive("infobip", signed(services, {NUMBER: "STOP"}))
    assert (receipt.answer.status, receipt.outcome) == (200, "opt_out")
    assert reason(services, NUMBER) == "hold"
    assert outcomes(services, NUMBER) == [("opt_out", "applied")]
    assert services.history.of_number(NUMBER)[0].entry.expired
    assert reason(services, NUMBER) == "opted_out_all"


@pytest.mark.parametrize("text", ["START", "HELP", "who is this?"])
def test_an_expired_text_that_is_no_opt_out_is_refused_and_changes_nothing(services, text) -> None:
    manual.opt_out(services, NUMBER, "all", "ann", "asked by phone")
    assert outcomes(services, NUMBER) == [("opt_out", "applied")]
    with pytest.raises(SignatureExpired):
        services.ingest.receive("infobip", signed(services, {NUMBER: text}))
    assert outcomes(services, NUMBER) == [("opt_out", "applied")]
    assert reason(services, NUMBER) == "opted_out_all"


def test_the_same_start_in_time_lifts_it(services) -> None:
    manual.opt_out(services, NUMBER, "all", "ann", "asked by phone")
    services.ingest.receive("infobip", signed(services, {NUMBER: "START"}, age_us=0))
    assert outcomes(services, NUMBER) == [("opt_out", "applied"), ("opt_in", "applied")]
    assert reason(services, NUMBER) == ""


def test_of_an_expired_batch_the_opt_outs_alone_are_kept(services) -> None:
    manual.opt_out(services, OTHER, "all", "ann", "asked by phone")
    receipt = services.ingest.receive("infobip", signed(services, {OTHER: "START", NUMBER: "STOP"}))
    assert receipt.outcome == "opt_out"
    assert outcomes(services, NUMBER) == [("opt_out", "applied")]
    assert outcomes(services, OTHER) == [("opt_out", "applied")]
    assert reason(services, OTHER) == "opted_out_all"
