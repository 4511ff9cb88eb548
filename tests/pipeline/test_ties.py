"""STOP and START of one second, from a provider whose times have seconds only (Kannel)."""

from __future__ import annotations

import pytest

from smsgate.cli.main import run
from smsgate.consent import event_text
from smsgate.domain.messages import InboundMessage
from smsgate.providers import PROVIDERS
from smsgate.store.keys import partition_of
from tests.fakes.own_services import ready_services
from tests.fakes.values import NUMBER

kannel = PROVIDERS["kannel"]

CONFIG = """
[accounts.kannel]
provider = "kannel"
secret   = "a-secret-of-the-tests-that-is-long-enough"
send_url = "https://kannel.example.com/cgi-bin/sendsms"
username = "smsgate"
password = "a-password"

[programs.own]
name     = "Acme Own"
account  = "kannel"
senders  = ["*"]
keywords = ["en"]
region   = "US"
"""
SECOND = 1_790_000_000


@pytest.fixture
def services(environ):
    with ready_services(environ, CONFIG) as made:
        yield made


def receive(services, text: str, second: int = SECOND) -> None:
    message = InboundMessage(
        "kannel", f"{text}-{second}", NUMBER, "+14155550999", text, sent_us=second * 1_000_000
    )
    account = services.settings.accounts["kannel"]
    services.ingest.receive(
        "kannel", kannel.inbound(message, account, "https://sms.example.com/webhooks/kannel")
    )


def outcomes(services) -> list[tuple[str, str]]:
    services.applier.drain(partition_of(NUMBER))
    return [(event.kind, event.outcome) for event in services.history.of_number(NUMBER)]


def test_the_stop_holds_and_the_start_is_a_tie(services) -> None:
    for text in ("STOP", "START"):
        receive(services, text)
    assert outcomes(services) == [("opt_out", "applied"), ("opt_in", "tie")]
    assert (
        services.history.of_number(NUMBER)[-1].note
        == "an opt-out has the same time, and it wins a tie"
    )
    assert not services.gate.allows(NUMBER, program="own")


def test_in_the_other_order_the_stop_holds_too(services) -> None:
    for text in ("START", "STOP"):
        receive(services, text)
    assert outcomes(services) == [("opt_in", "repeat"), ("opt_out", "applied")]
    assert not services.gate.allows(NUMBER, program="own")


def test_a_second_later_it_is_no_tie(services) -> None:
    receive(services, "STOP")
    receive(services, "START", SECOND + 1)
    assert outcomes(services) == [("opt_out", "applied"), ("opt_in", "applied")]


def test_a_second_earlier_it_is_stale(services) -> None:
    receive(services, "STOP")
    receive(services, "START", SECOND - 1)
    assert outcomes(services) == [("opt_out", "applied"), ("opt_in", "stale")]
    assert "newer" in services.history.of_number(NUMBER)[-1].note


def test_history_says_that_it_is_a_tie(services, environ, capsys) -> None:
    for text in ("STOP", "START"):
        receive(services, text)
    services.applier.drain(partition_of(NUMBER))
    assert run(["history", NUMBER], environ) == 0
    said = capsys.readouterr().out
    assert event_text.title(services.history.of_number(NUMBER)[-1]) in said
    assert "an opt-out has the same time, and it wins a tie" in said
