"""A provider's own request, signed anew for another address, is one that its own check accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from smsgate.domain.entry_parts import OriginalRequest
from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.pipeline.forwards import posted_of
from smsgate.providers import FORWARDING_ORIGINALS, PROVIDERS
from smsgate.settings import Account

APP = "https://app.example.com/sms?of=acme"
MESSAGE = InboundMessage("a", "SM1", "+14155550123", "+14155550999", "Où? & 1+1=2 🎉")
TWILIO = Account(
    "a",
    "twilio",
    {"account_sid": "AC" + "5" * 32},
    {"auth_token": (SecretStr("newest"), SecretStr("older"))},
)
SHARED = replace(
    TWILIO,
    options={**TWILIO.options, "algorithm": "hmac-sha256"},
    secrets={"shared_key": (SecretStr("webhooks_sharedkey_ab:hidden"),)},
)
SIGNALWIRE = Account(
    "a",
    "signalwire",
    {"project_id": "6b1a7cc1-0b1a-4c6f-9d5e-0a1b2c3d4e5f", "space": "acme"},
    {
        "signing_key": (SecretStr("PSKnewest"), SecretStr("PSKolder")),
        "api_token": (SecretStr("PT1"),),
    },
)
EACH = pytest.mark.parametrize(
    "account", [TWILIO, SHARED, SIGNALWIRE], ids=["twilio", "shared key", "signalwire"]
)


def arrived(call) -> WebhookRequest:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return WebhookRequest(call.method, call.url, headers, call.body)


@EACH
def test_the_same_form_is_accepted_at_the_new_address_by_the_newest_secret_alone(account) -> None:
    provider = PROVIDERS[account.provider]
    request = provider.inbound(MESSAGE, account, "https://sms.example.com/webhooks/a")
    call = FORWARDING_ORIGINALS[account.provider].original_call(
        posted_of(request), APP, account, ""
    )

    assert (call.url, call.body) == (APP, request.body)
    newest = replace(account, secrets={key: some[:1] for key, some in account.secrets.items()})
    provider.verify(arrived(call), newest, 0)
    assert provider.parse(arrived(call), newest) == provider.parse(request, account)
    with pytest.raises(SignatureRefused):
        provider.verify(replace(arrived(call), url=request.url), account, 0)


@EACH
def test_a_token_that_is_named_signs_in_the_plain_way(account) -> None:
    request = PROVIDERS[account.provider].inbound(MESSAGE, account, "https://sms.example.com/")
    call = FORWARDING_ORIGINALS[account.provider].original_call(
        posted_of(request), APP, account, "another"
    )
    key = "signing_key" if account.provider == "signalwire" else "auth_token"
    options = {name: text for name, text in account.options.items() if name != "algorithm"}
    other = replace(account, options=options, secrets={key: (SecretStr("another"),)})
    PROVIDERS[account.provider].verify(arrived(call), other, 0)


@EACH
@pytest.mark.parametrize("url", [APP, "https://app.example.com/sms"])
def test_a_get_has_its_form_in_the_address_that_is_signed(account, url) -> None:
    request = PROVIDERS[account.provider].inbound(MESSAGE, account, "https://sms.example.com/")
    posted = posted_of(WebhookRequest("GET", f"https://x/?{request.body.decode()}", {}, b""))
    call = FORWARDING_ORIGINALS[account.provider].original_call(posted, url, account, "")

    assert (call.method, call.body) == ("GET", b"")
    assert call.url.startswith(url)
    PROVIDERS[account.provider].verify(arrived(call), account, 0)


def test_what_carries_no_form_cannot_be_posted_again() -> None:
    events = WebhookRequest("POST", "https://x/", {"content-type": "application/json"}, b"[]")
    assert posted_of(events) is None
    form = WebhookRequest(
        "POST", "https://x/", {"content-type": "application/x-www-form-urlencoded"}, b"a=b"
    )
    assert posted_of(form) == OriginalRequest("POST", "application/x-www-form-urlencoded", b"a=b")
