from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from smsgate.domain.errors import StoreNotReady, StoreUnavailable, UnknownProgram
from smsgate.web import create_app
from tests.fakes.services import FakeServices, settings

KEY = {"Authorization": "Bearer newer-key"}
ONE = "+14155550123"
TWO = "+14155550124"


def check(client: FlaskClient, body: Any, **changed: Any) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        "/v1/check",
        **{"data": data, "headers": KEY, "content_type": "application/json"} | changed,
    )


def problem(answer: TestResponse) -> tuple[int, str]:
    """Status and reason of a problem, which has the form of RFC 9457."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = json.loads(answer.data)
    assert set(found) == {"type", "title", "status", "detail", "reason"}
    assert found["status"] == answer.status_code
    assert found["type"] == "about:blank"
    assert found["title"]
    assert found["detail"]
    return answer.status_code, found["reason"]


def test_a_check_answers_for_each_number_in_the_order_asked(
    client: FlaskClient, services: FakeServices
) -> None:
    services.gate.blocked = {TWO}
    answer = check(client, {"program": "alerts", "numbers": [TWO, ONE, TWO]})
    blocked = {
        "number": TWO,
        "allowed": False,
        "reason": "opted_out",
        "since": "2026-11-24T15:00:00Z",
    }
    allowed = {"number": ONE, "allowed": True, "reason": "", "since": None}
    assert answer.status_code == 200
    assert json.loads(answer.data) == {"results": [blocked, allowed, blocked]}
    assert services.gate.asked == [((TWO, ONE, TWO), "alerts")]


def test_a_check_of_no_numbers_still_asks_the_gate_whether_it_can_tell(
    client: FlaskClient, services: FakeServices
) -> None:
    assert json.loads(check(client, {"program": "alerts", "numbers": []}).data) == {"results": []}
    assert services.gate.asked == [((), "alerts")]


def test_ten_thousand_numbers_are_taken_and_one_more_is_not(client: FlaskClient) -> None:
    numbers = [f"+1415{n:07}" for n in range(10_001)]
    taken = check(client, {"program": "alerts", "numbers": numbers[:-1]})
    assert len(json.loads(taken.data)["results"]) == 10_000
    refused = check(client, {"program": "alerts", "numbers": numbers})
    assert problem(refused) == (422, "unprocessable_entity")
    assert "10000" in json.loads(refused.data)["detail"]


BODIES = [
    (b'{"program": "alerts", "numbers": ["\xff"]}', 400, "bad_request"),
    ({"program": "alerts"}, 422, "unprocessable_entity"),
    ({"program": 1, "numbers": []}, 422, "unprocessable_entity"),
    ({"program": "alerts", "numbers": "+14155550123"}, 422, "unprocessable_entity"),
    ({"program": "alerts", "numbers": [14155550123]}, 422, "unprocessable_entity"),
    (b'{"program": "alerts", "numbers": ["\\ud800"]}', 400, "bad_request"),
    (b'{"program": "alerts", "numbers": [' + b"9" * 5000 + b"]}", 422, "unprocessable_entity"),
    (b'{"program": "alerts", "numbers": [], "a": ' + b"[" * 100_000, 400, "bad_request"),
    (b'{"program": "alerts", "numbers": []} {}', 400, "bad_request"),
]
"""Beside those that every operation refuses: see tests/interface."""


@pytest.mark.parametrize(("body", "status", "reason"), BODIES)
def test_a_body_that_is_no_check_is_refused_and_nothing_is_asked(
    client: FlaskClient, services: FakeServices, body: Any, status: int, reason: str
) -> None:
    assert problem(check(client, body)) == (status, reason)
    assert services.gate.asked == []


def test_a_refused_body_says_which_field_is_wrong(client: FlaskClient) -> None:
    answer = check(client, {"program": "alerts", "numbers": [ONE, 5]})
    assert "$.numbers[1]" in json.loads(answer.data)["detail"]
    assert json.loads(answer.data)["detail"].endswith("What it takes: GET /v1/openapi.json.")
    plain = check(client, {"program": "alerts", "numbers": []}, content_type="text/plain")
    assert problem(plain) == (415, "unsupported_media_type")


def test_a_body_may_be_larger_than_a_webhooks_but_not_over_a_mebibyte(client: FlaskClient) -> None:
    body = json.dumps({"program": "alerts", "numbers": []}).encode()
    limit = 1024 * 1024
    assert check(client, body + b" " * (limit - len(body))).status_code == 200
    answer = check(client, body + b" " * (limit - len(body) + 1))
    assert problem(answer) == (413, "too_large")


GATE_ERRORS = [
    (UnknownProgram("No program is called 'x'."), 422, "unknown_program"),
    (StoreUnavailable("Redis is away."), 503, "store_unavailable"),
    (StoreNotReady("Redis has no metadata."), 503, "store_not_ready"),
    (ValueError("inner workings"), 500, "failed"),
]


@pytest.mark.parametrize(("error", "status", "reason"), GATE_ERRORS)
def test_a_gate_that_cannot_tell_is_a_problem_and_never_an_answer(
    client: FlaskClient, services: FakeServices, error: Exception, status: int, reason: str
) -> None:
    services.gate.error = error
    with capture_logs() as lines:
        answer = check(client, {"program": "alerts", "numbers": [ONE]})
    assert [line["route"] for line in lines] == (["/v1/check"] if status >= 500 else [])
    assert problem(answer) == (status, reason)
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert (str(error) in answer.text) is (status != 500)
    assert "results" not in json.loads(answer.data)


@pytest.mark.parametrize("value", ["Bearer newer-key", "Bearer older-key", "bearer  newer-key "])
def test_each_configured_key_opens(client: FlaskClient, value: str) -> None:
    answer = client.get("/v1/openapi.json", headers={"Authorization": value})
    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["Bearer ", "Bearer", "Bearer x", ""])
def test_without_any_key_configured_nobody_gets_in(value: str) -> None:
    client = create_app(FakeServices(settings(api_keys=()))).test_client()
    answer = client.get(f"/v1/numbers/{ONE}", headers={"Authorization": value})
    assert problem(answer) == (401, "unauthorized")


def test_what_is_not_there_is_a_problem_in_the_api_and_a_sentence_elsewhere(
    client: FlaskClient,
) -> None:
    answer = client.get("/v1/nothing", headers=KEY)
    assert problem(answer) == (404, "not_found")
    assert problem(client.get("/v1", headers=KEY)) == (404, "not_found")
    assert answer.get_json()["detail"].endswith("GET /v1/openapi.json lists them.")
    assert problem(client.get("/v1/nothing")) == (401, "unauthorized")
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: FlaskClient) -> None:
    answer = client.get("/v1/check", headers=KEY)
    assert problem(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    assert answer.get_json()["detail"] == "This address takes OPTIONS or POST."
