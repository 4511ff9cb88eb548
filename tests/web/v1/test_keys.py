"""Keys: what each may do, how often, and that none is kept in the clear."""

from __future__ import annotations

import itertools
import sqlite3
import time
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from smsgate.api_keys import TRUST_S, ApiKeys, Keyring
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable, Unauthorized
from smsgate.records import Records
from smsgate.web import create_app
from tests.fakes.processes import wait_until
from tests.web.v1.conftest import Api

ONE = "+14155550123"
CHECK = {"program": "alerts", "numbers": [ONE]}


def keys_of(api: Api) -> ApiKeys:
    return ApiKeys(api.services.records.database)


def test_only_the_hash_of_a_key_is_kept(api, tmp_path) -> None:
    key = api.post("/keys", {"name": "crm", "scope": "check"}, 201)["key"]
    assert key.startswith("sgk_")
    assert len(key) == 47
    with closing(sqlite3.connect(tmp_path / "records.sqlite3")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert key[4:].encode() not in (tmp_path / "records.sqlite3").read_bytes()


def test_a_revoked_key_is_refused_in_time_and_a_rotated_one_has_its_grace(api, monkeypatch) -> None:
    keys, mine = keys_of(api), api.with_key("check", "crm")
    mine.post("/check", CHECK)
    newer = api.post("/keys/crm/rotate", {"grace": 1})["key"]
    mine.post("/check", CHECK)
    assert len(keys.all(_now_us())) == 2
    assert api.delete("/keys/crm", 200)["count"] == 2
    later = time.monotonic() + TRUST_S
    monkeypatch.setattr("smsgate.api_keys.time.monotonic", lambda: later)
    assert TRUST_S < 5
    for key in (mine.key, newer):
        answer = Api(mine.client, api.services, key).call("POST", "/check", CHECK)
        assert (answer.status_code, answer.json["reason"]) == (401, "unauthorized")


def test_names_are_used_once_and_must_be_fit(api) -> None:
    api.post("/keys", {"name": "crm", "scope": "check"}, 201)
    refused = api.post("/keys", {"name": "crm", "scope": "admin"}, 409)
    assert "rotate crm" in refused["detail"]
    for name in ("", "Crm", "a b", "a" * 41, "-a", "environment", "a/b", "a\n"):
        api.post("/keys", {"name": name, "scope": "check"}, 422)
    assert [row.scope for row in keys_of(api).all(_now_us())] == ["check"]
    api.delete("/keys/other", 404)
    api.post("/keys/other/rotate", {}, 404)


class CountedKeys(ApiKeys):
    """Stands for ``ApiKeys(records.database)``."""

    def __init__(self, rows: list[object]) -> None:
        super().__init__(None)
        self.rows, self.asked, self.error = rows, 0, None

    def all(self, _: int) -> list[object]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.rows


def test_a_key_ends_on_time_without_being_read_again(api, monkeypatch) -> None:
    keys, mine = keys_of(api), api.with_key("check", "crm")
    api.post("/keys/crm/rotate", {"grace": 0.1})
    ring = Keyring(CountedKeys(keys.all(_now_us())), ())
    assert ring.authenticate(f"Bearer {mine.key}").name == "crm"
    later = time.time() + 361
    monkeypatch.setattr("smsgate.api_keys.time.time", lambda: later)
    with pytest.raises(Unauthorized):
        ring.authenticate(f"Bearer {mine.key}")


def pass_time(monkeypatch, seconds: float = 60) -> None:
    later = time.monotonic() + seconds
    monkeypatch.setattr("smsgate.api_keys.time.monotonic", lambda: later)


def test_looking_a_key_up_costs_no_query_for_each_call(api, monkeypatch) -> None:
    pass_time(monkeypatch)  # and no more, however slow the machine is
    mine = api.with_key("check")
    counted = CountedKeys(keys_of(api).all(1))
    ring = Keyring(counted, ())
    for _ in range(50):
        assert ring.authenticate(f"Bearer {mine.key}").name == "check"
    assert counted.asked == 1


def test_while_the_database_is_away_known_keys_go_on_to_open(api, monkeypatch) -> None:
    mine = api.with_key("check")
    counted = CountedKeys(keys_of(api).all(1))
    ring = Keyring(counted, ())
    ring.authenticate(f"Bearer {mine.key}")
    counted.error = RecordsUnavailable("away")
    pass_time(monkeypatch)
    assert ring.authenticate(f"Bearer {mine.key}").scope == "check"
    assert counted.asked == 2


@pytest.mark.parametrize(
    "error", [RecordsUnavailable("away"), RecordsNotReady("run `smsgate records migrate`")]
)
def test_what_cannot_be_looked_up_is_not_called_a_wrong_key(api, monkeypatch, error) -> None:
    mine, other = api.with_key("check", "crm"), api.with_key("check", "other")
    counted = CountedKeys([row for row in keys_of(api).all(1) if row.name == "crm"])
    counted.error = error
    ring = Keyring(counted, ())
    for key in (mine.key, other.key):
        with pytest.raises(type(error), match="this key cannot be looked up: "):
            ring.authenticate(f"Bearer {key}")
    for header in ("", "Bearer ", "Bearer nonsense", f"Basic {mine.key}", mine.key):
        with pytest.raises(Unauthorized):
            ring.authenticate(header)

    counted.error = None
    pass_time(monkeypatch)
    assert ring.authenticate(f"Bearer {mine.key}").name == "crm"
    with pytest.raises(Unauthorized):
        ring.authenticate(f"Bearer {other.key}")


def test_after_a_restart_a_good_key_is_no_401_while_the_database_is_away(api, tmp_path) -> None:
    """Nor is it one for a program that was started before, and was never asked."""
    mine = api.with_key("check", "crm")
    started = create_app(api.services).test_client()
    file = tmp_path / "records.sqlite3"
    api.services.records.close()
    away, restarted = file.with_suffix(".away"), Records(f"sqlite:///{file}")
    file.rename(away)
    file.mkdir()  # as unreadable as a server that is down
    Api(started, api.services, mine.key).post("/check", CHECK)

    object.__setattr__(api.services, "records", restarted)
    object.__setattr__(api.services, "api_keys", ApiKeys(restarted.database))
    anew = Api(create_app(api.services).test_client(), api.services, mine.key)
    answer = anew.call("POST", "/check", CHECK)
    assert (answer.status_code, answer.json["reason"]) == (503, "records_unavailable")
    assert answer.headers["Retry-After"]
    wrong = Api(anew.client, api.services, "a-key-that-nobody-made")
    assert wrong.call("POST", "/check", CHECK).status_code == 401
    of_environment = Api(anew.client, api.services, api.key)
    of_environment.post("/check", CHECK)

    file.rmdir()
    away.rename(file)
    assert wait_until(lambda: anew.call("POST", "/check", CHECK).status_code == 200)


def test_a_key_that_this_process_made_or_revoked_is_known_at_once(api) -> None:
    crm = api.with_key("check", "crm")
    crm.post("/check", CHECK)
    other = api.post("/keys", {"name": "other", "scope": "check"}, 201)["key"]
    Api(crm.client, api.services, other).post("/check", CHECK)
    api.delete("/keys/other", 200)
    assert Api(crm.client, api.services, other).call("POST", "/check", CHECK).status_code == 401


@pytest.mark.parametrize("settings_more", ["[api]\ncalls_per_second = 0.0001\nburst = 3\n"])
def test_every_answer_says_how_many_calls_are_left_and_when_to_go_on(api) -> None:
    crm, other = api.with_key("check", "crm"), api.with_key("check", "other")
    paths = ("/check", "/nothing", "/check", "/check")
    answers = [crm.call("POST", path, CHECK) for path in paths]
    assert [one.status_code for one in answers] == [200, 404, 200, 429]
    assert answers[-1].json["reason"] == "too_many_calls"
    assert {one.headers["RateLimit-Policy"] for one in answers} == {'"calls";q=3;w=30000'}
    left = [one.headers["RateLimit"].partition(";t=") for one in answers]
    assert [one for one, _, _ in left] == [f'"calls";r={n}' for n in (2, 1, 0, 0)]
    assert all(0 < int(seconds) <= 30_000 for _, _, seconds in left)
    assert answers[-1].headers["Retry-After"] == left[-1][2]
    other.post("/check", CHECK)  # each has its own
    another_process = Api(create_app(api.services).test_client(), api.services, crm.key)
    assert another_process.call("POST", "/check", CHECK).status_code == 429


def test_the_count_of_a_call_is_one_question_to_redis(api, redis_client) -> None:
    api.get("/openapi.json")
    with redis_client.monitor() as monitor:
        api.get("/openapi.json")
        redis_client.echo("done")
        sent = itertools.takewhile(lambda one: one["command"] != "ECHO done", monitor.listen())
        asked = [one["command"] for one in sent if one["client_type"] != "lua"]
    (_,) = [one for one in asked if "smsgate:limits" in one]


def _now_us() -> int:
    return int(time.time() * 1_000_000)


def test_a_call_that_its_key_does_not_allow_is_in_the_log(api) -> None:
    crm = api.with_key("check", "crm")
    with capture_logs() as lines:
        for _ in range(20):
            assert crm.call("GET", "/keys").status_code == 403
    assert 0 < len(lines) < 20
    said = {"event": "call refused", "key": "crm", "log_level": "warning"}
    assert lines[0] == {**said, "route": "/v1/keys"}


def test_no_answer_can_be_opened_as_a_page(api) -> None:
    without = Api(api.client, api.services, "")
    answers = [api.call("POST", "/check", CHECK), api.call("GET", "/nothing")]
    for answer in [*answers, without.call("POST", "/check", CHECK)]:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"] == "attachment"
