"""Forged requests in a flood: told in few lines, and never in the way of genuine ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from limits import RateLimitItemPerHour
from structlog.testing import capture_logs

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import InboundMessage
from smsgate.providers import PROVIDERS
from smsgate.web import create_app, limits
from tests.fakes.own_services import ALERTS, PUBLIC_URL, make_services
from tests.fakes.services import FakeServices

twilio = PROVIDERS["twilio"]

FORGER = {"REMOTE_ADDR": "8.8.4.4"}


@pytest.fixture
def real(tmp_path, redis_url):
    services = make_services(tmp_path, redis_url, ALERTS)
    yield services
    services.close()


def genuine(services, number: str = "+14155550123", text: str = "hello"):
    account = services.settings.accounts["twilio"]
    message = InboundMessage("twilio", f"SM{number[1:]}", number, "+14155550999", text)
    return twilio.inbound(message, account, f"{PUBLIC_URL}/webhooks/twilio")


def post(client, request, **environ: str):
    headers = dict(request.headers)
    answer = client.post(
        "/webhooks/twilio", data=request.body, headers=headers, environ_overrides=environ
    )
    return answer.status_code


def test_genuine_messages_from_a_flooding_address_are_taken(real, monkeypatch):
    """Providers share addresses, with each other and with whoever can make them call us."""
    monkeypatch.setattr(real.ingest, "arrival_of", arrival_of(real))
    client = create_app(real).test_client()
    forged = replace(genuine(real), headers={**genuine(real).headers, "x-twilio-signature": "A"})
    assert {post(client, forged, **FORGER) for _ in range(60)} == {403}
    assert post(client, genuine(real, text="STOP"), **FORGER) == 200


def arrival_of(services):
    """The gateway of these tests understands no texts."""
    from smsgate.domain.messages import Arrival
    from tests.fakes.values import entry

    return lambda one, *_, **__: Arrival(entry(number=one.number, message_id=one.message_id))


@pytest.fixture(autouse=True)
def long_windows(monkeypatch) -> None:
    """No window of lines ends while a test runs, however slow the machine is."""
    monkeypatch.setattr(limits, "LINES_OF_ADDRESS", RateLimitItemPerHour(5))
    monkeypatch.setattr(limits, "LINES_OF_ACCOUNT", RateLimitItemPerHour(20))


def lines_of(
    client: FlaskClient, times: int, addresses: int = 1, network: str = "8.8.4"
) -> list[dict]:
    with capture_logs() as lines:
        for count in range(times):
            environ = {"REMOTE_ADDR": f"{network}.{count % addresses}"}
            client.post("/webhooks/twilio", environ_overrides=environ)
    # Threads of other tests may have lines of their own.
    return [one for one in lines if one["event"] == "webhook"]


def test_an_address_has_a_few_lines_in_a_window(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = SignatureRefused("No.")
    lines = lines_of(client, 100)
    assert [one["address"] for one in lines] == ["8.8.4.0"] * 5


def test_many_addresses_have_no_more_lines_together_than_an_account_may(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = SignatureRefused("No.")
    assert len(lines_of(client, 250, addresses=200)) == 20
    assert len(lines_of(client, 30, addresses=30)) == 0


def test_accepted_requests_have_their_lines_in_a_flood(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = SignatureRefused("No.")
    lines_of(client, 100)
    services.error = None
    lines = lines_of(client, 30, network="8.8.5")
    assert [one["status"] for one in lines] == [200] * 30
    assert "address" not in lines[0]
