"""E-mails over real SMTP: encrypted, signed in, and what a server that refuses them is said."""

from __future__ import annotations

import ssl

import pytest

from smsgate.domain.errors import CallFailed
from smsgate.features.alerts.message_text import Notice, email_body, email_subject
from smsgate.mail import send_email
from smsgate.pipeline.conditions import Condition
from smsgate.settings import Mailbox, Secret
from tests.fakes.mail_server import MailServer, make_certificate
from tests.fakes.served import free_port

USER, PASSWORD = "smsgate", "the-password-of-the-mailbox"
DEAD = Notice(
    Condition("SmsgateDeadLetters", "replies", "ticket", "3 were given up", "", "retry"), "begins"
)
STUCK = Notice(
    Condition("SmsgateInboxStuck", "inbox", "page", "9 entries wait", "", "start one"), "begins"
)
OVER = Notice(
    Condition("SmsgateSpool", "spool", "ticket", "It is as it should be again", ""), "ends"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def mailbox(port: int, **changed) -> Mailbox:
    usual = {"host": "localhost", "sender": "smsgate@example.com", "tls": "starttls"}
    usual |= {"to": ("ops@example.com", "boss@example.com")}
    return Mailbox(**{**usual, "port": port, "user": USER, "password": Secret(PASSWORD), **changed})


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_an_e_mail_goes_out_encrypted_and_signed_in(certificate, tls):
    users = {USER: PASSWORD}
    with MailServer(users, certificate, at_once=tls == "tls") as server:
        notices = [DEAD, STUCK, OVER]
        box = mailbox(server.port, tls=tls)
        send_email(box, email_subject(notices), email_body(notices), certificate.trusted())
    [mail] = server.messages
    assert (mail.encrypted, mail.user) == (True, USER)
    assert (mail.sender, mail.to) == ("smsgate@example.com", box.to)
    assert mail.message["Subject"] == "smsgate: replies alert (and 2 more)"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    told = mail.message.get_content()
    order = [told.index(one) for one in ("Inbox alert (failure", "Replies alert", "Spool resolved")]
    assert order == sorted(order)
    assert "To fix it: start one" in told


def test_without_encryption_nothing_is_asked_of_it():
    with MailServer() as server:
        send_email(mailbox(server.port, tls="none", user="", password=None), "s", "b")
    assert [one.encrypted for one in server.messages] == [False]


@pytest.mark.parametrize(
    ("server", "box", "problem"),
    [
        ({"users": {USER: "another"}}, {}, r"refused user and password \(535\)"),
        ({"refusals": {"RCPT": b"550 no such user"}}, {}, "refused every recipient"),
        ({"refusals": {"DATA": b"554 spam"}}, {}, r"refused the message \(554\)"),
        ({"refusals": {"EHLO": b"250 mail.test"}}, {}, "offers no STARTTLS"),
        ({}, {"tls": "tls"}, "does not speak TLS"),
    ],
)
def test_what_a_server_does_not_take_is_said_without_its_words(certificate, server, box, problem):
    given = {"users": {USER: PASSWORD}, "certificate": certificate, **server}
    with MailServer(**given) as mail, pytest.raises(CallFailed, match=problem) as raised:
        send_email(mailbox(mail.port, **box), "s", "b", certificate.trusted())
    assert PASSWORD not in str(raised.value)
    assert mail.messages == []


def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_message(certificate):
    with (
        MailServer({USER: PASSWORD}, certificate) as mail,
        pytest.raises(CallFailed, match="certificate that is not good"),
    ):
        send_email(mailbox(mail.port), "s", "b")
    with (
        MailServer({USER: PASSWORD}, certificate) as mail,
        pytest.raises(CallFailed, match="certificate that is not good"),
    ):
        send_email(mailbox(mail.port, host="127.0.0.1"), "s", "b", certificate.trusted())
    assert mail.messages == []


def test_a_server_that_is_not_there_is_said_to_be(monkeypatch):
    with pytest.raises(CallFailed, match="cannot be reached"):
        send_email(mailbox(free_port()), "s", "b", ssl.create_default_context())
