"""An application behind the server that runs it in earnest, or behind the other one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.processes import PATIENCE_S

ROOT = Path(__file__).parents[2]


_PLACES = count(os.getpid() * 1_009)
"""Each process of a test run begins elsewhere."""


def free_port() -> int:
    """A port of the loopback that nobody has.

    It is below those that the system itself gives out, to a connection too, so that nobody has it
    either when the process starts that will listen there.
    """
    while True:
        port = 10_000 + next(_PLACES) % 10_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def gunicorn(factory: str, port: int, settings: Mapping[str, Any]) -> list[str]:
    """The command that serves as ``workers web`` does, but for these settings of gunicorn."""
    module = "tests.fakes.serving"
    return [sys.executable, "-m", module, factory, str(port), json.dumps(settings)]


def granian(factory: str, port: int, settings: Mapping[str, Any]) -> list[str]:
    """The command that serves by Granian, as docs/deployment.md gives it."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", factory]
    command += ["--host", "127.0.0.1", "--port", str(port), "--http", "1", "--no-ws"]
    command += ["--blocking-threads", "16", "--backlog", "1024", "--backpressure", "4096"]
    more = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return [*command, "--log-level", "error", *more]


SERVERS: Mapping[str, Callable[[str, int, Mapping[str, Any]], list[str]]] = {
    "gunicorn": gunicorn,
    "granian": granian,
}
EACH_SERVER = [
    pytest.param(name, marks=[] if name == "gunicorn" else pytest.mark.full) for name in SERVERS
]
"""The parameters of a fixture: the server of ``workers web``, and in the full tests the others."""


@contextmanager
def served(
    factory: str, environ: Mapping[str, str], server: str = "gunicorn", **settings: Any
) -> Iterator[int]:
    """Serve what ``module:factory`` makes; gives the port, and ends the server by SIGTERM.

    ``settings``: those of the server that are not as in earnest.
    """
    port = free_port()
    with started(factory, port, environ, server, **settings):
        yield port


@contextmanager
def started(
    factory: str,
    port: int,
    environ: Mapping[str, str],
    server: str = "gunicorn",
    **settings: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """As ``served``, on that port; gives the process."""
    command = SERVERS[server](factory, port, settings)
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}) as process:
        try:
            _wait_for(port, process)
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it answers: the port is open before there is somebody who does.

    It may take as long as it lives, on a busy machine; the time limit of the test ends a hang.
    """
    pause = threading.Event()
    while True:
        assert process.poll() is None, "the server ended"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if line.recv(1):
                    return
        except OSError:
            pass
        pause.wait(0.05)
