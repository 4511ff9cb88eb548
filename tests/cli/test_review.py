"""``smsgate review``: what waits for a person is listed and decided at the terminal."""

from __future__ import annotations

from contextlib import closing

import pytest

from smsgate.messages import InboundMessage
from smsgate.providers import twilio
from smsgate.store.keys import lane_of
from smsgate.wiring import build_gateway, load_configuration, publish_programs

NUMBER, OTHER = "+14155550123", "+33612345678"
TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "5" * 32, "TWILIO_AUTH_TOKEN": "opens-nothing"}
UNCLEAR = "para [red]"
"""Not clear, and with what a console might take for its own markup."""
CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${TWILIO_ACCOUNT_SID}"
auth_token  = "${TWILIO_AUTH_TOKEN}"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en", "es"]
"""


@pytest.fixture
def environ(tmp_path, redis_url) -> dict[str, str]:
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    return {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        **TWILIO,
    }


@pytest.fixture
def gateway(environ):
    with closing(build_gateway(load_configuration(environ))) as made:
        made.store.marker.create(buckets=8)
        publish_programs(made)
        yield made


@pytest.fixture
def there(terminal, environ, gateway):
    return terminal(**environ)


@pytest.fixture
def waiting(gateway):
    text = InboundMessage("twilio", "SM1", NUMBER, "+12025550100", "para")
    account = gateway.settings.accounts["twilio"]
    url = "https://sms.example.com/webhooks/twilio"
    assert gateway.receive("twilio", twilio.inbound(text, account, url)).outcome == "review"
    gateway.apply(lane_of(NUMBER))
    return gateway


def reason(gateway) -> str:
    gateway.apply(lane_of(NUMBER))
    return gateway.gate.check([NUMBER], program="alerts")[0].reason


def test_nothing_that_waits_is_said(there):
    assert there.run("review", "list") == 0
    assert there.output == "No text waits for a person.\n"
    assert there.json("review", "list") == []


def test_what_waits_is_listed_with_who_what_and_why(there, waiting):
    assert there.run("review", "list") == 0
    first, second = there.output.splitlines()
    assert first.endswith(f"{NUMBER}  alerts")
    assert second.strip().startswith("'para'  ")
    (row,) = there.json("review", "list")
    assert (row["number"], row["program"], row["text"]) == (NUMBER, "alerts", "para")
    assert row["why"] in second


def test_what_waits_longest_stands_first(there, waiting):
    account = waiting.settings.accounts["twilio"]
    url = "https://sms.example.com/webhooks/twilio"
    later = InboundMessage("twilio", "SM2", OTHER, "+12025550100", "para")
    waiting.receive("twilio", twilio.inbound(later, account, url))
    assert lane_of(OTHER) < lane_of(NUMBER)  # so that the lanes alone would give another order
    assert [row["number"] for row in there.json("review", "list")] == [NUMBER, OTHER]


def test_what_a_subscriber_wrote_is_no_markup(there, gateway, monkeypatch):
    from smsgate.gateway.reviews.reviewing import Waiting

    monkeypatch.setattr(
        "smsgate.gateway.gateway.reviewing.waiting",
        lambda *_: [Waiting("alerts", NUMBER, 1, UNCLEAR, "why [/]")],
    )
    assert there.run("review", "list") == 0
    assert "'para [red]'  why [/]" in there.output


@pytest.mark.parametrize(("decided", "then"), [("opt_out", "opted_out_all"), ("none", "")])
def test_a_decision_holds_and_what_was_decided_waits_no_more(there, waiting, decided, then):
    assert reason(waiting) == "review"
    arguments = ("review", "decide", NUMBER, "--program", "alerts", "--as")
    assert there.run(*arguments, decided) == 0
    assert there.output == f"{NUMBER}, alerts: {decided}.\n"
    assert reason(waiting) == then
    assert there.json("review", "list") == []


def test_a_decision_can_be_taken_back(there, waiting):
    arguments = ("review", "decide", NUMBER, "--program", "alerts", "--as")
    there.run(*arguments, "none")
    assert reason(waiting) == ""
    assert there.run(*arguments, "undo") == 0
    assert reason(waiting) == "review"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((NUMBER, "--program", "alerts", "--as", "opt_out"), NUMBER[-4:]),
        (("nobody", "--program", "alerts", "--as", "none"), "nobody"),
        ((NUMBER, "--program", "alerts", "--as", "maybe"), "maybe"),
        ((NUMBER, "--as", "none"), "--program"),
    ],
)
def test_what_cannot_be_decided_is_told_and_2(there, arguments, said):
    assert there.run("review", "decide", *arguments) == 2
    assert said in there.errors
