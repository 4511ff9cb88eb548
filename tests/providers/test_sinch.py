"""Sinch's two APIs: one scheme, pinned; what may not be moved across its separators; sending."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, account_of

sinch = PROVIDERS["sinch"]
sinch_conversation = PROVIDERS["sinch_conversation"]

SECRET = "webhook-secret"
URL = "https://sms.example.com/webhooks/s"
TIME = str(NOW_US // 1_000_000)
SMS = account_of(
    "s",
    "sinch",
    {"service_plan_id": "plan", "region": "eu"},
    {"webhook_secret": [SECRET], "api_token": ["t1"]},
)
CONVERSATION = account_of(
    "s",
    "sinch_conversation",
    {"project_id": "p", "app_id": "app", "key_id": "k"},
    {"webhook_secret": [SECRET], "key_secret": ["t1"]},
)
BOTH = pytest.mark.parametrize(
    ("provider", "account"),
    [(sinch, SMS), (sinch_conversation, CONVERSATION)],
    ids=["sms", "conversation"],
)


def signed(body: bytes, nonce: str = "n", time: str = TIME, **headers: str) -> WebhookRequest:
    code = hmac.new(SECRET.encode(), body + f".{nonce}.{time}".encode(), hashlib.sha256).digest()
    name = "x-sinch-webhook-signature"
    return WebhookRequest(
        "POST",
        URL,
        {
            name: base64.b64encode(code).decode(),
            f"{name}-nonce": nonce,
            f"{name}-timestamp": time,
            f"{name}-algorithm": "HmacSHA256",
            **headers,
        },
        body,
    )


@BOTH
def test_the_algorithm_may_go_unnamed_and_must_be_no_other(provider, account):
    request = signed(b"{}")
    headers = dict(request.headers)
    del headers["x-sinch-webhook-signature-algorithm"]
    provider.verify(WebhookRequest("POST", URL, headers, b"{}"), account, NOW_US)
    other = signed(b"{}", **{"x-sinch-webhook-signature-algorithm": "HmacSHA1"})
    with pytest.raises(SignatureRefused):
        provider.verify(other, account, NOW_US)


@BOTH
@pytest.mark.parametrize(
    ("nonce", "time"), [("a.b", TIME), ("a", ""), ("a", "x"), ("a", "-1"), ("a", "²")]
)
def test_bytes_cannot_be_moved_between_body_nonce_and_time(provider, account, nonce, time):
    with pytest.raises(SignatureRefused):
        provider.verify(signed(b"{}", nonce, time), account, NOW_US)


def test_a_signature_does_not_count_where_the_path_is_pinned_nor_the_reverse():
    path = account_of("s", "sinch", {"scheme": "path"}, {"webhook_secret": [SECRET]})
    with pytest.raises(SignatureRefused):
        sinch.verify(signed(b"{}"), path, NOW_US)
    with pytest.raises(SignatureRefused):
        sinch.verify(WebhookRequest("POST", f"{URL}/{SECRET}", {}, b"{}"), SMS, NOW_US)


def test_the_time_of_a_text_counts_by_either_scheme():
    body = b'{"type":"mo_text","id":"1","from":"14155550123","to":"22395","body":"STOP",'
    body += b'"received_at":"2026-09-21T14:13:18.500Z"}'
    path = account_of("s", "sinch", {"scheme": "path"}, {"webhook_secret": [SECRET]})
    request = WebhookRequest("POST", f"{URL}/{SECRET}", {}, body)
    assert [one.sent_us for one in sinch.parse(request, SMS)] == [1789999998500000]
    assert [one.sent_us for one in sinch.parse(request, path)] == [1789999998500000]


def test_a_webhook_of_another_app_is_refused():
    with pytest.raises(SignatureRefused, match="app_id"):
        sinch_conversation.verify(signed(b'{"app_id": "another"}'), CONVERSATION, NOW_US)


def test_what_we_sent_is_no_message():
    body = b'{"message": {"id": "1", "direction": "TO_CONTACT", "contact_message": {}}}'
    assert sinch_conversation.parse(signed(body), CONVERSATION) == []
