"""MessageBird: what a token must say, and the older signature that an account may name instead."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import jwt
import pytest

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, everything

messagebird = PROVIDERS["messagebird"]

RECORDED = {one.name: one for one in everything() if one.provider == "messagebird"}
STOP = RECORDED["stop_form"]
KEY = STOP.account.newest_secret("signing_key")
NOW_S = NOW_US // 1_000_000
CLAIMS = {
    "iss": "MessageBird",
    "nbf": NOW_S,
    "exp": NOW_S + 60,
    "url_hash": hashlib.sha256(STOP.request.url.encode()).hexdigest(),
    "payload_hash": hashlib.sha256(STOP.request.body).hexdigest(),
}


def verify(claims, algorithm="HS256", key=KEY):
    token = jwt.encode(claims, key, algorithm)
    messagebird.verify(STOP.with_signature(token), STOP.account, NOW_US)


def without(name):
    return {key: value for key, value in CLAIMS.items() if key != name}


@pytest.mark.parametrize(
    "claims",
    [
        *(without(name) for name in CLAIMS),
        CLAIMS | {"iss": "Somebody"},
        CLAIMS | {"url_hash": CLAIMS["payload_hash"]},
        CLAIMS | {"payload_hash": CLAIMS["url_hash"]},
        CLAIMS | {"payload_hash": ""},
        CLAIMS | {"exp": "later"},
        {},
    ],
)
def test_a_token_that_lacks_a_claim_or_is_about_something_else_is_refused(claims):
    with pytest.raises(SignatureRefused) as raised:
        verify(claims)
    assert not isinstance(raised.value, SignatureExpired)


@pytest.mark.parametrize(("nbf", "exp"), [(2, 60), (-60, -2)])
def test_a_token_for_another_time_is_right_but_late(nbf, exp):
    with pytest.raises(SignatureExpired):
        verify(CLAIMS | {"nbf": NOW_S + nbf, "exp": NOW_S + exp})


@pytest.mark.parametrize("scheme", ["", "timestamp"])
def test_a_request_is_tried_by_the_scheme_of_the_account_alone(scheme):
    recorded = RECORDED["stop_form" if scheme else "old_signature"]
    account = replace(recorded.account, options={"scheme": scheme})
    with pytest.raises(SignatureRefused):
        messagebird.verify(recorded.request, account, NOW_US)


def test_the_older_signature_covers_the_query_in_any_order():
    recorded = RECORDED["old_signature_get"]
    path, _, query = recorded.request.url.partition("?")
    turned = "&".join(reversed(query.split("&")))
    request = replace(recorded.request, url=f"{path}?{turned}")
    messagebird.verify(request, recorded.account, NOW_US)
    changed = replace(request, url=request.url.replace("stop+it", "stop+yt"))
    with pytest.raises(SignatureRefused):
        messagebird.verify(changed, recorded.account, NOW_US)


@pytest.mark.parametrize("plus", ["%2B", "+"])
def test_the_time_is_read_whether_its_plus_was_escaped_or_not(plus):
    created = f"2026-09-21T15:33:20{plus}02:00"
    body = f"id=1&originator=14155550123&recipient=22395&body=STOP&createdDatetime={created}"
    request = replace(STOP.request, body=body.encode())
    (message,) = messagebird.parse(request, STOP.account)
    assert message.sent_us == 1_789_997_600_000_000
