"""What the deployment guide says of a Redis whose disk is full."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.cli.redis_server import find_server
from tests.deploy import machine
from tests.deploy.machine import ROOT
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port, is_open

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(bool(machine.missing()), reason=machine.missing()),
]


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def start(tmp_path: Path, small_disk: Path, groups: ProcessGroups):
    """Starts Redis on the small disk with the settings of deploy/redis.conf."""
    started = []

    def run() -> tuple[redis.Redis, subprocess.Popen[str]]:
        port = free_port()
        command = [find_server(), ROOT / "deploy/redis.conf", "--port", port, "--dir", small_disk]
        with (tmp_path / "redis.log").open("a") as log:
            process = groups.start([str(part) for part in command], output=log)
        started.append(process)
        assert wait_until(lambda: is_open(port))
        return redis.Redis(port=port, retry=None), process

    yield run
    for process in started:
        groups.end(process)


def test_it_ends_and_has_all_that_it_acknowledged_when_it_is_started_again(
    start: Callable[[], tuple[redis.Redis, subprocess.Popen[str]]], small_disk: Path, tmp_path: Path
) -> None:
    client, process = start()
    acknowledged = 0
    with client, suppress(redis.ConnectionError):
        for place in range(10_000):
            client.set(f"key{place}", b"x" * 2000)
            acknowledged += 1
    assert process.wait(10) == 1
    assert "Can't recover from AOF write error" in (tmp_path / "redis.log").read_text()
    assert shutil.disk_usage(small_disk).free < 2000
    assert 0 < acknowledged < 10_000

    client, _ = start()
    with client:
        assert wait_until(lambda: not client.info("persistence")["loading"])
        assert client.dbsize() >= acknowledged
