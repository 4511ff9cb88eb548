"""Bandwidth: the password is everything; copies of group texts; sending."""

from __future__ import annotations

import base64
import json

import pytest

from smsgate.domain.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.base import TextMissing
from tests.providers.recorded import account_of

bandwidth = PROVIDERS["bandwidth"]

ACCOUNT = account_of(
    "b",
    "bandwidth",
    {"account_id": "99", "application_id": "app", "callback_user": "u", "client_id": "c"},
    {"callback_password": ["new", "old"], "client_secret": ["s1"]},
)


def posted(events: object, user: str = "u", password: str = "new") -> WebhookRequest:
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"}
    return WebhookRequest("POST", "", headers, json.dumps(events).encode())


def event(**changes: object) -> dict:
    message = {"id": "1", "owner": "+14155550100", "direction": "in", "from": "+14155550123"}
    return {"type": "message-received", "message": {**message, "text": "STOP", **changes}}


@pytest.mark.parametrize(
    ("time", "sent_us"),
    [("2026-09-21T14:13:18.500Z", 1789999998500000), ("", None), ("soon", None)],
)
def test_the_time_is_that_of_the_text_and_not_of_the_try(time, sent_us):
    """A START that is tried again for a day must not undo the STOP that was texted after it."""
    tried = {**event(time=time), "time": "2026-09-22T09:00:00Z"}
    assert [one.sent_us for one in bandwidth.parse(posted([tried]), ACCOUNT)] == [sent_us]


@pytest.mark.parametrize(
    ("tapped", "text"),
    [
        ({"text": "Unsubscribe", "postbackData": "U1RPUA=="}, "Unsubscribe"),
        ({"text": "", "postbackData": "U1RPUA=="}, "STOP"),
        ({"text": None, "postbackData": "U1RPUA=="}, "STOP"),
        ({"postbackData": "STOP!"}, "STOP!"),
        ({"postbackData": "/w=="}, "/w=="),
        ({"text": ""}, ""),
    ],
)
def test_what_was_tapped_on_rcs_is_what_it_was_called_or_else_what_stands_behind_it(tapped, text):
    tap = event(suggestionResponse=tapped) | {"type": "suggestion-response"}
    del tap["message"]["text"]
    (read,) = bandwidth.parse(posted([tap]), ACCOUNT)
    assert read.text == text


@pytest.mark.parametrize("tapped", [None, {}, {"pairedMessageId": "1"}])
def test_a_tap_that_says_nothing_is_refused(tapped):
    tap = event(suggestionResponse=tapped) | {"type": "suggestion-response"}
    del tap["message"]["text"]
    with pytest.raises(TextMissing):
        bandwidth.parse(posted([tap]), ACCOUNT)
