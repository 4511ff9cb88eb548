"""Messages leave by Apprise in a process that ends; a failure says why, without the address."""

from __future__ import annotations

import json
import subprocess

import pytest
from pydantic import SecretStr

from smsgate import notifications
from smsgate.domain.errors import CallFailed
from smsgate.notifications import Message, send, send_email
from tests.fakes.mail_server import MailServer
from tests.fakes.scripted_api import ScriptedApi

TOKEN = "s3cret-token-of-the-hook"


def test_a_message_is_taken_or_a_sentence_says_why_not() -> None:
    message = Message("title", "body", "failure")
    with ScriptedApi({"/hook": [(200, b""), (500, b"")]}) as hook:
        url = SecretStr(hook.url.replace("http://", "json://") + f"/hook?token={TOKEN}")
        assert send(url, message) == ""
        assert "Internal server error" in send(url, message)
    sent = json.loads(hook.calls[0].body)
    assert (sent["title"], sent["message"], sent["type"]) == ("title", "body", "failure")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"json://127.0.0.1:9/{TOKEN}", "Connection error occurred"),
        (f"nosuch://{TOKEN}", "does not know such an address"),
        (f"mailto://{TOKEN}@", "does not know such an address"),
    ],
)
def test_a_failure_says_why_and_nothing_of_the_secret(url, why) -> None:
    problem = send(SecretStr(url), Message("title", "body"))
    assert why in problem
    assert TOKEN not in problem


def test_a_service_that_does_not_answer_is_given_up(monkeypatch) -> None:
    def hang(*_, timeout, **__):
        raise subprocess.TimeoutExpired("apprise", timeout)

    monkeypatch.setattr(notifications.subprocess, "run", hang)
    assert send(SecretStr("json://h"), Message("t", "b")) == "there was no answer within 30 s"


def test_an_e_mail_goes_to_one_person_as_plain_text() -> None:
    with MailServer() as server:
        url = SecretStr(
            f"mailto://127.0.0.1:{server.port}?from=smsgate@example.com&to=x@example.com"
        )
        send_email(url, "ann@example.com", "Your link", "See https://h/?a=1&b=2 <now>")
        (mail,) = server.messages
        assert mail.to == ("ann@example.com",)
        assert mail.message["Subject"] == "Your link"
        assert mail.message.get_content_type() == "text/plain"
        assert "https://h/?a=1&b=2 <now>" in mail.message.get_content()
        server.refusals = {"RCPT": b"550 no"}
        with pytest.raises(CallFailed):
            send_email(url, "ann@example.com", "Your link", "text")
