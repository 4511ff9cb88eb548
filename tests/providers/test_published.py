"""Signatures that vendors published, where a file of them is given: --vectors FILE."""

from __future__ import annotations

from urllib.parse import urlencode

from smsgate.errors import WebhookError
from smsgate.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.contract import Provider
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


_REQUESTS = {"twilio": _twilio}


def _accepted(provider: Provider, request: WebhookRequest, account: Account) -> bool:
    try:
        provider.verify(request, account, 0)
    except WebhookError:
        return False
    return True


def test_a_published_signature_is_judged_as_its_publisher_does(published):
    name = published["provider"]
    request, account = _REQUESTS[name](published)
    assert _accepted(PROVIDERS[name], request, account) is published["valid"]


def test_every_provider_can_be_shown_published_signatures():
    assert sorted(_REQUESTS) == sorted(PROVIDERS)
