"""Requests signed by Twilio's own library, for the tests of our Twilio."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from smsgate.domain.errors import WebhookError
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import account_of

twilio = PROVIDERS["twilio"]

SID = "AC" + "1" * 32
ID = "SM" + "1" * 32
URL = "https://sms.example.com/webhooks/twilio"
FORM = "application/x-www-form-urlencoded"
TOKEN = "first-token"
ACCOUNT = account_of(
    "main", "twilio", {"account_sid": SID}, {"auth_token": [TOKEN, "second-token"]}
)
SHARED = account_of(
    "main",
    "twilio",
    {"account_sid": SID, "algorithm": "hmac-sha256"},
    {"auth_token": [TOKEN], "shared_key": ["webhooks_sharedkey_01:named-key", "plain-key"]},
)
TEXT = {
    "MessageSid": ID,
    "AccountSid": SID,
    "From": "+14155550123",
    "To": "+14155550100",
    "Body": "STOP",
}
MESSAGE = InboundMessage("main", ID, "+14155550123", "+14155550100", "STOP")


def request_of(
    form, *, url=URL, secret=TOKEN, algorithm="HMAC_SHA1", method="POST", kind=FORM, settings=""
):
    """A request signed by Twilio's own library."""
    signature = RequestValidator(secret).compute_signature(
        url, form if method == "POST" else {}, algorithm
    )
    headers = {"content-type": kind, "x-twilio-signature": signature}
    if settings:
        headers["x-twilio-webhooks-signature-settings"] = settings
    return WebhookRequest(method, url, headers, urlencode(form).encode())


def read(request, account=ACCOUNT) -> list[InboundMessage]:
    twilio.verify(request, account, 0)
    return twilio.parse(request, account)


def refusal(request, account=ACCOUNT) -> tuple[int, str]:
    with pytest.raises(WebhookError) as raised:
        read(request, account)
    return raised.value.status, str(raised.value)
