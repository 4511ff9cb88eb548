"""A provider asks whether we are here, and is answered through the same door as everybody."""

from __future__ import annotations

from contextlib import closing

import pytest

from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services
from smsgate.web import create_app

AZURE = """
[accounts.azure]
provider       = "azure"
endpoint       = "https://acme.unitedstates.communication.azure.com"
access_key     = "YW4gYWNjZXNzIGtleQ=="
webhook_secret = "a-secret-that-opens-nothing"
"""
URL = "/webhooks/azure/a-secret-that-opens-nothing"
ASKED = {"WebHook-Request-Origin": "eventgrid.azure.net"}


@pytest.fixture
def client(environ, tmp_path):
    (tmp_path / "config" / "smsgate.toml").write_text(AZURE)
    with closing(build_services(load_configuration(environ))) as services:
        yield create_app(services).test_client()


def test_a_cloud_events_subscription_is_allowed(client):
    answer = client.options(URL, headers=ASKED)
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [
        ("/webhooks/azure/another-secret-of-nobody", ASKED, 403),
        ("/webhooks/azure", ASKED, 403),
        ("/webhooks/nobody", ASKED, 404),
        (URL, {}, 200),  # Flask's own answer, which allows nothing
    ],
)
def test_nobody_else_is_allowed_anything(client, url, headers, status):
    answer = client.options(url, headers=headers)
    assert answer.status_code == status
    assert "WebHook-Allowed-Origin" not in answer.headers
