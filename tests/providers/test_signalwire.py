"""SignalWire where it differs from Twilio: repeated names, project, the other scheme, sending."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from smsgate.domain.errors import SignatureRefused, WebhookError
from smsgate.domain.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import account_of

signalwire = PROVIDERS["signalwire"]

KEY = "PSK-1"
FORM = "application/x-www-form-urlencoded"
PROJECT = "b2c8d1f0-6a3e-4b7d-9c55-0f1e2d3c4b5a"
URL = "https://sms.example.com/webhooks/s"
ACCOUNT = account_of(
    "s",
    "signalwire",
    {"project_id": PROJECT, "space": "acme"},
    {"signing_key": [KEY], "api_token": ["PT-1"]},
)
TEXT = [("MessageSid", "1"), ("From", "+14155550123"), ("To", "+14155550100"), ("Body", "STOP")]


def signed(form: list, text: str) -> WebhookRequest:
    """A form, and the text over which SignalWire's library makes the signature."""
    code = hmac.new(KEY.encode(), f"{URL}{text}".encode(), hashlib.sha1).digest()
    headers = {
        "content-type": FORM,
        "x-signalwire-signature": base64.b64encode(code).decode(),
    }
    return WebhookRequest("POST", URL, headers, urlencode(form).encode())


def joined(form: list) -> str:
    return "".join(name + value for name, value in form)


def read(request: WebhookRequest) -> list:
    signalwire.verify(request, ACCOUNT, 0)
    return signalwire.parse(request, ACCOUNT)


@pytest.mark.parametrize("repeated", [["z", "a", "z"], ["a", "z"]], ids=["came", "sorted"])
def test_repeated_names_may_be_signed_as_they_came_or_sorted_once(repeated):
    form = [*TEXT, ("Zag", "z"), ("Zag", "a"), ("Zag", "z")]
    text = joined([*sorted(TEXT), *[("Zag", value) for value in repeated]])
    assert [message.text for message in read(signed(form, text))] == ["STOP"]


def test_repeated_names_signed_in_any_other_order_are_refused():
    form = [*TEXT, ("Zag", "z"), ("Zag", "a"), ("Zag", "z")]
    text = joined([*sorted(TEXT), ("Zag", "z"), ("Zag", "z"), ("Zag", "a")])
    with pytest.raises(SignatureRefused):
        read(signed(form, text))


def test_the_scheme_of_swml_and_relay_lets_nothing_in():
    body = json.dumps({"From": "+14155550123", "Body": "START"}).encode()
    code = hmac.new(KEY.encode(), URL.encode() + body, hashlib.sha1).hexdigest()
    headers = {"content-type": "application/json", "x-signalwire-signature": code}
    with pytest.raises(WebhookError) as raised:
        read(WebhookRequest("POST", URL, headers, body))
    assert raised.value.status == 403


def test_twilios_header_does_not_count():
    request = signed(TEXT, joined(sorted(TEXT)))
    headers = dict(request.headers)
    headers["x-twilio-signature"] = headers.pop("x-signalwire-signature")
    with pytest.raises(SignatureRefused):
        read(WebhookRequest("POST", URL, headers, request.body))
