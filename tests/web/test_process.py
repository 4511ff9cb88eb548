"""The application as a process of its own: made from the environment, ended by SIGTERM."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from smsgate.domain.errors import ConfigurationError
from smsgate.domain.messages import HttpReply, InboundMessage
from smsgate.process.configuration import load_settings
from smsgate.providers import PROVIDERS
from smsgate.store.connection import open_redis
from smsgate.store.keys import partition_of
from smsgate.store.store import Store
from smsgate.web import create_app
from tests.fakes.served import ROOT, served

NUMBER = "+14155550123"
ENVIRON = {
    "SMSGATE_CONFIG": str(ROOT / "config"),
    "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
    "SMSGATE_SIMULATOR_TOKEN": "a-token-of-the-simulator-in-tests",
    "SMSGATE_SIMULATOR_URL": "http://127.0.0.1:8000/simulator",
}


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers, before = root.level, root.handlers[:], structlog.get_config()
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.configure(**before)


def text(port: int, body: str) -> HttpReply:
    """Be a subscriber of the simulated account."""
    account = load_settings(ENVIRON).accounts["simulator"]
    message = InboundMessage("simulator", "SM" + "1" * 32, NUMBER, "+15550001111", body)
    url = f"{account.public_url}/webhooks/simulator"
    request = PROVIDERS["twilio"].inbound(message, account, url)
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", "/webhooks/simulator", request.body, dict(request.headers))
        answer = connection.getresponse()
        return HttpReply(answer.status, "", answer.read())


def test_a_text_that_was_acknowledged_just_before_the_end_is_in_the_sample_log(
    redis_url: str,
) -> None:
    with served("smsgate.web:create_app", ENVIRON | {"REDIS_URL": redis_url}) as port:
        assert text(port, "What time do you open?").status == 200
    with closing(open_redis(redis_url)) as client:
        kept = Store(client).sample_log.page(partition_of(NUMBER), "", 5)
    assert [entry.text for _, entry in kept] == ["What time do you open?"]


def test_an_application_is_made_from_the_environment_and_says_what_is_amiss(
    monkeypatch: pytest.MonkeyPatch, logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (ENVIRON | {"REDIS_URL": "redis://127.0.0.1:1/0"}).items():
        monkeypatch.setenv(name, value)
    client = create_app().test_client()
    warned = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert any("'twilio' has no secret" in line["problem"] for line in warned)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    headers = {"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    check = {"program": "alerts", "numbers": [NUMBER]}
    assert client.post("/v1/check", json=check, headers=headers).status_code == 503
    assert client.post("/webhooks/twilio").status_code == 503
    assert client.post("/webhooks/simulator").status_code == 403
    assert client.post("/webhooks/nobody").status_code == 404


def test_a_configuration_with_faults_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, logging_as_before: None, tmp_path: Path
) -> None:
    monkeypatch.setenv("SMSGATE_CONFIG", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"smsgate\.toml"):
        create_app()
