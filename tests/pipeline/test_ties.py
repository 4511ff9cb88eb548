"""STOP and START of one second, from a provider whose times have seconds only (Kannel)."""

from __future__ import annotations

import pytest

from smsgate.cli.main import run
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


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([("STOP", 0), ("START", 0)], [("opt_out", "applied"), ("opt_in", "tie")]),
        ([("START", 0), ("STOP", 0)], [("opt_in", "repeat"), ("opt_out", "applied")]),
        ([("STOP", 0), ("START", 1)], [("opt_out", "applied"), ("opt_in", "applied")]),
        ([("STOP", 1), ("START", 0)], [("opt_out", "applied"), ("opt_in", "stale")]),
    ],
)
def test_of_one_second_the_stop_holds_in_either_order(services, texts, expected) -> None:
    for text, later_s in texts:
        receive(services, text, SECOND + later_s)
    assert outcomes(services) == expected
    assert services.gate.allows(NUMBER, program="own") == (expected[-1] == ("opt_in", "applied"))


def test_history_says_that_it_is_a_tie(services, environ, capsys) -> None:
    for text in ("STOP", "START"):
        receive(services, text)
    services.applier.drain(partition_of(NUMBER))
    assert run(["history", NUMBER], environ) == 0
    assert "an opt-out has the same time, and it wins a tie" in capsys.readouterr().out
