"""Infobip: three schemes that must not be mixed, and an API that refuses with 200."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import Reply
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, everything

infobip = PROVIDERS["infobip"]

RECORDED = {one.name: one for one in everything() if one.provider == "infobip"}
REPLY = Reply("1-0", "opt_out", "infobip", "+14155550123", "+14155550100", "p", "Out 🛑", 0)
SCHEMES = {"hmac": "stop", "exchange": "exchange", "basic": "basic"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("other", SCHEMES)
def test_a_request_is_tried_by_the_scheme_of_the_account_alone(scheme, other):
    recorded = RECORDED[SCHEMES[scheme]]
    options = {**recorded.account.options, "scheme": other, "signature_header": "X-Signature"}
    account = replace(recorded.account, options=options)
    if scheme == other:
        infobip.verify(recorded.request, account, NOW_US)
        return
    with pytest.raises(SignatureRefused):
        infobip.verify(recorded.request, account, NOW_US)


def test_the_time_of_one_scheme_cannot_be_moved_into_the_body_of_the_other():
    """It would verify, and with it the check of the time would be lost."""
    recorded = RECORDED["exchange"]
    headers = recorded.request.headers
    moved = replace(
        recorded.request,
        headers={"x-signature": headers["x-ib-exchange-req-signature"]},
        body=headers["x-ib-exchange-req-timestamp"].encode() + recorded.request.body,
    )
    with pytest.raises(SignatureRefused):
        infobip.verify(moved, recorded.account, NOW_US)


def test_the_beginning_of_a_body_cannot_be_moved_into_a_time_that_is_not_signed():
    recorded = RECORDED["stop"]
    beginning, rest = recorded.request.body[:9].decode(), recorded.request.body[9:]
    headers = {**recorded.request.headers, "x-ib-exchange-req-timestamp": beginning}
    with pytest.raises(SignatureRefused):
        infobip.verify(replace(recorded.request, headers=headers, body=rest), recorded.account, 0)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"STOP \ud83d\uded1", "STOP 🛑"),
        (r"STOP \uD83D\uDED1", "STOP 🛑"),
        (r"STOP \ud83d", "STOP ?"),
        (r"\uded1 STOP", "? STOP"),
    ],
)
def test_half_an_emoji_does_not_hide_the_rest_of_a_text(written, text):
    recorded = RECORDED["basic"]
    body = recorded.request.body.replace(b'"text":"STOP"', f'"text":"{written}"'.encode())
    (message,) = infobip.parse(replace(recorded.request, body=body), recorded.account)
    assert message.text == text


def test_a_reply_goes_without_the_plus():
    account = RECORDED["stop"].account
    call = infobip.reply(REPLY, account)
    assert call.url == "https://xyz123.api.infobip.com/sms/3/messages"
    assert call.headers["Authorization"] == "App k"
    (message,) = json.loads(call.body)["messages"]
    (destination,) = message["destinations"]
    assert message["sender"] == "14155550100"
    assert message["content"] == {"text": "Out 🛑"}
    assert destination["to"] == "14155550123"
