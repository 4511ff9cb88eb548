"""Which requests are Twilio's: secrets, algorithms, accounts, bodies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.providers.twilio_requests import (
    ACCOUNT,
    FORM,
    MESSAGE,
    SHARED,
    TEXT,
    TOKEN,
    URL,
    read,
    refusal,
    request_of,
)

NAMED = "key=webhooks_sharedkey_01,algorithm=HMAC_SHA256"
OTHER = "key=webhooks_sharedkey_99,algorithm=HMAC_SHA256"


@pytest.mark.parametrize(
    ("account", "secret", "algorithm", "settings", "accepted"),
    [
        (ACCOUNT, "first-token", "HMAC_SHA1", "", True),
        (ACCOUNT, "second-token", "HMAC_SHA1", "", True),
        (ACCOUNT, "first-token", "HMAC_SHA1", "algorithm=HMAC_SHA1", True),
        (ACCOUNT, "third-token", "HMAC_SHA1", "", False),
        (ACCOUNT, "first-token", "HMAC_SHA256", "", False),
        (ACCOUNT, "first-token", "HMAC_SHA256", "key=k,algorithm=HMAC_SHA256", False),
        (SHARED, "named-key", "HMAC_SHA256", NAMED, True),
        (SHARED, "plain-key", "HMAC_SHA256", OTHER, True),
        (SHARED, "plain-key", "HMAC_SHA256", "", True),
        (SHARED, "plain-key", "HMAC_SHA256", "rubbish,,=,=x", True),
        # The header narrows the choice; it does not widen it.
        (SHARED, "plain-key", "HMAC_SHA256", NAMED, False),
        (SHARED, "named-key", "HMAC_SHA256", OTHER, False),
        (SHARED, "named-key", "HMAC_SHA256", "", False),
        # Neither the weaker algorithm nor the Auth Token, whatever the header says.
        (SHARED, "plain-key", "HMAC_SHA1", "algorithm=HMAC_SHA1", False),
        (SHARED, "plain-key", "HMAC_SHA1", "", False),
        (SHARED, TOKEN, "HMAC_SHA1", "", False),
        (SHARED, TOKEN, "HMAC_SHA1", "algorithm=HMAC_SHA1", False),
        (SHARED, TOKEN, "HMAC_SHA256", "", False),
        (SHARED, "plain-key", "HMAC_SHA256", "algorithm=HMAC_SHA1", False),
        (SHARED, "plain-key", "HMAC_SHA256", "algorithm=NONE", False),
    ],
)  # fmt: skip
def test_the_account_says_which_secrets_and_which_algorithm_will_do(
    account, secret, algorithm, settings, accepted
):
    request = request_of(TEXT, secret=secret, algorithm=algorithm, settings=settings)
    if accepted:
        assert read(request, account) == [MESSAGE]
    else:
        assert refusal(request, account)[0] == 403


def test_a_request_by_another_algorithm_is_told_what_the_account_expects():
    request = request_of(TEXT, algorithm="HMAC_SHA256", settings="key=k,algorithm=HMAC_SHA256")
    assert refusal(request) == (
        403,
        "The request names another algorithm than the account's `algorithm`, which is hmac-sha1.",
    )


def test_a_genuine_webhook_of_another_account_is_refused():
    """One Auth Token may sign for an account and its subaccounts."""
    status, problem = refusal(request_of({**TEXT, "AccountSid": "AC" + "2" * 32}))
    assert (status, problem) == (403, "The AccountSid is not that of the account in the URL.")


def test_an_account_hidden_behind_the_right_one_is_refused():
    form = [*TEXT.items(), ("AccountSid", "AC" + "2" * 32)]
    url = f"{URL}?{urlencode(form)}"
    assert refusal(request_of(form, url=url, method="GET"))[0] == 403


def test_a_get_is_signed_by_its_url_alone_and_its_body_is_not_read():
    request = request_of(TEXT, url=f"{URL}?{urlencode(TEXT)}", method="GET")
    assert read(replace(request, body=b"Body=START&From=%2B14155550999")) == [MESSAGE]


def test_a_posted_form_is_never_read_from_the_url():
    request = request_of(TEXT, url=f"{URL}?From=%2B14155550999&Body=START")
    assert read(request) == [MESSAGE]


@pytest.mark.parametrize("method", ["POST", "PUT", "get"])
def test_a_signed_url_does_not_vouch_for_a_body(method):
    """Its signature is that of an empty form: nothing unsigned gets in by another type."""
    request = request_of({}, url=f"{URL}?{urlencode(TEXT)}")
    request = replace(
        request,
        method=method,
        headers={**request.headers, "content-type": "text/plain"},
        body=urlencode(TEXT).encode(),
    )
    status, problem = refusal(request)
    assert (status, problem[:29]) == (400, "The body is not form data (ap")


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data; boundary=x"])
def test_a_form_under_another_type_is_refused(kind):
    assert refusal(request_of(TEXT, kind=kind))[0] == 403


@pytest.mark.parametrize("kind", [FORM.upper(), f"{FORM};charset=utf-8", f" {FORM} ; x"])
def test_the_type_of_a_form_may_be_written_in_any_way(kind):
    assert read(request_of(TEXT, kind=kind)) == [MESSAGE]


BODY = b'{"a": 1}'
HASH = hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        (f"bodySHA256={HASH}", BODY, 400),
        (f"x=1&bodySHA256={HASH}&y=2", BODY, 400),
        (f"bodySHA256={HASH}", BODY + b" ", 403),
        (f"bodySHA256={HASH}", b"", 403),
        (f"bodySHA256={HASH[:-1]}", BODY, 403),
        ("bodySHA256=", BODY, 403),
        (f"bodySHA256={HASH}&bodySHA256={HASH}", BODY, 403),
        (f"bodysha256={HASH}", BODY, 400),
        ("", BODY, 400),
    ],
)
def test_a_body_that_is_no_form_needs_its_hash_in_the_signed_url(query, body, status):
    request = request_of({}, url=f"{URL}?{query}", kind="application/json")
    assert refusal(replace(request, body=body))[0] == status
    forged = {**request.headers, "x-twilio-signature": "x" * 28}
    assert refusal(replace(request, body=body, headers=forged))[0] == 403


def test_a_form_of_hundreds_of_fields_is_refused_before_it_is_read():
    request = request_of({**TEXT, **{f"x{number}": "" for number in range(500)}})
    assert refusal(request) == (403, "The form has over 500 fields; Twilio's have dozens.")
    assert read(request_of({**TEXT, **{f"x{number}": "" for number in range(400)}})) == [MESSAGE]
