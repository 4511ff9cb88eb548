"""The API in front of a whole gateway: a real Redis, a real database, no workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smsgate.api_keys import KeyScope
from smsgate.process.services import Services
from smsgate.web import create_app
from tests.fakes.own_services import add_key, ready_services

CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC00000000000000000000000000000001"
auth_token  = "a-token-of-the-tests"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en"]

[programs.orders]
name     = "Acme Orders"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]
kind     = "service"
scope    = "program"
"""


@dataclass
class Api:
    """Calls ``/v1`` with one key; ``status`` and ``found`` are those of the last call."""

    client: FlaskClient
    services: Services
    key: str

    def call(self, method: str, path: str, body: object = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        if body is not None:
            more |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.open(f"/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        return self._found(self.call("GET", path, **more), status)

    def post(self, path: str, body: object, status: int = 200) -> Any:
        return self._found(self.call("POST", path, body), status)

    def put(self, path: str, status: int = 202) -> Any:
        return self._found(self.call("PUT", path), status)

    def delete(self, path: str, status: int = 202) -> Any:
        return self._found(self.call("DELETE", path), status)

    def work(self) -> None:
        """Do what the other processes would: apply, and record."""
        for partition in self.services.store.inbox.busy():
            self.services.applier.drain(partition)
        self.services.archiver.move_all()

    def with_key(self, scope: KeyScope, name: str = "", *programs: str) -> Api:
        """The same with a key of that scope, perhaps limited to programs."""
        made = add_key(self.services.records, name or scope, scope, *programs)
        return Api(create_app(self.services).test_client(), self.services, made)

    @staticmethod
    def _found(answer: TestResponse, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return json.loads(answer.data)


@pytest.fixture
def settings_more() -> str:
    """What a test adds to the configuration."""
    return ""


@pytest.fixture
def services(tmp_path, redis_url, settings_more) -> Iterator[Services]:
    (tmp_path / "smsgate.toml").write_text(CONFIG + settings_more)
    environ = {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
    }
    with ready_services(environ) as made:
        yield made


@pytest.fixture
def api(services) -> Api:
    return Api(create_app(services).test_client(), services, "a-key-that-is-long-enough-for-tests")
