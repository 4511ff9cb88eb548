"""Azure: the validation of a subscription, and calls that are signed and can be repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from email.utils import parsedate_to_datetime

import pytest

from smsgate.messages import HttpReply, Reply, Verdict
from smsgate.providers import azure
from tests.providers.recorded import NOW_US, everything

RECORDED = {one.name: one for one in everything() if one.provider == "azure"}
ACCOUNT = RECORDED["stop"].account
VALUES = {
    "id": "1-0",
    "kind": "opt_out",
    "account": "azure",
    "number": "+14155550123",
    "sender": "+18885550100",
    "program": "p",
    "text": "Out 🛑",
    "deadline_us": NOW_US + 300_000_000,
}


def call_of(**changes):
    return azure.reply(Reply(**VALUES | changes), ACCOUNT)


def test_a_new_subscription_is_answered_with_its_code():
    recorded = RECORDED["validation"]
    shaken = azure.handshake(recorded.request, recorded.account)
    assert shaken.call is None
    assert (shaken.answer.status, shaken.answer.content_type) == (200, "application/json")
    assert json.loads(shaken.answer.body) == {
        "validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"
    }


@pytest.mark.parametrize("name", ["stop", "batch", "delivery_reports"])
def test_what_is_no_validation_is_no_handshake(name):
    assert azure.handshake(RECORDED[name].request, ACCOUNT) is None


def test_a_call_is_signed_as_azure_documents_it():
    call = call_of()
    digest = base64.b64encode(hashlib.sha256(call.body).digest()).decode()
    path = "/sms?api-version=2021-03-07"
    host = "acme.unitedstates.communication.azure.com"
    date = call.headers["x-ms-date"]
    signed = f"POST\n{path}\n{date};{host};{digest}"
    key = base64.b64decode("YW4gYWNjZXNzIGtleQ==")
    code = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert call.url == f"https://{host}{path}"
    assert call.headers["x-ms-content-sha256"] == digest
    assert call.headers["Authorization"] == (
        f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={code}"
    )
    signed_s = parsedate_to_datetime(date).timestamp()
    assert abs(signed_s - NOW_US / 1e6) <= 150
    assert abs(signed_s - VALUES["deadline_us"] / 1e6) <= 150


@pytest.mark.parametrize("change", ["id", "kind", "account", "number"])
def test_each_reply_has_one_id_and_time_for_all_its_tries(change):
    def key(call):
        (recipient,) = json.loads(call.body)["smsRecipients"]
        return recipient["repeatabilityRequestId"], recipient["repeatabilityFirstSent"]

    assert key(call_of()) == key(call_of(tries=3)) != key(call_of(**{change: "other"}))


@pytest.mark.parametrize(
    ("status", "recipient", "verdict"),
    [
        (202, {"httpStatusCode": 202, "messageId": "m", "successful": True}, Verdict.SENT),
        (202, {"httpStatusCode": 400, "errorMessage": "…", "successful": False}, Verdict.REFUSED),
        (202, {"httpStatusCode": 429}, Verdict.NOT_ACCEPTED),
        (202, {"httpStatusCode": 500}, Verdict.NOT_ACCEPTED),
        (400, {}, Verdict.REFUSED),
        (401, {"httpStatusCode": 202}, Verdict.REFUSED),
        (429, {}, Verdict.NOT_ACCEPTED),
        (500, {"httpStatusCode": 202}, Verdict.NOT_ACCEPTED),
    ],
)
def test_what_azure_answers_is_understood(status, recipient, verdict):
    body = json.dumps({"value": [recipient]}).encode()
    outcome = azure.outcome(HttpReply(status, "application/json", body))
    assert outcome.verdict is verdict
    assert outcome.provider_id == ("m" if verdict is Verdict.SENT else "")
