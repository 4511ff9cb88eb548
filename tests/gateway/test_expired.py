"""Requests that are signed rightly but too long ago: their opt-outs count and nothing else does."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from smsgate.domain.errors import SignatureExpired
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import iso_time
from smsgate.providers.infobip import sign
from smsgate.store.keys import partition_of
from smsgate.wiring import build_gateway, load_configuration, publish_programs
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
def gateway(environ):
    path = Path(environ["SMSGATE_CONFIG"], "smsgate.toml")
    path.write_text(path.read_text() + CONFIG)
    made = build_gateway(load_configuration(environ))
    made.store.metadata.create(buckets=8)
    publish_programs(made)
    yield made
    made.close()


def signed(gateway, texts: dict[str, str], age_us: int = HOUR_US) -> WebhookRequest:
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
    headers = sign(body, gateway.settings.accounts["infobip"], at_us)
    return WebhookRequest("POST", "https://sms.example.com/webhooks/infobip", headers, body)


def outcomes(gateway, number: str) -> list[tuple[str, str]]:
    gateway.apply(partition_of(number))
    return [(event.kind, event.outcome) for event in gateway.history(number)]


def reason(gateway, number: str) -> str:
    return gateway.gate.check([number], program="late")[0].reason


def test_an_expired_stop_is_acknowledged_and_suppresses(gateway) -> None:
    receipt = gateway.ingest("infobip", signed(gateway, {NUMBER: "STOP"}))
    assert (receipt.answer.status, receipt.outcome) == (200, "opt_out")
    assert reason(gateway, NUMBER) == "hold"
    assert outcomes(gateway, NUMBER) == [("opt_out", "applied")]
    assert gateway.history(NUMBER)[0].entry.expired
    assert reason(gateway, NUMBER) == "opted_out_all"


@pytest.mark.parametrize("text", ["START", "HELP", "who is this?"])
def test_an_expired_text_that_is_no_opt_out_is_refused_and_changes_nothing(gateway, text) -> None:
    gateway.override("suppress", NUMBER, "all", "ann", "asked by phone")
    assert outcomes(gateway, NUMBER) == [("opt_out", "applied")]
    with pytest.raises(SignatureExpired):
        gateway.ingest("infobip", signed(gateway, {NUMBER: text}))
    assert outcomes(gateway, NUMBER) == [("opt_out", "applied")]
    assert reason(gateway, NUMBER) == "opted_out_all"


def test_the_same_start_in_time_lifts_it(gateway) -> None:
    gateway.override("suppress", NUMBER, "all", "ann", "asked by phone")
    gateway.ingest("infobip", signed(gateway, {NUMBER: "START"}, age_us=0))
    assert outcomes(gateway, NUMBER) == [("opt_out", "applied"), ("opt_in", "applied")]
    assert reason(gateway, NUMBER) == ""


def test_of_an_expired_batch_the_opt_outs_alone_are_kept(gateway) -> None:
    gateway.override("suppress", OTHER, "all", "ann", "asked by phone")
    receipt = gateway.ingest("infobip", signed(gateway, {OTHER: "START", NUMBER: "STOP"}))
    assert receipt.outcome == "opt_out"
    assert outcomes(gateway, NUMBER) == [("opt_out", "applied")]
    assert outcomes(gateway, OTHER) == [("opt_out", "applied")]
    assert reason(gateway, OTHER) == "opted_out_all"
