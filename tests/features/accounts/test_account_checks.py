"""``smsgate doctor ACCOUNT``: what it says of credentials, address and refused requests."""

from __future__ import annotations

import pytest

from smsgate.store.account_requests import RefusedRequest
from smsgate.store.connection import open_redis
from smsgate.store.store import Store
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.served import free_port

TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "5" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "SMSGATE_PUBLIC_URL": "https://sms.example.com",
}


def states(found) -> dict[str, str]:
    return {one["subject"]: one["state"] for one in found["results"]}


CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${TWILIO_ACCOUNT_SID}"
auth_token  = "${TWILIO_AUTH_TOKEN}"
"""


@pytest.fixture
def make(terminal, redis_url, tmp_path):
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    here = {"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path)}
    here["SMSGATE_PRIVATE_HOSTS"] = "127.0.0.1"
    return lambda **more: terminal(REDIS_URL=redis_url, **here, **more)


def test_an_account_in_order_is_0_and_its_webhook_is_shown(make):
    there = make(**TWILIO)
    assert there.run("doctor", "twilio") == 0
    assert "https://sms.example.com/webhooks/twilio" in there.output
    assert "token" not in there.output


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"SMSGATE_PUBLIC_URL": ""}, "public URL"),
        ({"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""}, "credentials"),
    ],
)
def test_what_is_missing_is_a_fault_and_1(make, change, subject):
    there = make(**{**TWILIO, **change})
    assert there.run("doctor", "twilio") == 1
    assert states(there.json("doctor", "twilio"))[subject] == "fault"


@pytest.mark.parametrize(("cause", "state", "code"), [("url", "fault", 1), ("", "warning", 0)])
def test_a_refused_request_is_a_fault_if_a_setting_of_ours_explains_it(
    make, redis_url, cause, state, code
):
    """A stranger's forgery is told all the same."""
    quarantine = Store(open_redis(redis_url)).quarantine
    for _ in range(2):
        quarantine.add("twilio", RefusedRequest("No.", "So it is.", "POST", "", cause=cause))
    there = make(**TWILIO)
    assert there.run("doctor", "twilio") == code
    assert "2 of the 2 looked into: So it is. (No.)" in there.output
    assert states(there.json("doctor", "twilio"))["refused"] == state


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ([], "no request was verified in the last 30 days"),
        ([{"newest": True, "several": False}], "was verified came 0 s ago"),
        ([{"newest": True, "several": True}], "only the newest was used since there are several"),
        ([{"newest": False, "several": True}], "an older one was used 0 s ago"),
    ],
)
def test_what_was_accepted_and_by_which_secret_is_told(make, redis_url, notes, said):
    for note in notes:
        Store(open_redis(redis_url)).acceptance.note("twilio", **note)
    there = make(**TWILIO)
    assert there.run("doctor", "twilio") == 0
    assert said in there.output


BANDWIDTH = """
[accounts.bandwidth]
provider          = "bandwidth"
account_id        = "99"
application_id    = "93de2206-9669-4e07-948d-329f4b722ee2"
callback_user     = "u"
callback_password = "p"
client_id         = "c"
client_secret     = "opens-nothing"
api_url           = "%s"
"""


@pytest.mark.parametrize(
    ("status", "code", "state"), [(200, 0, "ok"), (401, 1, "fault"), (None, 0, "warning")]
)
def test_an_account_that_sends_by_a_token_asks_for_one(make, tmp_path, status, code, state):
    with ScriptedApi({"/api/v1/oauth2/token": [(status or 200, b"{}")]}) as api:
        url = api.url if status else f"http://127.0.0.1:{free_port()}"
        (tmp_path / "smsgate.toml").write_text(BANDWIDTH % url)
        there = make(**TWILIO)
        assert there.run("doctor", "bandwidth") == code
        found = states(there.json("doctor", "bandwidth"))
    assert found["access token"] == state
    assert "opens-nothing" not in there.output


def test_an_unknown_account_is_2(make):
    there = make(**TWILIO)
    assert there.run("doctor", "nope") == 2
    assert "nope" in there.errors
