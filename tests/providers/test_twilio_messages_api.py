"""The call that sends a reply, and what the response to it means."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from smsgate.domain.messages import HttpReply, Outcome, Reply, Verdict
from smsgate.providers import PROVIDERS
from tests.providers.twilio_requests import (
    ACCOUNT,
    SID,
    TOKEN,
)

twilio = PROVIDERS["twilio"]

REPLY = Reply(
    id="1-0",
    kind="opt_out",
    account="main",
    number="+14155550123",
    sender="+14155550100",
    program="alerts",
    text="You are out. ¡Adiós! & = + 🛑",
    deadline_us=0,
)


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ({}, {"To": "+14155550123", "From": "+14155550100"}),
        (
            {"service": "MG1"},
            {"To": "+14155550123", "From": "+14155550100", "MessagingServiceSid": "MG1"},
        ),
        ({"channel": "mms"}, {"To": "+14155550123", "From": "+14155550100"}),
        (
            {"channel": "whatsapp"},
            {"To": "whatsapp:+14155550123", "From": "whatsapp:+14155550100"},
        ),
        (
            {"channel": "rcs", "sender": "acme_agent"},
            {"To": "rcs:+14155550123", "From": "rcs:acme_agent"},
        ),
    ],
)
def test_a_reply_comes_from_the_number_that_was_texted(changes, form):
    reply = REPLY if not changes else Reply(**{**_fields(REPLY), **changes})
    call = twilio.reply(reply, ACCOUNT)
    assert call.method == "POST"
    assert call.url == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"
    assert call.auth == (SID, TOKEN)
    told_to = f"https://sms.example.com/webhooks/{ACCOUNT.name}/status"
    assert dict(parse_qsl(call.body.decode(), strict_parsing=True)) == {
        **form,
        "Body": REPLY.text,
        "StatusCallback": told_to,
    }


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8000", "http://sms.example.com"])
def test_where_twilio_cannot_call_it_is_not_asked_to(url):
    call = twilio.reply(REPLY, replace(ACCOUNT, public_url=url))
    assert b"StatusCallback" not in call.body


def _fields(reply: Reply) -> dict:
    return {name: getattr(reply, name) for name in reply.__struct_fields__}


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (201, 0, Verdict.SENT),
        (400, 21610, Verdict.OPTED_OUT),
        (429, 20429, Verdict.NOT_ACCEPTED),
        (429, 0, Verdict.NOT_ACCEPTED),
        (400, 21611, Verdict.NOT_ACCEPTED),
        (400, 21211, Verdict.REFUSED),
        (400, 21408, Verdict.REFUSED),
        (400, 21606, Verdict.REFUSED),
        (400, 21614, Verdict.REFUSED),
        (400, 99999, Verdict.REFUSED),
        (401, 20003, Verdict.REFUSED),
        (403, 0, Verdict.REFUSED),
        (404, 20404, Verdict.REFUSED),
        (500, 20500, Verdict.UNKNOWN),
        (503, 21610, Verdict.UNKNOWN),
        (504, 0, Verdict.UNKNOWN),
        (302, 0, Verdict.REFUSED),
    ],
)
def test_a_response_is_understood_by_its_code(status, code, verdict):
    body = json.dumps({"code": code, "message": "+14155550123 …", "status": status}).encode()
    outcome = twilio.outcome(HttpReply(status, "application/json", body))
    assert outcome.verdict is verdict
    assert "+1415" not in outcome.note
    assert verdict is Verdict.SENT or str(status) in outcome.note


@pytest.mark.parametrize(
    ("status", "code", "verdict", "note"),
    [
        ("failed", 21610, Verdict.OPTED_OUT, "21610, the number has opted out"),
        ("failed", "21610", Verdict.OPTED_OUT, "21610, the number has opted out"),
        ("failed", "²", Verdict.REFUSED, "no code"),
        ("failed", [21610], Verdict.REFUSED, "no code"),
        ("undelivered", 21610, Verdict.OPTED_OUT, "21610, the number has opted out"),
        ("failed", 21611, Verdict.NOT_ACCEPTED, "21611, the sender's queue is full"),
        ("failed", 30034, Verdict.REFUSED, "30034, see twilio.com"),
        ("failed", None, Verdict.REFUSED, "no code"),
        ("queued", None, Verdict.SENT, ""),
        ("accepted", 0, Verdict.SENT, ""),
        ("sent", 21610, Verdict.SENT, ""),
        (None, 21610, Verdict.SENT, ""),
    ],
)
def test_a_message_that_was_made_may_have_failed_already(status, code, verdict, note):
    said = {"sid": "SM9", "status": status, "error_code": code, "error_message": "+14155550123"}
    outcome = twilio.outcome(HttpReply(201, "application/json", json.dumps(said).encode()))
    assert (outcome.verdict, outcome.provider_id) == (verdict, "SM9")
    assert note in outcome.note
    assert "+1415" not in outcome.note


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"sid": 5}', b"\xff", b'{"sid": nul', b'{"status": []}']
)
def test_a_success_that_cannot_be_read_is_sent_all_the_same(body):
    """Trying again would text the subscriber twice."""
    assert twilio.outcome(HttpReply(201, "", body)) == Outcome(Verdict.SENT)
