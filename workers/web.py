"""The process ``web``: Granian serves the Flask application."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

THREADS = 4
"""Requests that one process works on at once. They mostly wait for Redis."""
BACKLOG = 1024
KILL_S = 8
"""How long requests in progress may take when the process is told to end. Less than the 10 s that
platforms and ``smsgate dev`` give the whole process."""


def serve(host: str, port: int, processes: int) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress are finished first."""
    Granian(
        "smsgate.web:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=processes,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_S,
        log_level=LogLevels.warning,
        log_access=False,
    ).serve()
