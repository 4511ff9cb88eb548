"""Vonage's Messages API: what a token must say, with Vonage's own library as second opinion."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import jwt
import pytest

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, account_of

vonage = PROVIDERS["vonage"]

SECRET = "a-signature-secret-of-32-bytes-or-more"
URL = "https://sms.example.com/webhooks/v"
ACCOUNT = account_of(
    "v", "vonage", {"api_key": "a1b2c3d4"}, {"signature_secret": [SECRET], "api_secret": ["s1"]}
)
BODY = b'{"message_uuid":"1","to":"14155550100","from":"14155550123","channel":"sms","text":"STOP"}'
CLAIMS = {
    "iat": NOW_US // 1_000_000,
    "iss": "Vonage",
    "payload_hash": hashlib.sha256(BODY).hexdigest(),
    "api_key": "a1b2c3d4",
}


def request(claims: dict, algorithm: str = "HS256", body: bytes = BODY) -> WebhookRequest:
    token = jwt.encode(claims, SECRET if algorithm != "none" else None, algorithm=algorithm)
    return WebhookRequest("POST", URL, {"authorization": f"Bearer {token}"}, body)


def without(*names: str) -> dict:
    return {name: value for name, value in CLAIMS.items() if name not in names}


@pytest.mark.parametrize(
    "claims",
    [
        CLAIMS,
        {**CLAIMS, "payload_hash": CLAIMS["payload_hash"].upper()},
        {**CLAIMS, "iat": CLAIMS["iat"] + 0.5},
        {**CLAIMS, "exp": 1, "aud": ""},
        without("api_key"),
    ],
    ids=["as documented", "capitals", "half a second", "more claims", "no key"],
)
def test_a_token_that_says_what_vonage_says_is_accepted(claims):
    vonage.verify(request(claims), ACCOUNT, NOW_US)


@pytest.mark.parametrize(
    "claims",
    [
        without("payload_hash"),
        {**CLAIMS, "payload_hash": ""},
        {**CLAIMS, "payload_hash": hashlib.sha256(b"").hexdigest()},
        {**CLAIMS, "payload_hash": None},
        {**CLAIMS, "iss": "Online JWT Builder"},
        without("iss"),
        {**CLAIMS, "api_key": "another"},
        without("iat"),
        {**CLAIMS, "iat": "1790000000"},
    ],
)
def test_a_token_that_says_something_else_is_forged_however_well_signed(claims):
    with pytest.raises(SignatureRefused) as raised:
        vonage.verify(request(claims), ACCOUNT, NOW_US)
    assert not isinstance(raised.value, SignatureExpired)


def test_a_time_beyond_all_numbers_is_refused():
    for iat in ("1e308", "1e999", "-1e308", "9" * 400):
        claims = json.dumps(CLAIMS).replace(str(CLAIMS["iat"]), iat)
        token = jwt.api_jws.encode(claims.encode(), SECRET, algorithm="HS256")
        headers = {"authorization": f"Bearer {token}"}
        with pytest.raises(SignatureRefused):
            vonage.verify(WebhookRequest("POST", URL, headers, BODY), ACCOUNT, NOW_US)


def test_what_the_simulator_posts_satisfies_vonages_library():
    vonage_jwt = pytest.importorskip("vonage_jwt")
    message = InboundMessage("v", "1", "+14155550123", "22395", "Arrêtez 🛑", sent_us=NOW_US)
    posted = vonage.inbound(message, ACCOUNT, URL)
    token = posted.headers["authorization"].removeprefix("Bearer ")
    assert vonage_jwt.verify_signature(token, SECRET)
    assert not vonage_jwt.verify_signature(token, "another-secret-of-32-bytes-or-more")


def test_a_text_that_is_no_unicode_can_still_be_tried():
    message = InboundMessage("v", "1", "+14155550123", "22395", "st\udcf6p", sent_us=NOW_US)
    posted = vonage.inbound(message, ACCOUNT, URL)
    assert vonage.parse(posted, ACCOUNT) == [replace(message, text="st?p")]
