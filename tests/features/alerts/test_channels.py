"""E-mails over real SMTP, and texts through an account to those who may be texted."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from structlog.testing import capture_logs

from smsgate.cli.main import run
from smsgate.consent.composing import segments
from smsgate.domain.errors import CallFailed, StoreUnavailable
from smsgate.features.alerts import cli
from smsgate.features.alerts.channels import configured_channels
from smsgate.features.alerts.message_text import TEST, Notice, sms_text
from smsgate.features.alerts.service import ChannelTester
from smsgate.features.alerts.storage import AlertStorage
from smsgate.metrics.snapshot import Process
from smsgate.pipeline.conditions import Condition
from smsgate.store.shared_keys import PROCESSES
from tests.fakes.mail_server import MailServer
from tests.fakes.own_services import ALERTS, make_services
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.twilio_api import Answer, Drop, TwilioApi
from workers import alert_notifier
from workers.alert_notifier import AlertNotifier

SID, TOKEN = "AC55555555555555555555555555555555", "a-token"
ONE, OTHER = "+14155550111", "+14155550122"
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
def services(tmp_path, redis_url, api):
    toml = ALERTS.replace('a-token"\n', f'a-token"\napi_url = "{api.url}"\n') + TEXT
    made = make_services(tmp_path, redis_url, toml)
    yield made
    made.close()


def texted(api) -> list[str]:
    return [call.form["To"] for call in api.calls]


def test_a_text_goes_to_everybody(services, api):
    [channel] = configured_channels(services)
    channel.send([DEAD, STUCK])
    assert texted(api) == [ONE, OTHER]
    form = api.calls[0].form
    assert form["From"] == "+14155550999"
    assert form["Body"] == (
        "smsgate: inbox alert: 9 entries wait > start one\n"
        "smsgate: replies alert: 3 were given up > retry"
    )


@pytest.mark.parametrize("how", ["hold", "applied", "locked"])
def test_who_has_opted_out_is_not_texted(services, api, how):
    if how == "locked":
        services.manual.lock(ONE, "anna", "asked for it")
    else:
        services.manual.opt_out(ONE, "alerts", "anna", "asked by phone")
    if how != "hold":
        for partition in range(16):
            services.applier.drain(partition)
    [channel] = configured_channels(services)
    channel.send([TEST])
    assert texted(api) == [OTHER]


def test_where_everybody_has_opted_out_it_says_so(services, api):
    for number in (ONE, OTHER):
        services.manual.opt_out(number, "all", "anna", "asked by phone")
    [channel] = configured_channels(services)
    with pytest.raises(CallFailed, match="every number is opted out or locked"):
        channel.send([TEST])
    assert texted(api) == []


def test_where_the_gate_cannot_tell_nobody_is_texted(services, api, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("the store cannot be used")

    monkeypatch.setattr(services.gate, "refused", away)
    [channel] = configured_channels(services)
    with pytest.raises(CallFailed, match="cannot tell who has opted out"):
        channel.send([TEST])
    assert texted(api) == []


def test_a_consent_on_record_is_not_asked_for(services, tmp_path, redis_url, api):
    toml = ALERTS.replace('a-token"\n', f'a-token"\napi_url = "{api.url}"\n')
    toml = toml.replace('region   = "US"', "require_consent = true") + TEXT
    strict = make_services(tmp_path, redis_url, toml)
    [channel] = configured_channels(strict)
    channel.send([TEST])
    strict.close()
    assert texted(api) == [ONE, OTHER]


def test_who_was_told_is_not_told_again_because_another_could_not_be(services, api):
    [channel] = configured_channels(services)
    api.script(Answer(429, code=20429))
    channel.send([TEST])
    api.script(Answer(429, code=20429), Answer(429, code=20429))
    with pytest.raises(CallFailed, match="did not take it"):
        channel.send([TEST])


def test_a_call_of_which_nobody_knows_what_became_is_not_repeated(services, api):
    api.script(Drop(), Drop())
    [channel] = configured_channels(services)
    channel.send([TEST])


def long(count: int, said: str = "é…→“x”" * 12) -> list[Notice]:
    return [
        Notice(Condition(f"C{at}", f"subject {at}", "page", said, "", "`mend` it"), "begins")
        for at in range(count)
    ]


@pytest.mark.parametrize(
    "notices", [[TEST], [OVER], long(1), long(3), long(50), long(1, "x" * 900)]
)
def test_a_text_has_two_segments_at_most_in_the_cheap_alphabet(notices):
    counted = segments.count(sms_text(notices))
    assert counted.segments <= 2
    assert counted.encoding == "GSM-7"


def test_what_does_not_fit_into_a_text_is_counted():
    text = sms_text(long(50))
    shown = len(re.findall("subject", text))
    assert text.endswith(f"\n+{50 - shown} more: smsgate doctor")


def test_a_deadline_lies_ahead_for_providers_that_name_one(services, monkeypatch):
    seen = []
    [channel] = configured_channels(services)
    from smsgate.providers import PROVIDERS

    twilio = PROVIDERS["twilio"]

    described = twilio.reply
    monkeypatch.setattr(twilio, "reply", lambda one, to: seen.append(one) or described(one, to))
    channel.send([TEST])
    assert {one.deadline_us > time.time() * 1_000_000 for one in seen} == {True}
    assert len({one.id for one in seen}) == 2


# --- a test of them, by the clock ---------------------------------------------------------------


@pytest.fixture
def clock(tmp_path, redis_url) -> Iterator[Callable[[str], Mapping[str, str]]]:
    """Starts the part of a clock that tells, with a configuration; gives the terminal's variables.

    The variables of its own are those that it alone has.
    """
    with contextlib.ExitStack() as stack:

        def start(toml: str, **own: str) -> Mapping[str, str]:
            services = make_services(tmp_path, redis_url, toml, **own)
            stack.callback(services.close)
            at = Process("c", "clock", socket.gethostname(), os.getpid(), "v1")
            services.store.heartbeats.beat(at, 600)
            teller = AlertNotifier(services)
            teller.start()
            stack.callback(teller.close)
            return {
                "SMSGATE_CONFIG": str(tmp_path / "config"),
                "SMSGATE_DATA_DIR": str(tmp_path / "var"),
                "REDIS_URL": redis_url,
            }

        yield start


def test_a_clock_without_a_channel_logs_the_digest_of_the_records(tmp_path, redis_url, monkeypatch):
    monkeypatch.setattr(alert_notifier, "PERIOD_S", 0.0)
    with contextlib.closing(make_services(tmp_path, redis_url, ALERTS)) as services:
        services.records.migrate()
        with capture_logs() as lines:
            AlertNotifier(services).run_once()
    assert [(one["event"], one["digest"]) for one in lines] == [("records digest", "none")]


def test_the_terminal_says_what_came_of_a_test_by_each_way(clock, api, capsys):
    with MailServer(refusals={"RCPT": b"550 no"}) as mail:
        toml = ALERTS.replace('a-token"\n', f'a-token"\napi_url = "{api.url}"\n') + TEXT
        toml += (
            f'[alerts.email]\nhost = "127.0.0.1"\nport = {mail.port}\ntls = "none"\n'
            'from = "smsgate@example.com"\nto = ["ops@example.com"]\n'
        )
        environ = clock(toml)
        assert run(["alerts", "test", "--json"], environ) == 2
        found = {one.pop("channel"): one for one in json.loads(capsys.readouterr().out)}
        here = f"{socket.gethostname()}:{os.getpid()}"
        assert found["text"] == {"sent": True, "problem": "", "clock": here}
        assert "refused every recipient" in found["email"]["problem"]
        mail.refusals.clear()
        assert run(["alerts", "test"], environ) == 0
        assert f"ok  email, from the clock at {here}" in capsys.readouterr().out
    assert texted(api) == [ONE, OTHER] * 2


def test_it_is_the_clock_that_tells_by_its_own_ways(clock, capsys, tmp_path):
    """Not the terminal, whose variables and network are its own."""
    with ScriptedApi({"/hook": [(200, b"")]}) as hook:
        environ = clock(ALERTS + '[alerts]\nwebhook = "${HOOK}"\n', HOOK=f"{hook.url}/hook")
        there = dict(environ) | {"HOOK": "https://127.0.0.1:1/nobody"}
        assert run(["alerts", "test"], there) == 0
        assert [json.loads(one.body)["state"] for one in hook.calls] == ["test"]
    assert run(["alerts", "test"], environ) == 2
    assert "'${HOOK}' names a variable that is not set" in capsys.readouterr().err


def test_a_clock_that_has_no_way_to_tell_is_told(clock, capsys):
    assert run(["alerts", "test"], clock(ALERTS)) == 1
    assert "No channel is configured" in capsys.readouterr().out


def test_without_a_clock_nobody_would_be_told(clock, capsys, redis_client):
    environ = clock(ALERTS)
    redis_client.delete(PROCESSES)
    assert run(["alerts", "test"], environ) == 2
    assert "No clock is running" in capsys.readouterr().err


def test_a_clock_that_does_not_answer_is_told(clock, capsys, redis_client, monkeypatch):
    environ = clock(ALERTS)
    monkeypatch.setattr(cli, "TEST_TTL_S", 0)
    monkeypatch.setattr(ChannelTester, "run_requested", lambda _: None)
    assert run(["alerts", "test"], environ) == 2
    assert "did not answer" in capsys.readouterr().out
    (row,) = run_json(["alerts", "test", "--json"], environ, capsys)
    assert (row["sent"], row["problem"]) == (False, "the clock did not answer")


def run_json(arguments, environ, capsys):
    run(arguments, environ)
    return json.loads(capsys.readouterr().out)


def test_a_fault_of_a_channel_is_told_to_whoever_asked(services):
    class Broken:
        name = "email"
        is_digest = True

        def send(self, _):
            raise RuntimeError("something of ours")

    id_ = AlertStorage(services.store.client).request_test()
    ChannelTester(services.store, [Broken()]).run_requested()
    ((outcome,),) = AlertStorage(services.store.client).results(id_).values()
    assert (outcome.sent, "RuntimeError" in outcome.problem) == (False, True)
