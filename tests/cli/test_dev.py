"""``smsgate dev`` from outside: a real one, its real processes, and the commands beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.cli.conftest import Dev, Terminal
from tests.fakes.processes import PATIENCE_S, gone, wait_until
from tests.fakes.served import free_port

pytestmark = pytest.mark.full  # whole systems of processes: a minute in all

NUMBER = "+14155550123"
PROCESSES = ("web", "worker", "sender", "clock", "redis-server")


def processes_of(dev: Dev) -> dict[str, int]:
    """Process ids by name, of those whose environment or command names the data directory."""
    found: dict[str, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().decode().split("\0")
            environ = (path / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        ours = f"SMSGATE_DATA_DIR={dev.directory}\0" in environ
        if ours and command[1:4] == ["-m", "smsgate.cli", "run"]:
            found[command[4]] = min(int(path.name), found.get(command[4], int(path.name)))
        if _is_redis_of(dev, command):
            found["redis-server"] = int(path.name)
    return found


def _is_redis_of(dev: Dev, command: list[str]) -> bool:
    return "redis-server" in command[0] and f"{dev.directory}/redis" in " ".join(command)


def ready(dev: Dev) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{dev.port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_a_stop_blocks_is_confirmed_and_outlives_every_kill(
    dev: Dev, terminal: Callable[..., Terminal]
) -> None:
    dev.start()
    there = terminal(SMSGATE_DATA_DIR=str(dev.directory))
    assert there.run("check", NUMBER, "--program", "alerts") == 0
    assert there.run("text", "Stop please", "--from", NUMBER) == 0
    assert "unsubscribed" in there.output
    assert f"alerts may not text {NUMBER}: opted_out" in there.output
    assert there.run("check", NUMBER, "--program", "alerts") == 1
    dev.kill(signal.SIGKILL)
    dev.start()
    assert there.run("check", NUMBER, "--program", "alerts") == 1
    assert dev.kill(signal.SIGINT) == 0
    assert not (dev.directory / "run.json").exists()


def test_whatever_dies_starts_again_and_nothing_acknowledged_is_lost(
    dev: Dev, terminal: Callable[..., Terminal]
) -> None:
    dev.start()
    there = terminal(SMSGATE_DATA_DIR=str(dev.directory))
    before = processes_of(dev)
    assert sorted(before) == sorted(PROCESSES)
    there.run("text", "stop", "--from", NUMBER)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    # The web server's own child ends a second after its parent, and answers until then.
    assert wait_until(lambda: dev.said.count("; starts again") == len(PROCESSES)), dev.said
    assert wait_until(lambda: len(processes_of(dev)) == len(PROCESSES) and ready(dev)), dev.said
    assert not set(before.values()) & set(processes_of(dev).values())
    assert there.run("check", NUMBER) == 1
    assert there.run("text", "please unsubscribe", "--from", "+14155550124") == 0
    assert wait_until(lambda: "sent" in _history(there, "+14155550124"))


def _history(there: Terminal, number: str) -> str:
    there.run("history", number)
    return there.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_its_end_leaves_no_process_behind(dev: Dev, number: signal.Signals) -> None:
    dev.start()
    started = processes_of(dev)
    dev.kill(number)
    assert sorted(started) == sorted(PROCESSES), dev.said
    assert wait_until(lambda: all(gone(pid) for pid in started.values()))


def test_what_it_keeps_is_for_its_owner_alone(dev: Dev) -> None:
    dev.start()
    secret = ("run.json", "api-key", "secret-key", "simulator-token")
    assert {
        name: (dev.directory / name).stat().st_mode & 0o777 for name in secret
    } == dict.fromkeys(secret, 0o600)
    assert dev.directory.stat().st_mode & 0o777 == 0o700


def test_the_api_opens_with_the_key_it_made(dev: Dev) -> None:
    dev.start()
    running = json.loads((dev.directory / "run.json").read_text())
    request = urllib.request.Request(
        f"{running['url']}/v1/check",
        json.dumps({"program": "alerts", "numbers": [NUMBER]}).encode(),
        {"Authorization": f"Bearer {running['api_key']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        (result,) = json.load(answer)["results"]
    assert (result["number"], result["allowed"]) == (NUMBER, True)


def test_a_second_one_on_the_same_data_waits_until_the_first_has_ended(
    dev: Dev, tmp_path: Path
) -> None:
    dev.start()
    second = Dev(dev.directory, free_port())
    second.log = tmp_path / "second.log"
    second.launch()
    assert wait_until(lambda: "this one waits" in second.said)
    dev.kill(signal.SIGTERM)
    assert wait_until(lambda: "smsgate is ready" in second.said), second.said
    assert second.kill(signal.SIGTERM) == 0


def test_a_port_that_is_taken_is_told(tmp_path: Path, terminal: Callable[..., Terminal]) -> None:
    there = terminal()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert there.run("dev", "--data-dir", str(tmp_path / "var"), "--port", port) == 2
    assert f"Port {port} cannot be used" in there.errors


def test_a_faulty_configuration_starts_nothing(
    tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    (tmp_path / "smsgate.toml").write_text("[acounts.x]\n")
    there = terminal(SMSGATE_CONFIG=str(tmp_path))
    assert there.run("dev", "--data-dir", str(tmp_path / "var")) == 2
    assert "acounts" in there.errors
    assert not (tmp_path / "var" / "redis").exists()


def test_a_store_that_was_flushed_without_records_is_not_made_ready_again(
    dev: Dev, terminal: Callable[..., Terminal]
) -> None:
    dev.start()
    dev.kill(signal.SIGTERM)
    shutil.rmtree(dev.directory / "redis" / "appendonlydir")
    for file in dev.directory.glob("records.sqlite3*"):
        file.unlink()
    there = terminal()
    for _ in range(2):
        assert there.run("dev", "--data-dir", str(dev.directory), "--port", str(dev.port)) == 2
        assert "it was flushed" in there.errors


def test_a_redis_that_was_named_is_used_and_its_weakness_told(
    redis_url: str, redis_client: redis.Redis, dev: Dev, terminal: Callable[..., Terminal]
) -> None:
    redis_client.config_set("appendfsync", "everysec")
    dev.start(REDIS_URL=redis_url)
    assert "can lose acknowledged writes: Appendfsync is everysec" in dev.said
    assert not (dev.directory / "redis").exists()
    assert terminal(REDIS_URL=redis_url).run("check", NUMBER) == 0
