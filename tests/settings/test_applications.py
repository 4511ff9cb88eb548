"""``[programs.NAME.forward]``: what is read, and what is refused with which words."""

from __future__ import annotations

import base64

import pytest

from smsgate.providers import check_applications

SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"
START = """
[accounts.twilio]
provider = "twilio"
[accounts.telnyx]
provider = "telnyx"

[programs.alerts]
name = "Acme"
account = "%s"
senders = ["*"]
keywords = ["en"]

[programs.alerts.forward]
"""


def faults(read, table: str, account: str = "twilio", **environ: str) -> list[str]:
    settings, found = read(START % account + table, environ)
    found += check_applications(settings.programs, settings.accounts)
    return [f"{one.key} {one.problem}" for one in found]


def test_what_is_not_given_has_a_default(read) -> None:
    environ = {"APP_URL": "https://app.example.com/sms", "APP_SECRET": f"{SECRET},{SECRET}"}
    table = 'url = "${APP_URL}"\nsecret = "${APP_SECRET}"'
    assert faults(read, table, **environ) == []
    settings, _ = read(START % "twilio" + table, environ)
    one = settings.programs.get("alerts").forward
    assert (one.url, len(one.secrets)) == ("https://app.example.com/sms", 2)
    assert (one.messages, one.as_, one.allow_private) == (
        "no_keywords",
        "standard_webhooks",
        False,
    )
    assert SECRET not in repr(settings)
    assert "app.example.com" not in repr(settings)


def test_a_program_without_the_table_has_no_application(read) -> None:
    settings, _ = read((START % "twilio").replace("[programs.alerts.forward]", ""))
    assert settings.programs.get("alerts").forward is None


def test_the_providers_own_request_needs_no_secret(read) -> None:
    table = 'url = "https://app.example.com/sms?a=b"\nas = "original"\nmessages = "all"'
    assert faults(read, table) == []
    settings, _ = read(START % "twilio" + table)
    one = settings.programs.get("alerts").forward
    assert (one.as_, one.messages, one.secrets) == ("original", "all", ())


URL = 'url = "https://app.example.com/"'
BASE64 = "must be whsec_ and 24 to 64 random bytes in base64, to sign calls"


@pytest.mark.parametrize(
    ("table", "key", "problem"),
    [
        ('secret = "whsec_x"', "url", "is missing: it has to be given"),
        (
            'url = "app.example.com"',
            "url",
            "must be a web address without user and fragment, such as https://app.example.com/sms",
        ),
        (
            'url = "http://app.example.com/"',
            "url",
            "must be https: numbers would go over the internet for everybody to read",
        ),
        (
            'url = "https://me:pw@app.example.com/"',
            "url",
            "must be a web address without user and fragment, such as https://app.example.com/sms",
        ),
        (URL, "secret", BASE64),
        (f'{URL}\nsecret = "hello"', "secret", BASE64),
        (
            f'{URL}\nas = "original"\nsecret = "a b"',
            "secret",
            "must be a token without blanks",
        ),
        (f'{URL}\nas = "twilio"', "as", "must be 'standard_webhooks' or 'original'"),
        (f'{URL}\nmessages = "keywords"', "messages", "must be 'all' or 'no_keywords'"),
        (f'{URL}\nsecrets = "x"', "secrets", "there is no such key: did you mean 'secret'?"),
        ('url = "${APP_URL}"', "url", "'${APP_URL}' names a variable that is not set: set it"),
    ],
)
def test_a_fault_is_told_with_what_would_be_right(read, table, key, problem) -> None:
    assert f"programs.alerts.forward.{key} {problem}" in faults(read, table)


def test_requests_that_only_the_provider_can_sign_are_refused_with_those_that_can_be(read) -> None:
    table = 'url = "https://app.example.com/"\nas = "original"'
    assert faults(read, table, "telnyx") == [
        (
            'programs.alerts.forward.as cannot be "original" for telnyx, whose requests cannot be '
            'signed anew; those of signalwire, twilio can: write as = "standard_webhooks"'
        )
    ]
    normal = f'url = "https://app.example.com/"\nsecret = "{SECRET}"'
    assert faults(read, normal, "telnyx") == []


def test_a_plain_address_on_this_network_is_possible_where_it_is_wanted(read) -> None:
    table = f'url = "http://app:8080/"\nsecret = "{SECRET}"\nallow_private = true'
    assert faults(read, table) == []
