"""``[alerts]``: the ways, and what is said of a table that cannot be used."""

from __future__ import annotations

import pytest

START = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token"
"""
EMAIL = """
[alerts.email]
host     = "${SMTP_HOST}"
user     = "smsgate"
password = "${SMTP_PASSWORD}"
from     = "smsgate@example.com"
to       = ["ops@example.com"]
"""
TEXT = """
[alerts.text]
account = "twilio"
from    = "MG5"
to      = ["+1 415 555-0123", "${ON_CALL}"]
"""
ENVIRON = {"SMTP_HOST": "mail.example.com", "SMTP_PASSWORD": "pass", "ON_CALL": "+14155550124"}


def test_all_ways_are_read(read):
    settings, faults = read(START + '[alerts]\nwebhook = "https://h/x"\n' + EMAIL + TEXT, ENVIRON)
    assert faults == []
    email, text = settings.alerts.email, settings.alerts.text
    assert settings.alerts.webhook.value == "https://h/x"
    assert (email.host, email.port, email.tls) == ("mail.example.com", 587, "starttls")
    assert (email.user, email.password.value) == ("smsgate", "pass")
    assert (text.account, text.sender) == ("twilio", "MG5")
    assert text.to == ("+14155550123", "+14155550124")
    for secret in ("pass", "4155550123", "https://h/x"):
        assert secret not in repr(settings.alerts).replace("password", "")


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_from_how_it_is_encrypted(read, tls, port):
    table = EMAIL.replace('password = "${SMTP_PASSWORD}"\n', f'tls = "{tls}"\n')
    settings, faults = read(START + table.replace('user     = "smsgate"\n', ""), ENVIRON)
    assert faults == []
    assert settings.alerts.email.port == port


def test_nothing_is_nobody_to_tell(read):
    settings, _ = read(START)
    assert settings.alerts == type(settings.alerts)()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            '"${SMTP_HOST}"',
            '"${NOWHERE}"',
            "email.host '${NOWHERE}' names a variable that is not set",
        ),
        ('"${SMTP_HOST}"', '"smtp://mail"', "email.host is no host"),
        ('password = "${SMTP_PASSWORD}"', "", "email.user and `password` belong together"),
        (
            'user     = "smsgate"',
            'user = "smsgate"\ntls = "none"',
            "email.tls would let the password",
        ),
        ('user     = "smsgate"', 'tls = "ssl"', "email.tls must be"),
        ('user     = "smsgate"', "port = 0", "email.port must be at least 1"),
        ('"smsgate@example.com"', '"Ops <ops@example.com>"', "email.from is no e-mail address"),
        (
            '["ops@example.com"]',
            '["a@b\\r\\nBcc: x@y"]',
            "email.to.0 is no e-mail address",
        ),
        ('host     = "${SMTP_HOST}"', 'hosts = "x"', "email.hosts there is no such key"),
        ('"twilio"\nfrom', '"twillio"\nfrom', "text.account there is no account 'twillio'"),
        ('"${ON_CALL}"', '"12"', "text.to.1 is no phone number"),
        ('"${ON_CALL}"', '"${NOWHERE}"', "text.to.1 '${NOWHERE}' names a variable that is not set"),
    ],
)
def test_what_cannot_be_used_is_a_fault_that_says_what_would_be_right(read, before, after, problem):
    tables = EMAIL + TEXT
    assert before in tables
    _, faults = read(START + tables.replace(before, after, 1), ENVIRON)
    said = [f"{one.key} {one.problem}" for one in faults]
    assert any(one.startswith(f"alerts.{problem}") for one in said), said
    assert "pass" not in " ".join(said).replace("password", "")


def test_a_webhook_whose_variable_is_not_set_is_a_fault_and_not_nobody(read):
    settings, faults = read(START + '[alerts]\nwebhook = "${NOWHERE}"\n')
    assert settings.alerts.webhook is None
    assert [(one.key, one.problem) for one in faults] == [
        (
            "alerts.webhook",
            "'${NOWHERE}' names a variable that is not set: set it, or take the key out",
        )
    ]
