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


def test_a_text_is_kept_and_answered_as_twilio_does(
    client: FlaskClient, services: FakeServices
) -> None:
    answer = client.post(PATH, data=FORM, auth=("AC5151", "token"))
    assert answer.status_code == 201
    made = json.loads(answer.data)
    [kept] = services.store.simulator.texts
    assert {"to": made["to"], "from": made["from"], "body": made["body"]} == {
        "to": FORM["To"],
        "from": FORM["From"],
        "body": FORM["Body"],
    }
    assert (made["status"], made["error_code"], made["account_sid"]) == ("queued", None, "AC5151")
    assert made["sid"].startswith("SM")
    assert len(made["sid"]) == 34
    assert kept["sid"] == made["sid"]
    assert (kept["from"], kept["to"], kept["body"]) == tuple(FORM.values())


def test_a_messaging_service_may_stand_for_the_sender(
    client: FlaskClient, services: FakeServices
) -> None:
    form = {"MessagingServiceSid": "MG1", "To": FORM["To"], "Body": "x"}
    assert client.post(PATH, data=form, auth=("AC5151", "token")).status_code == 201
    assert services.store.simulator.texts[0]["from"] == "MG1"


@pytest.mark.parametrize(
    "auth", [None, ("AC5151", ""), ("AC5151", "toke"), ("AC9", "token"), ("", "token")]
)
def test_credentials_are_wanted(
    client: FlaskClient, services: FakeServices, auth: tuple[str, str] | None
) -> None:
    answer = client.post(PATH, data=FORM, auth=auth)
    assert answer.status_code == 401
    assert json.loads(answer.data)["code"] == 20003
    assert services.store.simulator.texts == []


def test_a_token_is_no_credential_in_another_scheme(
    client: FlaskClient, services: FakeServices
) -> None:
    answer = client.post(PATH, data=FORM, headers={"Authorization": "Bearer token"})
    assert answer.status_code == 401


def test_another_account_is_refused(client: FlaskClient, services: FakeServices) -> None:
    answer = client.post(PATH.replace("AC5151", "AC9"), data=FORM, auth=("AC9", "token"))
    assert answer.status_code == 401


@pytest.mark.parametrize(("missing", "code"), [("To", 21604), ("Body", 21602), ("From", 21603)])
def test_what_is_missing_is_refused_with_twilios_code(
    client: FlaskClient, services: FakeServices, missing: str, code: int
) -> None:
    form = {name: value for name, value in FORM.items() if name != missing}
    answer = client.post(PATH, data=form, auth=("AC5151", "token"))
    assert answer.status_code == 400
    assert json.loads(answer.data)["code"] == code
    assert services.store.simulator.texts == []


def test_without_a_simulated_account_there_is_no_simulator() -> None:
    client = create_app(FakeServices()).test_client()
    assert client.post(PATH, data=FORM, auth=("AC5151", "token")).status_code == 404
