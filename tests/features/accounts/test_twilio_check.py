"""``smsgate doctor ACCOUNT`` asks Twilio where texts go; here Twilio is a small server."""

from __future__ import annotations

import base64
import json

import pytest
from pydantic import SecretStr

from smsgate.features.accounts.doctor import check_twilio
from smsgate.outbound import Outbound
from smsgate.settings import Account, Program, Programs
from tests.fakes.scripted_api import ScriptedApi

SID = "AC" + "5" * 32
SERVICE = "MG" + "6" * 32
NUMBER = "+14155550999"
HERE = "https://sms.example.com/webhooks/twilio"
OUTBOUND = Outbound(public_only=True, private_hosts=["127.0.0.1"])
NUMBERS_PATH = f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json"


def ask(sender: str, answers: dict[str, object], url: str = "") -> list[tuple[str, str]]:
    """What is said of a sender by a Twilio that has these answers by path, or by that URL."""
    scripted = {path: [(200, json.dumps(one).encode())] for path, one in answers.items()}
    with ScriptedApi(scripted) as api:
        account = Account(
            name="twilio",
            provider="twilio",
            options={"account_sid": SID},
            secrets={"auth_token": (SecretStr("token"),)},
            public_url="https://sms.example.com",
            api_url=url or api.url,
        )
        program = Program(
            name="alerts", title="A", account="twilio", senders=(sender,), keywords=("en",)
        )
        found = [
            (one.state, one.text) for one in check_twilio(account, Programs([program]), OUTBOUND)
        ]
    basic = "Basic " + base64.b64encode(f"{SID}:token".encode()).decode()
    assert {call.authorization for call in api.calls} <= {basic}
    return found


@pytest.mark.parametrize(
    ("sms_url", "state", "said"),
    [
        (HERE, "ok", "here"),
        (HERE + "#rc=2", "ok", "here"),
        ("https://demo.twilio.com/x", "fault", HERE),
        ("", "fault", "nobody"),
        (None, "fault", "no number of this account"),
    ],
)
def test_a_number_s_webhook_is_compared(sms_url, state, said):
    row = {"sid": "PN1", "phone_number": NUMBER, "sms_url": sms_url, "sms_method": "POST"}
    answer = {"incoming_phone_numbers": [row] if sms_url is not None else []}
    ((found, sentence),) = ask(NUMBER, {NUMBERS_PATH: answer})
    assert found == state
    assert said in sentence


@pytest.mark.parametrize(
    ("service", "state"),
    [
        ({"use_inbound_webhook_on_number": True}, "ok"),
        ({"inbound_request_url": HERE, "use_inbound_webhook_on_number": False}, "ok"),
        ({"inbound_request_url": None, "use_inbound_webhook_on_number": False}, "fault"),
    ],
)
def test_a_service_s_webhook_is_compared(service, state):
    told = ask(SERVICE, {f"/v1/Services/{SERVICE}": {"sid": SERVICE, **service}})
    assert [found for found, _ in told] == [state]


@pytest.mark.parametrize("sender", [NUMBER, SERVICE])
@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1"])
def test_a_twilio_that_cannot_be_asked_is_one_line(sender, url):
    ((state, said),) = ask(sender, {}, url)
    assert state == "warning"
    assert "\n" not in said


def test_senders_of_no_kind_that_twilio_lists_are_passed_over():
    assert ask("*", {}) == []
