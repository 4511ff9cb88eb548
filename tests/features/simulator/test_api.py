from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from smsgate.web import create_app
from tests.fakes.services import SIMULATED, FakeServices, settings

PATH = "/simulator/2010-04-01/Accounts/AC5151/Messages.json"
FORM = {"From": "+15550001111", "To": "+14155550123", "Body": "You are unsubscribed."}


@pytest.fixture
def services() -> FakeServices:
    return FakeServices(settings(accounts={"simulator": SIMULATED}))


def test_a_text_is_answered_as_twilio_does(client: FlaskClient) -> None:
    answer = client.post(PATH, data=FORM, auth=("AC5151", "token"))
    assert answer.status_code == 201
    made = json.loads(answer.data)
    assert (made["from"], made["to"], made["body"]) == tuple(FORM.values())
    assert (made["status"], made["error_code"], made["account_sid"]) == ("queued", None, "AC5151")
    assert made["sid"].startswith("SM")
    assert len(made["sid"]) == 34


def test_a_messaging_service_may_stand_for_the_sender(client: FlaskClient) -> None:
    form = {"MessagingServiceSid": "MG1", "To": FORM["To"], "Body": "x"}
    answer = client.post(PATH, data=form, auth=("AC5151", "token"))
    assert (answer.status_code, answer.json["from"]) == (201, "MG1")


@pytest.mark.parametrize(
    "auth", [None, ("AC5151", ""), ("AC5151", "toke"), ("AC9", "token"), ("", "token")]
)
def test_credentials_are_wanted(client: FlaskClient, auth: tuple[str, str] | None) -> None:
    answer = client.post(PATH, data=FORM, auth=auth)
    assert answer.status_code == 401
    assert json.loads(answer.data)["code"] == 20003


@pytest.mark.parametrize(("missing", "code"), [("To", 21604), ("Body", 21602), ("From", 21603)])
def test_what_is_missing_is_refused_with_twilios_code(
    client: FlaskClient, missing: str, code: int
) -> None:
    form = {name: value for name, value in FORM.items() if name != missing}
    answer = client.post(PATH, data=form, auth=("AC5151", "token"))
    assert answer.status_code == 400
    assert json.loads(answer.data)["code"] == code


def test_without_a_simulated_account_there_is_no_simulator() -> None:
    client = create_app(FakeServices()).test_client()
    assert client.post(PATH, data=FORM, auth=("AC5151", "token")).status_code == 404
