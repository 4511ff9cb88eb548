"""Sinch's two APIs: one scheme, pinned; what may not be moved across its separators; sending."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import HttpReply, Reply, Verdict, WebhookRequest
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
REPLY = Reply("1-0", "opt_out", "s", "+14155550123", "+14155550100", "alerts", "Out. ¡Adiós!", 0)


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


def test_a_reply_is_a_batch_of_one():
    call = sinch.reply(REPLY, SMS)
    assert call.url == "https://eu.sms.api.sinch.com/xms/v1/plan/batches"
    assert call.headers["Authorization"] == "Bearer t1"
    assert json.loads(call.body) == {
        "from": "14155550100",
        "to": ["14155550123"],
        "body": "Out. ¡Adiós!",
        "type": "mt_text",
        "client_reference": "s-1-0",
        "delivery_report": "per_recipient",
    }


def test_a_project_s_access_key_sends_by_a_token_and_by_its_own_host():
    options = {"auth": "project", "project_id": "p", "key_id": "k", "region": "eu"}
    account = account_of("s", "sinch", options, {"webhook_secret": ["x"], "key_secret": ["t2"]})
    call = sinch.reply(REPLY, account)
    assert call.url == "https://zt.eu.sms.api.sinch.com/xms/v1/p/batches"
    assert "Authorization" not in call.headers
    assert call.token_from.url == "https://auth.sinch.com/oauth2/token"
    assert call.token_from.auth == ("k", "t2")


@pytest.mark.parametrize(
    ("channel", "theirs", "properties"),
    [
        ("sms", "SMS", {"SMS_SENDER": "14155550100"}),
        ("mms", "SMS", {"SMS_SENDER": "14155550100"}),
        ("whatsapp", "WHATSAPP", None),
        ("rcs", "RCS", None),
    ],
)
def test_a_reply_in_a_conversation_stays_on_its_channel(channel, theirs, properties):
    fields = {name: getattr(REPLY, name) for name in REPLY.__struct_fields__}
    call = sinch_conversation.reply(Reply(**{**fields, "channel": channel}), CONVERSATION)
    body = json.loads(call.body)
    (identity,) = body["recipient"]["identified_by"]["channel_identities"]
    assert call.url == "https://us.conversation.api.sinch.com/v1/projects/p/messages:send"
    assert call.auth is None
    assert call.token_from.url == "https://auth.sinch.com/oauth2/token"
    assert call.token_from.auth == ("k", "t1")
    assert identity == {"channel": theirs, "identity": "14155550123"}
    assert body["channel_priority_order"] == [theirs]
    assert body["message"] == {"text_message": {"text": "Out. ¡Adiós!"}}
    assert body.get("channel_properties") == properties


@BOTH
@pytest.mark.parametrize(
    ("status", "verdict"),
    [(201, Verdict.SENT), (400, Verdict.REFUSED), (401, Verdict.REFUSED),
     (429, Verdict.NOT_ACCEPTED), (500, Verdict.UNKNOWN)],
)  # fmt: skip
def test_a_response_is_understood_by_its_status(provider, account, status, verdict):
    body = b'{"id": "id-1", "message_id": "id-1", "text": "+14155550123"}'
    outcome = provider.outcome(HttpReply(status, "", body, {"retry-after": "2"}))
    assert outcome.verdict is verdict
    assert outcome.provider_id == ("id-1" if verdict is Verdict.SENT else "")
    assert "4155550123" not in outcome.note
