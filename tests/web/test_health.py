from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from smsgate.errors import StoreUnavailable
from tests.fakes.gateway import FakeGateway


def test_a_process_that_answers_is_alive_whatever_its_collaborators_do(
    client: FlaskClient, gateway: FakeGateway
) -> None:
    gateway.error = StoreUnavailable("Away.")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize(
    ("collaborators", "status"),
    [
        ({"store": "ok", "queue": "ok"}, 200),
        ({"store": "Redis is away.", "queue": "ok"}, 503),
        ({"store": "ok", "queue": "Redis is away."}, 503),
        ({"store": "ok", "queue": "OK"}, 503),
    ],
)
def test_ready_names_each_collaborator_and_needs_all_of_them(
    client: FlaskClient, gateway: FakeGateway, collaborators: dict[str, str], status: int
) -> None:
    gateway.collaborators = collaborators
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert json.loads(answer.data) == {"ready": status == 200, "collaborators": collaborators}


def test_ready_is_a_refusal_where_it_cannot_be_found_out(
    client: FlaskClient, gateway: FakeGateway
) -> None:
    gateway.error = StoreUnavailable("Redis is away.")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "Redis is away.\n")
