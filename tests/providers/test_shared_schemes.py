"""Schemes of several providers, against the libraries that others use for them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.providers.shared_schemes import check_standard_webhook, standard_webhook_signature
from smsgate.providers.tokens import base64_url, jwt_claims

NOW_S = 1_790_000_000
NOW_US = NOW_S * 1_000_000
SECRET = "whsec_" + base64.b64encode(b"a key that opens nothing").decode()
KEY = "a-key-that-opens-nothing-but-is-long-enough-for-every-algorithm-of-all"


def headers_of(body: bytes, secret=SECRET, time=str(NOW_S), signature=None):
    signature = signature or standard_webhook_signature("msg_1", time, body, secret)
    return {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": signature}


# --- Standard Webhooks ----------------------------------------------------------------------------


@given(body=st.text(), key=st.binary(min_size=1, max_size=64))
def test_a_webhook_is_signed_as_the_standards_own_library_does(body, key):
    secret = "whsec_" + base64.b64encode(key).decode()
    expected = Webhook(secret).sign("msg_1", datetime.fromtimestamp(NOW_S, UTC), body)
    signed = body.encode("utf-8", "surrogatepass")
    assert standard_webhook_signature("msg_1", str(NOW_S), signed, secret) == expected


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é", "whsec_*", "whsec_A"])
def test_a_secret_that_is_none_fits_nothing(secret):
    code = base64.b64encode(hmac.digest(b"", f"msg_1.{NOW_S}.x".encode(), "sha256")).decode()
    for signature in (f"v1,{code}", "v1,", "", "v1"):
        with pytest.raises(SignatureRefused):
            check_standard_webhook(headers_of(b"x", signature=signature), b"x", [secret], NOW_US)


@pytest.mark.parametrize("time", ["", "now", "-1", "1.5", "١٧٩٠٠٠٠٠٠٠", "+1790000000"])
def test_a_time_that_is_none_is_refused_even_if_it_is_signed(time):
    with pytest.raises(SignatureRefused) as raised:
        check_standard_webhook(headers_of(b"x", time=time), b"x", [SECRET], NOW_US)
    assert not isinstance(raised.value, SignatureExpired)


# --- JSON Web Tokens ------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("headers", [{}, {"typ": None}, {"kid": "1", "zip": "x"}])
def test_a_token_is_read_whatever_else_its_header_says(algorithm, headers):
    token = jwt.encode({"a": 1}, KEY, algorithm, headers)
    assert jwt_claims(token, ["another", KEY], dict) == {"a": 1}
    assert jwt_claims(token, ["another"], dict) is None
    assert jwt_claims(token, [], dict) is None


@pytest.mark.parametrize("algorithm", ["none", "None", "RS256", "hs256", "", 256, None])
def test_a_token_of_any_other_algorithm_is_none(algorithm):
    header = json.dumps({"alg": algorithm}).encode()
    signed = f"{base64_url(header)}.{base64_url(b'{}')}"
    code = hmac.digest(KEY.encode(), signed.encode(), "sha256")
    for signature in ("", base64_url(code), base64_url(hashlib.sha256(signed.encode()).digest())):
        assert jwt_claims(f"{signed}.{signature}", [KEY, ""], dict) is None


def test_an_empty_secret_signs_no_token():
    header = base64_url(b'{"alg":"HS256"}')
    signed = f"{header}.{base64_url(b'{}')}"
    code = base64_url(hmac.digest(b"", signed.encode(), "sha256"))
    assert jwt_claims(f"{signed}.{code}", [""], dict) is None


@given(st.text())
def test_no_text_breaks_the_reading_of_a_token(text):
    assert jwt_claims(text, [KEY], dict) is None
    assert jwt_claims(f"{text}.{text}.{text}", [KEY], dict) is None
