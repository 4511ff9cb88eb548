"""``smsgate doctor ACCOUNT --show-reply``: the request of a reply, without secrets, unsent."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr

from smsgate.domain.errors import AccountNotReady
from smsgate.features.accounts.reply_preview import preview_reply
from smsgate.outbound import Outbound
from smsgate.providers import PROVIDERS
from smsgate.settings import Account
from tests.providers.recorded import everything

CONFIG = """
[accounts.own]
provider      = "form"
secret        = "${OWN_SECRET}"
username      = "acme"
api_key       = "${OWN_KEY}"
to            = "22395"
send_url      = "https://gateway.example.com/v1/{username}?key={api_key}"
send_headers  = "X-Key: {api_key}"
send_template = '{"key": "{api_key}", "to": ["{to}"], "from": "{from}", "text": "{text}"}'

[programs.own]
name     = "Acme & Co"
account  = "own"
senders  = ["*"]
keywords = ["en"]
region   = "US"

[programs.own.replies.en]
opt_out = "{program}: no more texts. START brings them back."
"""
ENVIRON = {"OWN_SECRET": "a-secret-of-the-tests-that-is-long-enough", "OWN_KEY": "k3y&/=+_:x"}


@pytest.fixture
def there(terminal, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        pytest.fail("a call left")

    monkeypatch.setattr(Outbound, "perform", refuse)
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    return lambda **more: terminal(SMSGATE_CONFIG=str(tmp_path), **ENVIRON | more)


def test_the_request_is_shown_as_it_would_leave_and_its_secrets_are_not(there) -> None:
    terminal = there()
    assert terminal.run("doctor", "own", "--show-reply") == 0
    assert terminal.output == (
        "POST https://gateway.example.com/v1/acme?key=•••\n"
        "Content-Type: application/json\n"
        "X-Key: •••\n"
        "\n"
        '{"key": "•••", "to": ["+12025550123"], "from": "22395", '
        '"text": "Acme & Co: no more texts. START brings them back."}\n'
        "\n"
        "Nothing was sent.\n"
    )


def test_other_programs_read_it_as_json(there) -> None:
    (shown,) = there().json("doctor", "own", "--show-reply")["requests"]
    assert (shown["method"], shown["headers"]["X-Key"]) == ("POST", "•••")
    assert json.loads(shown["body"])["from"] == "22395"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "--show-reply"], "There is no account 'nobody'; the accounts are: own."),
        (["--show-reply"], "Name the account"),
    ],
)
def test_without_an_account_there_is_no_reply_to_show(there, arguments, said) -> None:
    terminal = there()
    assert terminal.run("doctor", *arguments) != 0
    assert said in terminal.errors


def test_an_account_that_cannot_send_says_where_to_read_why() -> None:
    account = next(one.account for one in everything() if one.provider == "form")
    with pytest.raises(AccountNotReady, match="`smsgate doctor form` says why"):
        preview_reply(replace(account, secrets={}), None)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_no_secret_of_any_provider_is_shown(provider) -> None:
    recorded = [one for one in everything() if one.provider == provider]
    for account in {str(one.account.options): one.account for one in recorded}.values():
        requests = preview_reply(account, None)
        assert requests[-1].url.startswith("https://")
        for secret in (one for key in account.secrets for one in account.values_of(key)):
            assert secret not in str(requests)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"username": "u"},
        {"send_headers": "X-Key: Token {api_key}"},
        {"send_template": '{"k": "{api_key}", "m": "{text} {to}"}'},
        {"send_body": "form", "send_template": "k={api_key}&m={text}&to={to}"},
        {"send_method": "GET", "send_template": "k={api_key}&m={text}&to={to}"},
        {"send_body": "xml", "send_template": "<a k='{api_key}'>{text} {to} {api_key}</a>"},
        {"send_url": "https://x.example.com/{api_key}/send?k={api_key}"},
    ],
)
@pytest.mark.parametrize("key", ['k"&<\\>/+%=;', "user:p&ss'w/rd", "plain"])
def test_a_secret_is_masked_however_it_is_spelled(options, key) -> None:
    secrets = {"secret": (SecretStr("k7Vq2-path-secret.of~32"),), "api_key": (SecretStr(key),)}
    given = {"send_url": "https://gateway.example.com/send"} | options
    shown = str(preview_reply(Account("own", "form", given, secrets), None))
    assert "•••" in shown
    encoded = base64.b64encode(f"u:{key}".encode()).decode()
    for spelling in (key, quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1], encoded):
        assert spelling not in shown
