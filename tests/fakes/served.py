"""An application behind the server that runs it in earnest."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import redis

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


def open_tcp(redis_url: str, port: int) -> None:
    """Let a Redis that has only a socket listen on a port too."""
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("port", port)


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def served(factory: str, environ: Mapping[str, str], processes: int = 1) -> Iterator[int]:
    """Serve what ``module:factory`` makes; gives the port, and ends the server by SIGTERM."""
    port = free_port()
    with started(factory, port, environ, processes):
        yield port


@contextmanager
def started(
    factory: str, port: int, environ: Mapping[str, str], processes: int = 1
) -> Iterator[subprocess.Popen[bytes]]:
    """As ``served``, on that port; gives the process."""
    command = [sys.executable, "-m", "tests.fakes.serving", factory, str(port), str(processes)]
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
