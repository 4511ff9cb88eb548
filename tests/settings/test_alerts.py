"""``[alerts]``: addresses of Apprise, each a secret."""

from __future__ import annotations

import pytest

ENVIRON = {"MAIL": "mailtos://smsgate:the-pass@mail.example.com?from=a@b.example"}


def test_addresses_come_from_the_file_and_from_variables(read):
    settings, faults = read('[alerts]\nto = ["${MAIL}", "slack://a-token/b/c"]\n', ENVIRON)
    assert faults == []
    assert [one.get_secret_value() for one in settings.alerts.to] == [
        ENVIRON["MAIL"],
        "slack://a-token/b/c",
    ]
    assert "the-pass" not in repr(settings)
    assert "a-token" not in repr(settings)


def test_nothing_is_nobody_to_tell(read):
    assert read("")[0].alerts.to == ()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            '[alerts]\nto = ["ops@example.com"]',
            "alerts.to.0 must be an address, such as mailtos://",
        ),
        (
            '[alerts]\nto = ["mailto://me:the-pass@mail.example.com"]',
            "alerts.to.0 would let the password be read on its way: write mailtos://",
        ),
        (
            '[alerts]\nto = ["${NOWHERE}"]',
            "alerts.to.0 '${NOWHERE}' names a variable that is not set: set it, or take the key",
        ),
        ('[alerts]\nwebhook = "https://h/x"', "alerts.webhook there is no such key"),
        ('[web]\nmail = "slack://a/b/c"', "web.mail must be a mail server, such as mailtos://"),
    ],
)
def test_what_cannot_be_used_is_a_fault_that_says_what_would_be_right(read, table, problem):
    _, faults = read(table, {})
    said = [f"{one.key} {one.problem}" for one in faults]
    assert any(one.startswith(problem) for one in said), said
    assert "the-pass" not in " ".join(said)


def test_a_password_may_go_in_the_clear_on_this_machine(read):
    settings, faults = read('[web]\nmail = "mailto://me:the-pass@127.0.0.1:25"\n')
    assert faults == []
    assert settings.web.mail.get_secret_value() == "mailto://me:the-pass@127.0.0.1:25"
