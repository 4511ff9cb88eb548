"""Wrong API keys are logged masked, counted, and hurt only the address that they come from."""

from __future__ import annotations

import pytest
from limits import RateLimitItemPerHour
from structlog.testing import capture_logs

from smsgate.web import create_app, limits
from smsgate.web.api_key_guard import WRONG_KEYS
from smsgate.web.limits import Limits
from tests.fakes.own_services import make_services

RIGHT = "a-key-that-is-long-enough-for-tests"
WRONG = "a-Wrong-key-of-somebody-else-9f3c"
GUESSER, PROGRAM = "8.8.4.4", "8.8.8.8"
PATHS = {"v1": "/v1/numbers/+14155550123", "metrics": "/metrics"}


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url)
    made.records.migrate()
    yield made
    made.close()


@pytest.fixture
def client(services):
    return create_app(services).test_client()


def ask(client, key, address=GUESSER, path=PATHS["v1"]):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": address})


@pytest.mark.parametrize("endpoint", PATHS)
def test_a_wrong_key_is_logged_with_its_end_alone(client, endpoint):
    with capture_logs() as lines:
        assert ask(client, WRONG, path=PATHS[endpoint]).status_code == 401
        assert ask(client, "hunter2", path=PATHS[endpoint]).status_code == 401
        assert ask(client, "", path=PATHS[endpoint]).status_code == 401
    told = [line for line in lines if line["event"] == "API key refused"]
    assert [line["key"] for line in told] == ["•••9f3c", "•••"]
    assert {line["address"] for line in told} == {GUESSER}
    assert {(line["endpoint"], line["reason"]) for line in told} == {(endpoint, "wrong")}
    assert {line["log_level"] for line in told} == {"warning"}


def test_refused_keys_are_counted(client, services):
    for key in (WRONG, WRONG, ""):
        ask(client, key)
    ask(client, WRONG, path=PATHS["metrics"])
    services.store.metrics.flush()
    metrics = ask(client, RIGHT, PROGRAM, PATHS["metrics"]).text
    assert 'smsgate_refused_keys_total{endpoint="v1",reason="wrong"} 2.0' in metrics
    assert 'smsgate_refused_keys_total{endpoint="v1",reason="missing"} 1.0' in metrics
    assert 'smsgate_refused_keys_total{endpoint="metrics",reason="wrong"} 1.0' in metrics


def guess(services, times):
    """So many wrong keys of the address."""
    Limits(services.store.client).hit(WRONG_KEYS, "keys", GUESSER, cost=times)


def test_an_address_that_gives_wrong_keys_is_slowed_down_and_nobody_else(client, services):
    guess(services, WRONG_KEYS.amount - 2)
    statuses = [ask(client, f"{WRONG}{count}").status_code for count in range(4)]
    assert statuses == [401, 401, 429, 429]
    answer = ask(client, WRONG)
    assert 0 < int(answer.headers["Retry-After"]) <= WRONG_KEYS.get_expiry()
    assert answer.json["reason"] == "too_many_wrong_keys"
    assert ask(client, WRONG, path=PATHS["metrics"]).status_code == 429
    assert ask(client, WRONG, PROGRAM).status_code == 401


@pytest.mark.parametrize("path", PATHS.values())
def test_a_right_key_is_taken_from_the_address_of_a_guesser(client, services, path):
    guess(services, 2 * WRONG_KEYS.amount)
    assert ask(client, RIGHT, path=path).status_code == 200
    assert ask(client, WRONG).status_code == 429


def test_one_address_gets_few_lines(client, monkeypatch):
    monkeypatch.setattr(limits, "LINES_OF_ADDRESS", RateLimitItemPerHour(5))
    with capture_logs() as lines:
        for count in range(100):
            ask(client, f"{WRONG}{count}")
        ask(client, WRONG, PROGRAM)
    told = [line for line in lines if line["event"] == "API key refused"]
    assert len(told) == 5 + 1
