from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from flask.testing import FlaskClient

from smsgate.domain.errors import StoreUnavailable
from smsgate.monitoring.conditions import condition
from smsgate.monitoring.deadlines import Deadline, Deadlines
from smsgate.process.build import describe_build
from smsgate.process.services import Services
from smsgate.web import create_app, health
from smsgate.web.health import RecentState
from tests.fakes.own_services import make_services
from tests.fakes.processes import PATIENCE_S
from tests.fakes.services import FakeServices

KEY = {"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}


def test_a_process_that_answers_is_alive_whatever_its_collaborators_do(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = StoreUnavailable("Away.")
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.text.splitlines() == ["ok", f"smsgate {describe_build()}"]


WITH_KEY = {"Authorization": "Bearer newer-key"}


def test_ready_names_each_collaborator_and_says_what_is_wrong_with_a_key(
    client: FlaskClient, services: FakeServices
) -> None:
    answer = client.get("/readyz", headers=WITH_KEY)
    ready = dict.fromkeys(("store", "queue", "spool", "records"), "ok")
    assert (answer.status_code, answer.json) == (
        200,
        {"accepts": True, "ready": True, "collaborators": ready, "conditions": []},
    )
    services.unusable["queue"] = condition("queue_away", "queue", "no route to 10.0.0.7")
    answer = client.get("/readyz")
    common = {"accepts": True, "ready": False}
    assert answer.status_code == 503
    assert answer.json == {**common, "collaborators": {**ready, "queue": "not ready"}}
    answer = client.get("/readyz", headers=WITH_KEY)
    (one,) = answer.json["conditions"]
    assert one["title"].startswith("The job queue is away")
    assert answer.json["collaborators"]["queue"] == f"{one['title']}. {one['text']}"
    assert "10.0.0.7" in one["text"]


def test_details_want_a_right_key(client: FlaskClient) -> None:
    answer = client.get("/readyz", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    # A proxy's own sign-in is no key of ours.
    assert client.get("/readyz", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_while_one_looks_the_others_are_given_what_was_found_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking, answer = threading.Event(), threading.Event()
    before, after = object(), object()
    found = iter([before, after])

    def look() -> object:
        looking.set()
        assert answer.wait(PATIENCE_S)
        return next(found)

    answer.set()
    shared = RecentState(SimpleNamespace(look=look))
    monkeypatch.setattr(health, "KEPT_S", 600.0)
    assert shared.get() is before
    assert shared.get() is before, "meanwhile nobody looks again"
    looking.clear()
    answer.clear()
    monkeypatch.setattr(health, "KEPT_S", 0.0)
    slow = threading.Thread(target=shared.get)
    slow.start()
    assert looking.wait(PATIENCE_S)
    assert shared.get() is before
    answer.set()
    slow.join()
    monkeypatch.setattr(health, "KEPT_S", 600.0)
    assert shared.get() is after


def test_a_collaborator_that_hangs_is_named_and_the_others_are_asked(
    real_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()
    monkeypatch.setattr(real_services.job_queue, "ping", lambda: ends.wait(60))
    deadlines = Deadlines(30.0)
    deadlines.queue = Deadline(0.05)
    state = real_services.monitor.look(deadlines)
    ends.set()
    assert "No answer within 0.05 s" in state.unusable["queue"].text


def test_nobody_is_told_an_address_without_a_key(tmp_path: Path) -> None:
    services = make_services(tmp_path, "redis://127.0.0.1:1/0", init=False)
    app = create_app(services).test_client()
    assert "127.0.0.1" not in app.get("/readyz").text
    assert "127.0.0.1:1" in app.get("/readyz", headers=KEY).text
    services.close()


def test_for_strangers_redis_is_asked_less_than_once_in_a_hundred_times(
    real_services: Services, redis_client: redis.Redis
) -> None:
    app = create_app(real_services).test_client()

    def commands() -> int:
        return int(redis_client.info("stats")["total_commands_processed"])

    assert app.get("/readyz", headers=KEY).status_code in (200, 503)
    before = commands()
    app.get("/readyz", headers=KEY)
    once = commands() - before
    before = commands()
    for _ in range(100):
        app.get("/readyz")
    # In slow runs it is asked anew after two seconds; never for each of them.
    assert commands() - before < 50 * once


def test_records_that_cannot_be_used_are_wrong_and_webhooks_are_accepted(
    real_services: Services,
) -> None:
    """Without any traffic: nothing waits for them."""
    real_services.records.migrate()
    app = create_app(real_services).test_client()
    assert json.loads(app.get("/readyz", headers=KEY).data)["ready"] is True
    real_services.records.close()
    (real_services.settings.data_dir / "records.sqlite3").write_bytes(b"no database" * 1000)
    answer = app.get("/readyz", headers=KEY)
    said = json.loads(answer.data)
    assert (answer.status_code, said["accepts"], said["ready"]) == (503, True, False)
    assert said["collaborators"]["records"].startswith("The records cannot be used")
    assert app.get("/healthz").status_code == 200
    metrics = app.get("/metrics", headers=KEY).text
    assert 'smsgate_ready{collaborator="records"} 0.0' in metrics
    assert "smsgate_accepts 1.0" in metrics


def test_without_redis_webhooks_are_accepted_while_the_disk_keeps_them(tmp_path: Path) -> None:
    services = make_services(tmp_path, "redis://127.0.0.1:1/0", init=False)
    app = create_app(services).test_client()
    assert json.loads(app.get("/readyz", headers=KEY).data)["accepts"] is True
    services.settings.data_dir.write_text("no directory")
    assert json.loads(app.get("/readyz", headers=KEY).data)["accepts"] is False
    services.close()


@pytest.fixture
def real_services(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    made = make_services(tmp_path, redis_url)
    yield made
    made.close()
