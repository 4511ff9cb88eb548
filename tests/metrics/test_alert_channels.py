"""E-mails over real SMTP, and texts through an account to those who may be texted."""

from __future__ import annotations

import json
import re
import ssl
import time

import pytest

from smsgate.composing import segments
from smsgate.errors import CallFailed, StoreUnavailable
from smsgate.gateway.alerts import mailing
from smsgate.gateway.alerts.channels import channels
from smsgate.gateway.alerts.conditions import Condition
from smsgate.gateway.alerts.wording import TEST, Notice, body, short, subject
from smsgate.settings import Mailbox, Secret
from tests.fakes.mail_server import MailServer, make_certificate
from tests.fakes.own_gateway import ALERTS, make_gateway
from tests.fakes.served import free_port
from tests.fakes.twilio_api import Answer, Drop, TwilioApi

SID, TOKEN = "AC55555555555555555555555555555555", "a-token"
ONE, OTHER = "+14155550111", "+14155550122"
USER, PASSWORD = "smsgate", "the-password-of-the-mailbox"
DEAD = Notice(
    Condition("SmsgateDeadLetters", "replies", False, "3 were given up", "retry"), "begins"
)
STUCK = Notice(
    Condition("SmsgateInboxStuck", "inbox", True, "9 entries wait", "start one"), "begins"
)
OVER = Notice(Condition("SmsgateSpool", "spool", False, "is as it should be again", ""), "ends")


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
        mailing.send(box, subject(notices), body(notices), certificate.trusted())
    [mail] = server.messages
    assert (mail.encrypted, mail.user) == (True, USER)
    assert (mail.sender, mail.to) == ("smsgate@example.com", box.to)
    assert mail.message["Subject"] == "smsgate: replies begins (and 2 more)"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    told = mail.message.get_content()
    order = [
        told.index(one) for one in ("inbox begins (fails now", "replies begins", "spool is over")
    ]
    assert order == sorted(order)
    assert "What mends it: start one" in told


def test_without_encryption_nothing_is_asked_of_it():
    with MailServer() as server:
        mailing.send(mailbox(server.port, tls="none", user="", password=None), "s", "b")
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
        mailing.send(mailbox(mail.port, **box), "s", "b", certificate.trusted())
    assert PASSWORD not in str(raised.value)
    assert mail.messages == []


def test_a_certificate_that_nobody_vouches_for_gets_neither_password_nor_message(certificate):
    with (
        MailServer({USER: PASSWORD}, certificate) as mail,
        pytest.raises(CallFailed, match="certificate that is not good"),
    ):
        mailing.send(mailbox(mail.port), "s", "b")
    with (
        MailServer({USER: PASSWORD}, certificate) as mail,
        pytest.raises(CallFailed, match="certificate that is not good"),
    ):
        mailing.send(mailbox(mail.port, host="127.0.0.1"), "s", "b", certificate.trusted())
    assert mail.messages == []


def test_a_server_that_is_not_there_is_said_to_be(monkeypatch):
    with pytest.raises(CallFailed, match="cannot be reached"):
        mailing.send(mailbox(free_port()), "s", "b", ssl.create_default_context())


TEXT = f"""
[alerts.text]
account = "twilio"
from = "+14155550999"
to = ["{ONE}", "{OTHER}"]
"""


@pytest.fixture
def api():
    with TwilioApi({SID: TOKEN}) as api:
        yield api


@pytest.fixture
def gateway(tmp_path, redis_url, api):
    toml = ALERTS.replace('a-token"\n', f'a-token"\napi_url = "{api.url}"\n') + TEXT
    made = make_gateway(tmp_path, redis_url, toml)
    yield made
    made.close()


def texted(api) -> list[str]:
    return [call.form["To"] for call in api.calls]


def test_a_text_goes_to_everybody(gateway, api):
    [channel] = channels(gateway)
    channel.tell([DEAD, STUCK])
    assert texted(api) == [ONE, OTHER]
    form = api.calls[0].form
    assert form["From"] == "+14155550999"
    assert form["Body"] == (
        "smsgate: inbox begins: 9 entries wait > start one\n"
        "smsgate: replies begins: 3 were given up > retry"
    )


@pytest.mark.parametrize("how", ["hold", "applied", "locked"])
def test_who_has_opted_out_is_not_texted(gateway, api, how):
    if how == "locked":
        gateway.lock(ONE, "anna", "asked for it")
    else:
        gateway.override("suppress", ONE, "alerts", "anna", "asked by phone")
    if how != "hold":
        for lane in range(16):
            gateway.apply(lane)
    [channel] = channels(gateway)
    channel.tell([TEST])
    assert texted(api) == [OTHER]


def test_where_everybody_has_opted_out_it_says_so(gateway, api):
    for number in (ONE, OTHER):
        gateway.override("suppress", number, "all", "anna", "asked by phone")
    [channel] = channels(gateway)
    with pytest.raises(CallFailed, match="every number is opted out or locked"):
        channel.tell([TEST])
    assert texted(api) == []


def test_where_the_gate_cannot_tell_nobody_is_texted(gateway, api, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("the store cannot be used")

    monkeypatch.setattr(gateway.gate, "refused", away)
    [channel] = channels(gateway)
    with pytest.raises(CallFailed, match="cannot tell who has opted out"):
        channel.tell([TEST])
    assert texted(api) == []


def test_a_consent_on_record_is_not_asked_for(gateway, tmp_path, redis_url, api):
    toml = ALERTS.replace('a-token"\n', f'a-token"\napi_url = "{api.url}"\n')
    toml = toml.replace('region   = "US"', "require_consent = true") + TEXT
    strict = make_gateway(tmp_path, redis_url, toml)
    [channel] = channels(strict)
    channel.tell([TEST])
    strict.close()
    assert texted(api) == [ONE, OTHER]


def test_who_was_told_is_not_told_again_because_another_could_not_be(gateway, api):
    [channel] = channels(gateway)
    api.script(Answer(429, code=20429))
    channel.tell([TEST])
    api.script(Answer(429, code=20429), Answer(429, code=20429))
    with pytest.raises(CallFailed, match="did not take it"):
        channel.tell([TEST])


def test_a_call_of_which_nobody_knows_what_became_is_not_repeated(gateway, api):
    api.script(Drop(), Drop())
    [channel] = channels(gateway)
    channel.tell([TEST])


def long(count: int, said: str = "é…→“x”" * 12) -> list[Notice]:
    return [
        Notice(Condition(f"C{at}", f"subject {at}", True, said, "`mend` it"), "begins")
        for at in range(count)
    ]


@pytest.mark.parametrize(
    "notices", [[TEST], [OVER], long(1), long(3), long(50), long(1, "x" * 900)]
)
def test_a_text_has_two_segments_at_most_in_the_cheap_alphabet(notices):
    counted = segments.count(short(notices))
    assert counted.segments <= 2
    assert counted.encoding == "GSM-7"


def test_what_does_not_fit_into_a_text_is_counted():
    text = short(long(50))
    shown = len(re.findall("subject", text))
    assert text.endswith(f"\n+{50 - shown} more: smsgate doctor")


def test_a_deadline_lies_ahead_for_providers_that_name_one(gateway, monkeypatch):
    seen = []
    [channel] = channels(gateway)
    from smsgate.providers import twilio

    described = twilio.reply
    monkeypatch.setattr(twilio, "reply", lambda one, to: seen.append(one) or described(one, to))
    channel.tell([TEST])
    assert {one.deadline_us > time.time() * 1_000_000 for one in seen} == {True}
    assert len({one.id for one in seen}) == 2


def test_the_terminal_says_what_came_of_a_test_by_each_way(
    tmp_path, redis_url, api, capsys, monkeypatch
):
    from smsgate.cli.main import run

    with MailServer(refusals={"RCPT": b"550 no"}) as mail:
        toml = ALERTS.replace('a-token"\n', f'a-token"\napi_url = "{api.url}"\n') + TEXT
        toml += (
            f'[alerts.email]\nhost = "127.0.0.1"\nport = {mail.port}\ntls = "none"\n'
            'from = "smsgate@example.com"\nto = ["ops@example.com"]\n'
        )
        make_gateway(tmp_path, redis_url, toml).close()
        environ = {
            "SMSGATE_CONFIG": str(tmp_path / "config"),
            "SMSGATE_DATA_DIR": str(tmp_path / "var"),
            "REDIS_URL": redis_url,
        }
        assert run(["alerts", "test", "--json"], environ) == 2
        found = {one["channel"]: one for one in json.loads(capsys.readouterr().out)}
        assert found["text"] == {"channel": "text", "told": True, "problem": ""}
        assert "refused every recipient" in found["email"]["problem"]
        mail.refusals.clear()
        assert run(["alerts", "test"], environ) == 0
        assert "ok  email" in capsys.readouterr().out
    assert texted(api) == [ONE, OTHER] * 2
    (tmp_path / "config" / "smsgate.toml").write_text(ALERTS)
    assert run(["alerts", "test"], environ) == 1
    assert "No way to tell anybody is configured" in capsys.readouterr().out
