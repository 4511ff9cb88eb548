"""Whether an account has what its provider needs: usable, unset, half set, wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.domain.errors import Fault
from smsgate.providers import PROVIDERS, check_accounts, secret_keys, usable
from tests.providers.recorded import account_of

SID = "AC" + "1" * 32
SHA256 = {"account_sid": SID, "algorithm": "hmac-sha256"}
EMPTY = "is empty while the account is in use: set it to"
TOKEN_IS_EMPTY = ("auth_token", f"{EMPTY} the account's Auth Token, without blanks")
SID_IS_EMPTY = ("account_sid", f"{EMPTY} AC and 32 hexadecimal digits")
KEY = "the secret of a SharedKey of Twilio's webhooks API, or its id, a colon and the secret"
KEY_IS_EMPTY = ("shared_key", f"{EMPTY} {KEY}")
WRONG_SID = ("account_sid", "must be AC and 32 hexadecimal digits")
WRONG_ALGORITHM = ("algorithm", "must be hmac-sha1 or hmac-sha256")
KEYS = "account_sid, auth_token, shared_key, algorithm"


@pytest.mark.parametrize(
    ("options", "secrets", "is_usable", "faults"),
    [
        ({"account_sid": SID}, {"auth_token": ["t2", "t1"]}, True, []),
        ({"account_sid": SID, "algorithm": "hmac-sha1"}, {"auth_token": ["t"]}, True, []),
        (SHA256, {"auth_token": ["t"], "shared_key": ["webhooks_sharedkey_1:k"]}, True, []),
        # Nothing is set yet: not usable, and no fault.
        ({}, {}, False, []),
        ({"account_sid": "", "algorithm": "hmac-sha1"}, {"auth_token": [""]}, False, []),
        # Half set.
        ({"account_sid": SID}, {"auth_token": [""]}, False, [TOKEN_IS_EMPTY]),
        ({"account_sid": SID}, {}, False, [TOKEN_IS_EMPTY]),
        ({"account_sid": ""}, {"auth_token": ["t"]}, False, [SID_IS_EMPTY]),
        (SHA256, {"auth_token": ["t"]}, False, [KEY_IS_EMPTY]),
        # Wrong.
        ({"account_sid": SID[:-1]}, {"auth_token": ["t"]}, False, [WRONG_SID]),
        ({"account_sid": SID}, {"auth_token": ["t", "two words"]}, False,
         [("auth_token", "must be the account's Auth Token, without blanks")]),
        ({"account_sid": SID, "algorithm": "md5"}, {"auth_token": ["t"]}, False,
         [WRONG_ALGORITHM]),
        ({"account_sid": SID, "auth_tokn": "t"}, {"auth_token": ["t"]}, True,
         [("auth_tokn", f"twilio has no such key; its keys are {KEYS}")]),
        ({"account_sid": "x", "algorithm": "md5"}, {"auth_token": []}, False,
         [WRONG_SID, WRONG_ALGORITHM, TOKEN_IS_EMPTY]),
    ],
)  # fmt: skip
def test_an_account_is_usable_and_faultless_by_the_fields_of_its_provider(
    options, secrets, is_usable, faults
):
    account = account_of("main", "twilio", options, secrets)
    assert usable(account) is is_usable
    assert check_accounts([account], "config/smsgate.toml") == [
        Fault("config/smsgate.toml", f"accounts.main.{key}", problem) for key, problem in faults
    ]


def test_no_fault_shows_a_value():
    account = account_of(
        "main", "twilio", {"account_sid": "hush-1", "token": "hush-2"}, {"auth_token": ["hush 3"]}
    )
    assert "hush" not in str(check_accounts([account]))


def test_an_unknown_provider_is_a_fault_and_never_usable():
    account = account_of("main", "twillio", {}, {"auth_token": ["t"]})
    assert not usable(account)
    (fault,) = check_accounts([account])
    assert str(fault) == (
        "smsgate.toml: accounts.main.provider: there is no provider 'twillio'; "
        f"it must be one of {', '.join(sorted(PROVIDERS))}"
    )


def test_secrets_stay_secret_where_the_provider_is_misspelt():
    assert secret_keys("twilio") == {"auth_token", "shared_key"}
    assert secret_keys("twillio") >= {"auth_token", "shared_key"}


UUID = "93de2206-9669-4e07-948d-329f4b722ee2"
CALLBACKS = {"account_id": "99", "application_id": UUID, "callback_user": "u"}


@pytest.mark.parametrize(
    ("provider", "options", "secrets", "missing"),
    [
        ("bandwidth", CALLBACKS | {"client_id": "c"}, ["callback_password", "client_secret"], []),
        ("bandwidth", CALLBACKS, ["callback_password"], ["client_id", "client_secret"]),
        ("bandwidth", CALLBACKS | {"auth": "basic", "api_user": "u"},
         ["callback_password", "api_password"], []),
        ("bandwidth", CALLBACKS | {"auth": "basic", "client_id": "c"},
         ["callback_password", "client_secret"], ["api_user", "api_password"]),
        ("sinch", {"service_plan_id": "p"}, ["webhook_secret", "api_token"], []),
        ("sinch", {"auth": "project", "project_id": UUID, "key_id": UUID},
         ["webhook_secret", "key_secret"], []),
        ("sinch", {"auth": "project", "service_plan_id": "p"}, ["webhook_secret", "api_token"],
         ["project_id", "key_id", "key_secret"]),
    ],
)  # fmt: skip
def test_what_is_required_depends_on_how_the_account_sends(provider, options, secrets, missing):
    account = account_of("main", provider, options, {name: ["x"] for name in secrets})
    assert [fault.key for fault in check_accounts([account])] == [
        f"accounts.main.{key}" for key in missing
    ]
    assert usable(account) is (missing == [])


@pytest.mark.parametrize("provider", ["sinch", "vonage_sms", "azure"])
@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("a-Long-secret-01234567", ""),
        ("0123456789abcdef0123456789abcdef", ""),
        ("a-long-secret-0123", "can be guessed: it must have 128 random bits"),
        ("0123456789abcdef0123456789abcde", "can be guessed"),
        ("status", "can be guessed"),
        ("a/secret?of-many=letters", "must be a random text of letters"),
    ],
)
def test_a_secret_that_ends_the_address_must_be_long_and_fit_there(provider, secret, problem):
    options, sending = {
        "sinch": ({"scheme": "path", "service_plan_id": "p"}, "api_token"),
        "vonage_sms": ({"scheme": "path", "api_key": "k"}, "api_secret"),
        "azure": ({"endpoint": "https://acme.communication.azure.com"}, "access_key"),
    }[provider]
    secrets = {"webhook_secret": [secret], sending: ["t"]}
    account = account_of("main", provider, options, secrets)
    faults = check_accounts([account])
    assert usable(account) is (problem == "")
    assert [fault.key for fault in faults] == (["accounts.main.webhook_secret"] if problem else [])
    assert all(fault.problem.startswith(problem) for fault in faults)
    if provider != "azure":
        signed = account_of("main", provider, options | {"scheme": ""}, secrets)
        assert usable(signed)


@pytest.mark.parametrize(
    ("options", "secrets", "unset", "right"),
    [
        # Nothing is set yet.
        ({"account_sid": ""}, {"auth_token": []}, "account_sid", ""),
        # A variable that is missing would be another account, another key or no rotation.
        ({"account_sid": SID}, {}, "auth_token", "set it to the account's Auth Token, without"),
        ({}, {"auth_token": ["t"]}, "account_sid", "set it to AC and 32 hexadecimal digits"),
        ({"account_sid": SID}, {"auth_token": ["t"]}, "auth_token", "set it to the account's Auth"),
        ({"account_sid": SID}, {"auth_token": ["t"]}, "shared_key", "set it, or take the key out"),
    ],
)
def test_a_variable_that_is_not_set_is_a_fault_of_an_account_in_use(
    options, secrets, unset, right
) -> None:
    account = replace(account_of("twilio", "twilio", options, secrets), unset={unset: "${NAME}"})
    faults = check_accounts([account])
    assert [one.key for one in faults] == ([f"accounts.twilio.{unset}"] if right else [])
    said = f"'${{NAME}}' names a variable that is not set: {right}"
    assert all(one.problem.startswith(said) for one in faults)


@pytest.mark.parametrize(
    ("provider", "options", "key"),
    [
        ("kannel", {}, "secret"),
        ("elks", {}, "secret"),
        ("twilio", {}, ""),
        ("sinch", {}, ""),
        ("sinch", {"scheme": "path"}, "webhook_secret"),
        ("vonage_sms", {"scheme": "path"}, "webhook_secret"),
        ("azure", {}, "webhook_secret"),
        ("azure", {"scheme": "entra"}, ""),
        ("form", {}, "secret"),
        ("form", {"secret_header": "x-secret"}, ""),
    ],
)
def test_the_secret_that_ends_the_address_is_known(provider, options, key):
    assert PROVIDERS[provider].path_secret_key(options) == key
