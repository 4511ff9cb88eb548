"""The page of the destinations of alerts: a test of one, and what each clock says of it."""

from __future__ import annotations

import os
import socket

import msgspec
import pytest

from smsgate.domain.errors import CallFailed
from smsgate.features.alerts.service import ChannelTester
from smsgate.features.alerts.storage import AlertStorage
from tests.fakes.own_services import heartbeat
from tests.fakes.pages import words

ALERTS = "/console/setup/alerts"
CLOCK = f"{socket.gethostname()}:{os.getpid()}"


class FakeChannel:
    """Keeps what it sent, or fails."""

    is_digest = True

    def __init__(self, name, problem=""):
        self.name, self.problem, self.sent = name, problem, []

    def send(self, notices):
        if self.problem:
            raise CallFailed(self.problem, left=True)
        self.sent += notices


@pytest.fixture
def clock(services):
    own = msgspec.structs.replace(heartbeat("clock", socket.gethostname()), pid=os.getpid())
    services.store.heartbeats.beat(own, 600)


def requested(admin, channel):
    answer = admin.post(f"{ALERTS}/{channel}/test", {})
    assert answer.status_code == 303
    return answer.location


def test_a_test_goes_out_by_that_destination_alone(admin, services, clock):
    email, webhook = FakeChannel("email"), FakeChannel("webhook")
    path = requested(admin, "email")
    page = admin.get(path)
    assert "is sending it" in words(page)
    assert 'hx-trigger="every 1s"' in page.text
    ChannelTester(services.store, [email, webhook]).run_requested()
    assert (len(email.sent), len(webhook.sent)) == (1, 0)
    page = admin.get(f"{ALERTS}/tests/{path.partition('=')[2]}")
    assert f"Sent by the clock at {CLOCK}" in words(page)
    assert "hx-trigger" not in page.text
    audit = words(admin.get("/console/audit"))
    assert "Sent a test alert" in audit
    assert "E-mail" in audit


def test_what_failed_is_told(admin, services, clock):
    path = requested(admin, "webhook")
    broken = FakeChannel("webhook", "the webhook answered 500")
    ChannelTester(services.store, [broken]).run_requested()
    assert "the webhook answered 500" in words(admin.get(path))


def test_a_clock_without_the_destination_has_not_sent(admin, services, clock):
    path = requested(admin, "text")
    ChannelTester(services.store, []).run_requested()
    assert "does not have this destination yet" in words(admin.get(path))


def test_a_clock_that_does_not_answer_is_unknown(admin, services, clock):
    path = requested(admin, "text")
    AlertStorage(services.store.client).request_test("email")  # takes its place
    shown = words(admin.get(path))
    assert "Unknown" in shown
    assert "did not answer" in shown


def test_without_a_clock_no_alert_is_sent(admin):
    assert "No clock is running" in words(admin.get(requested(admin, "webhook")))


def test_only_the_id_of_a_test_is_asked_for(viewer):
    assert viewer.get(f"{ALERTS}/tests/x").status_code == 404
    assert "Test:" not in viewer.get(f"{ALERTS}?test=x").text
