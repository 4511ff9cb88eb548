from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient

from smsgate.domain.errors import StoreUnavailable
from smsgate.pipeline import readiness
from smsgate.pipeline.build import describe_build
from smsgate.pipeline.services import Services
from smsgate.web import create_app, health
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


@pytest.mark.parametrize(
    ("collaborators", "status"),
    [
        ({"store": "ok", "queue": "ok; 3 wait"}, 200),
        ({"store": "Error 111 connecting to 10.0.0.7:6379", "queue": "ok"}, 503),
        ({"store": "ok", "queue": "Redis is away."}, 503),
        ({"store": "ok", "queue": "OK"}, 503),
    ],
)
def test_ready_names_each_collaborator_and_says_more_with_a_key(
    client: FlaskClient, services: FakeServices, collaborators: dict[str, str], status: int
) -> None:
    services.collaborators = collaborators
    answer = client.get("/readyz")
    assert answer.status_code == status
    said = {
        name: "ok" if said.startswith("ok") else "not ready" for name, said in collaborators.items()
    }
    common = {"accepts": True, "ready": status == 200}
    assert json.loads(answer.data) == {**common, "collaborators": said}
    answer = client.get("/readyz", headers=WITH_KEY)
    assert answer.status_code == status
    assert json.loads(answer.data) == {**common, "collaborators": collaborators}


def test_details_want_a_right_key(client: FlaskClient) -> None:
    answer = client.get("/readyz", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    # A proxy's own sign-in is no key of ours.
    assert client.get("/readyz", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_strangers_make_the_collaborators_be_asked_once_in_two_seconds() -> None:
    asked: list[None] = []
    said = {"store": "ok"}
    shared = health.SharedReadiness(lambda: asked.append(None) or dict(said))
    assert shared.get() == {"store": "ok"}
    said["store"] = "away"
    for _ in range(50):
        shared._asked_at = time.monotonic()  # however slow this machine is
        assert shared.get() == {"store": "ok"}
    assert len(asked) == 1
    shared._asked_at -= health.KEPT_S
    assert shared.get() == {"store": "away"}
    assert len(asked) == 2


def test_while_one_is_asking_the_others_are_given_what_was_said_before() -> None:
    asking, answer = threading.Event(), threading.Event()
    said = iter(["ok", "away"])

    def ask() -> dict[str, str]:
        asking.set()
        assert answer.wait(PATIENCE_S)
        return {"store": next(said)}

    answer.set()
    shared = health.SharedReadiness(ask)
    assert shared.get() == {"store": "ok"}
    asking.clear()
    answer.clear()
    shared._asked_at -= health.KEPT_S
    slow = threading.Thread(target=shared.get)
    slow.start()
    assert asking.wait(PATIENCE_S)
    assert shared.get() == {"store": "ok"}
    answer.set()
    slow.join()
    assert shared.get() == {"store": "away"}


def test_a_collaborator_that_hangs_is_told_and_the_others_too(
    real_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ANSWER_S", 2.0)
    ends = threading.Event()
    monkeypatch.setattr(real_services.job_queue, "ping", lambda: ends.wait(60))
    one = readiness.Readiness(
        real_services.store, real_services.job_queue, real_services.spool, real_services.archiver
    )
    found = one.ready()
    ends.set()
    assert found["queue"] == "no answer within 2 s"
    assert set(found) == {"accepts", "store", "queue", "spool", "records"}
    assert found["spool"] == "ok"


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
    assert said["collaborators"]["records"].startswith("the records cannot be used")
    assert app.get("/healthz").status_code == 200
    metrics = app.get("/metrics", headers=KEY).text
    assert 'smsgate_ready{collaborator="records"} 0.0' in metrics
    assert "smsgate_accepts 1.0" in metrics


def test_without_redis_webhooks_are_accepted_while_the_disk_keeps_them(tmp_path: Path) -> None:
    services = make_services(tmp_path, "redis://127.0.0.1:1/0", init=False)
    app = create_app(services).test_client()
    assert json.loads(app.get("/readyz", headers=KEY).data)["accepts"] is True
    data_dir = services.settings.data_dir
    data_dir.rename(tmp_path / "away")
    data_dir.write_text("no directory")
    assert json.loads(app.get("/readyz", headers=KEY).data)["accepts"] is False
    services.close()


@pytest.fixture
def real_services(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    made = make_services(tmp_path, redis_url)
    yield made
    made.close()


def test_ready_is_a_refusal_where_it_cannot_be_found_out(
    client: FlaskClient, services: FakeServices
) -> None:
    services.error = StoreUnavailable("Redis is away.")
    answer = client.get("/readyz", headers=WITH_KEY)
    assert (answer.status_code, answer.text) == (503, "Redis is away.\n")
