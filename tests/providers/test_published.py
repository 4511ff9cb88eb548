"""Signatures that vendors published, where a file of them is given: --vectors FILE."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from smsgate.domain.errors import WebhookError
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signed_times import instant_us
from smsgate.domain.tokens import jwt_claims
from smsgate.providers import PROVIDERS
from smsgate.providers.aws_sns import Envelope, string_to_sign
from smsgate.settings import Account
from tests.providers.recorded import account_of

SID = "AC" + "0" * 32


def _twilio(vector: dict) -> tuple[WebhookRequest, Account]:
    inputs = vector["inputs"]
    form = {name: value or "" for name, value in inputs.get("params", {}).items()}
    headers = {name.lower(): value for name, value in inputs.get("headers", {}).items()}
    headers["x-twilio-signature"] = vector["expected_signature"]
    headers["content-type"] = inputs.get("content_type", "application/x-www-form-urlencoded")
    body = inputs.get("raw_body") or urlencode(form, doseq=True)
    shared = inputs.get("shared_key_secret")
    options = {"account_sid": form.get("AccountSid", SID)}
    options |= {"algorithm": "hmac-sha256"} if shared else {}
    secrets = {"shared_key": [shared]} if shared else {"auth_token": [inputs["auth_token"]]}
    request = WebhookRequest("POST", inputs["url"], headers, body.encode())
    return request, account_of("twilio", "twilio", options, secrets)


def _aws_sns(vector: dict) -> tuple[WebhookRequest, Account, int] | bool:
    inputs, scheme = vector["inputs"], vector["scheme"]
    message = dict.fromkeys(
        ("Type", "MessageId", "TopicArn", "Message", "Timestamp", "Signature"), ""
    ) | {"SignatureVersion": "2", "SigningCertURL": inputs.get("url", "")}
    message |= inputs.get("message", {})
    if scheme == "SNS string to sign":
        signed = string_to_sign(msgspec.convert(message, Envelope))
        return signed.decode() == vector["expected_signature"]
    version = "2" if "Version 2" in scheme or "url" in inputs else "1"
    secrets = {"topic_arn": [message["TopicArn"] or "arn"], "secret_access_key": ["x"]}
    account = account_of("aws_sns", "aws_sns", {"signature_version": version}, secrets)
    message["TopicArn"] = message["TopicArn"] or "arn"
    certificate = inputs.get("certificate_pem", "").encode()
    request = WebhookRequest("POST", "", {}, json.dumps(message).encode(), certificate)
    if "url" in inputs:
        return _accepted(request, account, fetch_only=True)
    return request, account, instant_us(message["Timestamp"]) or 0


def _infobip(vector: dict) -> tuple[WebhookRequest, Account, int]:
    inputs, expected = vector["inputs"], vector["expected_signature"]
    time = inputs.get("X-Ib-Exchange-Req-Timestamp", "0")
    exchange = vector["scheme"].startswith("exchange")
    options = {"scheme": "exchange" if exchange else "hmac", "signature_header": "X-Signature"}
    headers = {"x-ib-exchange-req-timestamp": time}
    headers["x-ib-exchange-req-signature" if exchange else "x-signature"] = expected
    account = account_of("i", "infobip", options, {"webhook_secret": [inputs["signing_key"]]})
    request = WebhookRequest("POST", "", headers, inputs["raw_body"].encode())
    return request, account, int(time) * 1000


def _messagebird(vector: dict) -> tuple[WebhookRequest, Account, int]:
    inputs = vector["inputs"]
    body = (inputs["raw_body"] or "").encode()
    secrets = {"signing_key": [inputs["signing_key"] or ""]}
    if "header" in inputs:
        account = account_of("m", "messagebird", {}, secrets)
        headers = {"messagebird-signature-jwt": inputs["header"]}
        request = WebhookRequest("POST", inputs["url"], headers, body)
        return request, account, instant_us(inputs["now"]) or 0
    headers = {
        "messagebird-request-timestamp": inputs["timestamp"],
        "messagebird-signature": vector["expected_signature"],
    }
    url = f"https://example.com/?{urlencode(inputs['query'])}"
    account = account_of("m", "messagebird", {"scheme": "timestamp"}, secrets)
    now_us = int(inputs["timestamp"]) * 1_000_000
    return WebhookRequest("GET", url, headers, body), account, now_us


def _bird(vector: dict) -> tuple[WebhookRequest, Account, int]:
    inputs, expected = vector["inputs"], vector["expected_signature"]
    body = inputs["raw_body"].encode()
    if "secret" in inputs:
        time = inputs["webhook-timestamp"]
        headers = {"webhook-id": inputs["webhook-id"], "webhook-timestamp": time}
        headers["webhook-signature"] = expected
        account = account_of("b", "bird", {}, {"webhook_secret": [inputs["secret"]]})
    else:
        time = inputs["timestamp"]
        headers = {"messagebird-request-timestamp": time, "messagebird-signature": expected}
        account = account_of("b", "bird_channels", {}, {"signing_key": [inputs["signing_key"]]})
    request = WebhookRequest("POST", inputs.get("url", ""), headers, body)
    return request, account, int(time) * 1_000_000


def _telnyx(vector: dict) -> tuple[WebhookRequest, Account, int]:
    inputs = vector["inputs"]
    time = inputs["telnyx-timestamp"]
    headers = {"telnyx-timestamp": time, "telnyx-signature-ed25519": vector["expected_signature"]}
    secrets = {"api_key": ["k"], "public_key": [inputs["public_key_base64"]]}
    request = WebhookRequest("POST", "", headers, inputs["raw_body"].encode())
    return request, account_of("t", "telnyx", {}, secrets), int(time) * 1_000_000


def _standard_webhooks(vector: dict) -> tuple[WebhookRequest, Account, int]:
    inputs = vector["inputs"]
    headers = {name: inputs[name] for name in ("webhook-id", "webhook-timestamp")}
    headers["webhook-signature"] = vector["expected_signature"]
    secrets = {name: [inputs[name]] for name in ("secret", "public_key") if name in inputs}
    options = {"scheme": "v1a" if "public_key" in inputs else "v1"}
    account = account_of("s", "standard_webhooks", options, secrets)
    request = WebhookRequest("POST", "", headers, inputs["raw_body"].encode())
    return request, account, int(inputs["webhook-timestamp"]) * 1_000_000


def _plivo(vector: dict) -> tuple[WebhookRequest, Account]:
    inputs, version = vector["inputs"], vector["name"][:2].lower()
    version = version if version in ("v1", "v2") else "v3"
    form, url = urlencode(inputs.get("params", {})), inputs["url"]
    get = inputs.get("method") == "GET"
    url += ("&" if "?" in url else "?") + form if get else ""
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        f"x-plivo-signature-{version}": vector["expected_signature"],
        f"x-plivo-signature-{version}-nonce": inputs.get("nonce", ""),
    }
    if version == "v1":
        headers["x-plivo-signature"] = vector["expected_signature"]
    options = {"signature": "v3" if version == "v1" else version}
    token = inputs.get("auth_token") or inputs["auth_id"]
    request = WebhookRequest("GET" if get else "POST", url, headers, b"" if get else form.encode())
    return request, account_of("p", "plivo", options, {"auth_token": [token]})


def _signalwire(vector: dict) -> tuple[WebhookRequest, Account]:
    inputs = vector["inputs"]
    form = "params" in inputs
    headers = {
        "content-type": "application/x-www-form-urlencoded" if form else "application/json",
        "x-signalwire-signature": vector["expected_signature"],
    }
    secrets = {"signing_key": [inputs["signing_key"]]}
    request = WebhookRequest("POST", inputs["url"], headers, inputs["raw_body"].encode())
    return request, account_of("s", "signalwire", {}, secrets)


def _vonage(vector: dict) -> tuple[WebhookRequest, Account, int] | bool:
    inputs = vector["inputs"]
    secret = inputs["signature_secret"]
    if "method" in inputs:
        form = {**inputs["params"], "sig": vector["expected_signature"]}
        secrets = {"webhook_secret": [secret]}
        account = account_of("v", "vonage_sms", {"scheme": inputs["method"]}, secrets)
        request = WebhookRequest("POST", "", {}, urlencode(form).encode())
        return request, account, int(form["timestamp"]) * 1_000_000
    authorization = inputs["authorization"]
    claims = jwt_claims(authorization.removeprefix("Bearer "), [secret])
    if "raw_body" not in inputs:  # A token of the library's tests, which is no webhook's.
        return claims is not None
    options = {"api_key": json.loads(claims or b"{}").get("api_key", "")}
    account = account_of("v", "vonage", options, {"signature_secret": [secret]})
    headers = {"authorization": authorization}
    request = WebhookRequest("POST", "", headers, inputs["raw_body"].encode())
    return request, account, json.loads(claims or b"{}").get("iat", 0) * 1_000_000


def _sinch(vector: dict) -> tuple[WebhookRequest, Account, int]:
    inputs, expected = vector["inputs"], vector["expected_signature"]
    conversation = inputs.get("product") == "Conversation API"
    headers = {**inputs.get("headers", {}), "x-sinch-webhook-signature": expected}
    name = "sinch_conversation" if conversation else "sinch"
    account = account_of("s", name, {}, {"webhook_secret": [inputs["secret"]]})
    request = WebhookRequest("POST", "", headers, inputs["raw_body"].encode())
    time = headers.get("x-sinch-webhook-signature-timestamp", "0")
    return request, account, int(time) * 1_000_000


Judged = tuple[WebhookRequest, Account] | tuple[WebhookRequest, Account, int] | bool
"""What is to be verified, when (in us, where a time is signed); or the judgement itself."""

_VENDORS: dict[str, Callable[[dict], Judged]] = {
    "aws-sns": _aws_sns,
    "bird": _bird,
    "infobip": _infobip,
    "messagebird": _messagebird,
    "plivo": _plivo,
    "signalwire": _signalwire,
    "sinch": _sinch,
    "standard-webhooks": _standard_webhooks,
    "telnyx": _telnyx,
    "twilio": _twilio,
    "vonage": _vonage,
}
"""By the vendor's name in the file, which may be that of several providers of ours."""

_DEAD = ("V1 (deprecated)",)
"""Schemes that their vendors gave up; not to be accepted, however genuine."""
_OF_OTHER_PRODUCTS = ("scheme A: hex HMAC-SHA1(url + raw body)", "X-Sinch-Signature")
"""Schemes by which no text to us is signed (SignalWire's calls, Sinch's Numbers): never fit."""


def _accepted(
    request: WebhookRequest, account: Account, now_us: int = 0, *, fetch_only: bool = False
) -> bool:
    provider = PROVIDERS[account.provider]
    try:
        provider.certificate(request, account)
        if not fetch_only:
            provider.verify(request, account, now_us)
    except WebhookError:
        return False
    return True


def test_a_published_signature_is_judged_as_its_publisher_does(published):
    judged = _VENDORS[published["provider"]](published)
    accepted = judged if isinstance(judged, bool) else _accepted(*judged)
    dead = published["scheme"].startswith((*_DEAD, *_OF_OTHER_PRODUCTS))
    assert accepted is (published["valid"] and not dead)
