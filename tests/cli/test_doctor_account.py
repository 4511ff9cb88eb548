"""``smsgate doctor ACCOUNT``: what it says of credentials, address and refused requests."""

from __future__ import annotations

import pytest

from smsgate.store import Store
from smsgate.store.connection import open_redis
from smsgate.store.quarantine import Refused

TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "5" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "SMSGATE_PUBLIC_URL": "https://sms.example.com",
}


def states(found) -> dict[str, str]:
    return {one["subject"]: one["state"] for one in found}


@pytest.fixture
def make(terminal, redis_url, tmp_path):
    return lambda **more: terminal(REDIS_URL=redis_url, SMSGATE_DATA_DIR=str(tmp_path), **more)


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


def test_refused_requests_are_explained(make, redis_url):
    quarantine = Store(open_redis(redis_url)).quarantine
    for _ in range(2):
        quarantine.add("twilio", Refused("No.", "The signature fits https://x.", "POST", ""))
    there = make(**TWILIO)
    assert there.run("doctor", "twilio") == 1
    assert "2 of the newest 2: The signature fits https://x. (No.)" in there.output


def test_an_unknown_account_is_2(make):
    there = make(**TWILIO)
    assert there.run("doctor", "nope") == 2
    assert "nope" in there.errors
