"""An application behind the server that runs it in earnest."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(factory: str, environ: Mapping[str, str], **limits: float) -> Iterator[int]:
    """Serve what ``module:factory`` makes; gives the port, and ends the server by SIGTERM.

    ``limits``: those of the server that are not as in earnest.
    """
    port = free_port()
    with started(factory, port, environ, **limits):
        yield port


@contextmanager
def started(
    factory: str, port: int, environ: Mapping[str, str], **limits: float
) -> Iterator[subprocess.Popen[bytes]]:
    """As ``served``, on that port; gives the process."""
    command = [sys.executable, "-m", "tests.fakes.serving", factory, str(port), json.dumps(limits)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}) as process:
        try:
            _wait_for(port, process)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until, pause = time.monotonic() + 30, threading.Event()
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            pause.wait(0.05)
        else:
            return
    raise AssertionError("the server did not open its port")
