"""``smsgate doctor ACCOUNT`` asks Twilio through its own SDK; here Twilio is a small server."""

from __future__ import annotations

import json
from http.server import ThreadingHTTPServer
from typing import ClassVar

import pytest
from pydantic import SecretStr

from smsgate.features.accounts.doctor import check_twilio
from smsgate.outbound import Outbound
from smsgate.settings import Account, Program, Programs
from tests.fakes.loopback import QuietHandler, serving

SID = "AC" + "5" * 32
SERVICE = "MG" + "6" * 32
NUMBER = "+14155550999"
HERE = "https://sms.example.com/webhooks/twilio"
OUTBOUND = Outbound(public_only=True, private_hosts=["127.0.0.1"])


def account(api_url: str) -> Account:
    return Account(
        name="twilio",
        provider="twilio",
        options={"account_sid": SID},
        secrets={"auth_token": (SecretStr("token"),)},
        public_url="https://sms.example.com",
        api_url=api_url,
    )


@pytest.fixture
def twilio():
    """Answers what ``answers`` has for a path; keeps the Authorization headers."""

    class Handler(QuietHandler):
        answers: ClassVar[dict[str, object]] = {}
        credentials: ClassVar[list[str]] = []

        def do_GET(self):  # noqa: N802 - as http.server has it
            self.credentials.append(self.headers.get("Authorization", ""))
            found = self.answers.get(self.path.partition("?")[0])
            body = json.dumps(found or {"code": 20404, "message": "not found"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield Handler, url


def ask(url: str, sender: str):
    made = account(url)
    programs = Programs(
        [Program(name="alerts", title="A", account="twilio", senders=(sender,), keywords=("en",))]
    )
    return [(one.state, one.text) for one in check_twilio(made, programs, OUTBOUND)]


def numbers(sms_url: str | None):
    row = {"sid": "PN1", "phone_number": NUMBER, "sms_url": sms_url, "sms_method": "POST"}
    return {"incoming_phone_numbers": [row] if sms_url is not None else []}


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
def test_a_number_s_webhook_is_compared(twilio, sms_url, state, said):
    handler, url = twilio
    handler.answers = {f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json": numbers(sms_url)}
    ((found, sentence),) = ask(url, NUMBER)

    assert found == state
    assert said in sentence
    assert handler.credentials[-1].startswith("Basic ")


@pytest.mark.parametrize(
    ("service", "state"),
    [
        ({"use_inbound_webhook_on_number": True}, "ok"),
        ({"inbound_request_url": HERE, "use_inbound_webhook_on_number": False}, "ok"),
        ({"inbound_request_url": None, "use_inbound_webhook_on_number": False}, "fault"),
    ],
)
def test_a_service_s_webhook_is_compared(twilio, service, state):
    handler, url = twilio
    handler.answers = {f"/v1/Services/{SERVICE}": {"sid": SERVICE, **service}}

    assert [found for found, _ in ask(url, SERVICE)] == [state]


@pytest.mark.parametrize("sender", [NUMBER, SERVICE])
def test_a_twilio_that_cannot_be_asked_is_one_line(twilio, sender):
    handler, url = twilio
    handler.answers = {}
    for where in (url, "http://127.0.0.1:1"):
        ((state, said),) = ask(where, sender)
        assert state == "warning"
        assert "\n" not in said


def test_senders_of_no_kind_that_twilio_lists_are_passed_over(twilio):
    assert ask(twilio[1], "*") == []
