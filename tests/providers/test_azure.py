"""Azure: the validation of a subscription, Entra's tokens, and calls that can be repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from email.utils import parsedate_to_datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.domain.messages import Reply, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import NOW_US, everything

azure = PROVIDERS["azure"]

RECORDED = {one.name: one for one in everything() if one.provider == "azure"}
ACCOUNT = RECORDED["stop"].account
DEADLINE_US = NOW_US + 300_000_000
REPLY = Reply("1-0", "opt_out", "azure", "+14155550123", "+18885550100", "p", "Out 🛑", DEADLINE_US)


def test_a_new_subscription_is_answered_with_its_code():
    recorded = RECORDED["validation"]
    shaken = azure.handshake(recorded.request, recorded.account)
    assert shaken.call is None
    assert (shaken.answer.status, shaken.answer.content_type) == (200, "application/json")
    assert json.loads(shaken.answer.body) == {
        "validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"
    }


@pytest.mark.parametrize("name", ["stop", "batch", "delivery_reports"])
def test_what_is_no_validation_is_no_handshake(name):
    assert azure.handshake(RECORDED[name].request, ACCOUNT) is None


def test_a_call_is_signed_as_azure_documents_it():
    call = azure.reply(REPLY, ACCOUNT)
    digest = base64.b64encode(hashlib.sha256(call.body).digest()).decode()
    path = "/sms?api-version=2021-03-07"
    host = "acme.unitedstates.communication.azure.com"
    date = call.headers["x-ms-date"]
    signed = f"POST\n{path}\n{date};{host};{digest}"
    key = base64.b64decode("YW4gYWNjZXNzIGtleQ==")
    code = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert call.url == f"https://{host}{path}"
    assert call.headers["x-ms-content-sha256"] == digest
    assert call.headers["Authorization"] == (
        f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={code}"
    )
    signed_s = parsedate_to_datetime(date).timestamp()
    assert abs(signed_s - NOW_US / 1e6) <= 150
    assert abs(signed_s - DEADLINE_US / 1e6) <= 150


OPTIONS = WebhookRequest(
    "OPTIONS",
    RECORDED["stop"].request.url,
    {"webhook-request-origin": "eventgrid.azure.net", "webhook-request-rate": "120"},
    b"",
)


def test_a_cloud_events_subscription_is_allowed_by_the_origin_that_asks():
    azure.verify(OPTIONS, ACCOUNT, NOW_US)
    shaken = azure.handshake(OPTIONS, ACCOUNT)
    assert (shaken.answer.status, shaken.answer.body, shaken.call) == (200, b"", None)
    assert shaken.answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert shaken.answer.headers["WebHook-Allowed-Rate"] == "*"


@pytest.mark.parametrize("origin", ["", "a\r\nSet-Cookie: x", "é", "*", "a" * 300])
def test_an_origin_that_is_no_host_is_allowed_nothing(origin):
    request = replace(OPTIONS, headers={"webhook-request-origin": origin})
    answer = azure.handshake(request, ACCOUNT).answer
    assert (answer.status, answer.headers) == (405, {"Allow": "POST"})


def test_who_does_not_know_the_secret_is_allowed_nothing():
    with pytest.raises(SignatureRefused):
        azure.verify(replace(OPTIONS, url="https://sms.example.com/webhooks/azure"), ACCOUNT, 0)


# --- Entra's tokens -----------------------------------------------------------------------------


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ENTRA = RECORDED["entra"]
TENANT = ENTRA.account.options["tenant"]
CLAIMS = jwt.decode(
    ENTRA.signed.removeprefix("Bearer "), options={"verify_signature": False}, audience=None
)


def with_token(key=KEY, algorithm="RS256", kid="k", keys=None, **changes) -> WebhookRequest:
    claims = {name: one for name, one in {**CLAIMS, **changes}.items() if one is not None}
    token = jwt.encode(claims, key, algorithm, {"kid": kid})
    public = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    certificate = json.dumps({"keys": keys or [{**public, "kty": "RSA", "kid": "k"}]}).encode()
    return replace(
        ENTRA.request, headers={"authorization": f"Bearer {token}"}, certificate=certificate
    )


def accepted(request, now_us=NOW_US) -> bool:
    try:
        azure.verify(request, ENTRA.account, now_us)
    except SignatureExpired:
        raise AssertionError("an old token covers no text: nothing of it may count") from None
    except SignatureRefused:
        return False
    return True


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ENTRA.account.values_of("application")[0]},
        {
            "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "appid": None,
            "azp": "4962773b-9cdb-44cf-a8bf-237846a00ab7",
        },
    ],
)
def test_a_token_of_either_version_for_the_application_is_accepted(changes):
    assert accepted(with_token(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "api://another"},
        {"aud": None},
        {"iss": "https://sts.windows.net/00000000-2222-4333-8444-555555555555/"},
        {"iss": None},
        {"appid": "another-application-of-the-tenant"},
        {"appid": None},
        {"exp": None},
        {"kid": "another"},
        {"key": "a shared secret that is long enough to sign", "algorithm": "HS256"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
        {"keys": [{"kid": "k", "kty": "EC"}]},
        {"keys": [{"kid": "k", "kty": "RSA", "n": "", "e": ""}]},
    ],
)
def test_any_other_token_is_refused(changes):
    assert not accepted(with_token(**changes))


@pytest.mark.parametrize(
    ("off_s", "fits"), [(86_699, True), (86_700, False), (-600, True), (-601, False)]
)
def test_a_token_counts_from_its_beginning_to_its_end(off_s, fits):
    assert accepted(with_token(), NOW_US + off_s * 1_000_000) is fits


def test_the_keys_are_those_of_the_tenant_and_nothing_in_a_request_changes_that():
    call = azure.certificate(with_token(iss="https://evil.example/"), ENTRA.account)
    assert call.url == f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
    assert azure.certificate(RECORDED["stop"].request, ACCOUNT) is None


def test_a_secret_in_the_path_does_not_stand_in_for_a_token():
    secrets = {**ENTRA.account.secrets, **ACCOUNT.secrets}
    account = replace(ENTRA.account, secrets=secrets)
    with pytest.raises(SignatureRefused):
        azure.verify(RECORDED["stop"].request, account, NOW_US)


def test_a_token_that_names_another_algorithm_than_it_was_signed_by_is_refused():
    request = with_token()
    _, claims, _ = request.headers["authorization"].removeprefix("Bearer ").split(".")
    named = json.dumps({"alg": "none", "kid": "k"}).encode()
    signed = f"{base64.urlsafe_b64encode(named).decode().rstrip('=')}.{claims}"
    code = KEY.sign(signed.encode(), padding.PKCS1v15(), SHA256())
    token = f"{signed}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"
    assert not accepted(replace(request, headers={"authorization": f"Bearer {token}"}))
