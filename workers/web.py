"""The process ``web``: Granian serves the Flask application."""

from __future__ import annotations

import signal

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from smsgate.web import create_app

THREADS = 16
"""Requests that one process works on at once. They mostly wait for Redis. Under the load of
``make bench`` (16 connections, two processes) 16 threads took 2,808 a second, 4 took 2,201."""
BACKLOG = 1024
KILL_S = 8
"""How long requests in progress may take when the process is told to end. Less than the 10 s that
platforms and ``smsgate dev`` give the whole process."""


def serve(host: str, port: int, processes: int) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress are finished first."""
    Granian(
        "workers.web:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=processes,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_S,
        log_level=LogLevels.error,  # below it, advice on the number of threads at every start
        log_access=False,
    ).serve()


def application() -> Flask:
    """Make the application, in each of Granian's worker processes.

    Such a process is a fork and has its parent's signal handlers until it serves; a SIGTERM that
    came before then would be lost, and the parent would wait for it until the kill.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    return create_app()
