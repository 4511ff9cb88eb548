"""The page of the addresses of alerts: a test, and what the clock says of it."""

from __future__ import annotations

import pytest

from smsgate.store.shared_values import AlertTest
from tests.fakes.own_services import heartbeat
from tests.fakes.pages import words

ALERTS = "/console/setup/alerts"


@pytest.fixture
def clock(services):
    services.store.heartbeats.beat(heartbeat("clock"), 600)


def request_test(admin) -> None:
    assert admin.post(f"{ALERTS}/test", {}).status_code == 303


def test_a_test_is_sent_by_the_clock_and_the_page_says_what_came_of_it(admin, services, clock):
    request_test(admin)
    page = admin.get(ALERTS)
    assert "The clock is sending it" in words(page)
    assert 'hx-trigger="every 1s"' in page.text
    found = {"slack 1": "", "mailtos 2": "Connection error"}
    services.store.alert_test.write(AlertTest("host-1:7", found))
    page = admin.get(f"{ALERTS}/test")
    assert "Sent slack 1, by the clock at host-1:7." in words(page)
    assert "Failed mailtos 2: Connection error (clock at host-1:7)" in words(page)
    assert "hx-trigger" not in page.text
    assert "Sent a test alert" in words(admin.get("/console/audit"))


def test_a_clock_that_does_not_answer_has_failed(admin, clock, redis_client):
    request_test(admin)
    redis_client.delete("smsgate:alert-test")
    assert "The clock did not answer" in words(admin.get(f"{ALERTS}/test"))


def test_without_a_clock_no_alert_is_sent(admin):
    request_test(admin)
    assert "No clock is running" in words(admin.get(ALERTS))


def test_a_viewer_sends_no_test(viewer):
    assert viewer.post(f"{ALERTS}/test", {}).status_code == 403
    assert "Send a test" not in viewer.get(ALERTS).text
