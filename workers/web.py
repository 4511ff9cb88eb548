"""The process ``web``: Granian serves the Flask application."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Sequence

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from smsgate.web import create_app

THREADS = 64
"""Requests that one process works on at once; they mostly wait for Redis. A thread is made when
it is first needed. Under the load of ``make bench`` (16 connections, two processes) 16 threads took
2,808 a second and 4 took 2,201; beyond that it made no difference, but bodies that do not come
(``smsgate/web/slow_bodies.py``) hold a thread each."""
BACKLOG = 1024
CONNECTIONS = 2048
"""Open connections of one process; more wait until one ends. Granian's default is 512."""
HEAD_MS = 30_000
"""How long the head of a request may take, and how long a connection may idle between two."""
HEAD_BYTES = 64 * 1024
"""Size of a head: a long text in a query, percent-encoded, is a quarter of it."""
STEADY_S = 10.0
"""A worker process that ran this long is followed by a new one at once."""
PAUSES_S = (0.5, 5.0)
"""The pause before a new one otherwise: the first, and the longest; it doubles each time."""
KILL_S = 8
"""How long requests in progress may take when the process is told to end. Less than the 10 s that
platforms and ``smsgate dev`` give the whole process."""


def serve(host: str, port: int, processes: int) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress are finished first."""
    _make_room()
    Server(
        "workers.web:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=processes,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        # Proxies speak HTTP/1.1 to us. Looking for HTTP/2 first would wait without end for the
        # first byte, and lets a client send 16 MiB of headers.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_MS, max_buffer_size=HEAD_BYTES),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_S,
        log_level=LogLevels.error,  # below it, advice on the number of threads at every start
        log_access=False,
    ).serve()


def _make_room() -> None:
    """Let a process open as many connections as it may have, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Server(Granian):  # type: ignore[misc,valid-type]  # it is chosen when it is imported
    """Granian, but a worker process that dies again and again does not end the others.

    Granian takes a second death within 5.5 s for a fault of the application, and ends all: one
    message that kills its process would so take the whole service away.
    """

    _pause_s = PAUSES_S[0]
    _last_death = -STEADY_S

    def _respawn_workers(
        self, workers: Sequence[int], spawn: object, load: object, delay: float = 0
    ) -> None:
        if not (self.reload_signal or delay):
            self._pause()
        super()._respawn_workers(workers, spawn, load, delay)
        self.respawned_wrks.clear()  # what Granian compares the next death with

    def _pause(self) -> None:
        now = time.monotonic()
        steady = now - self._last_death >= STEADY_S
        self._last_death = now
        if steady:
            self._pause_s = PAUSES_S[0]
            return
        self.main_loop_interrupt.wait(self._pause_s)
        self._last_death = time.monotonic()
        self._pause_s = min(self._pause_s * 2, PAUSES_S[1])


def application() -> Flask:
    """Make the application, in each of Granian's worker processes.

    Such a process is a fork and has its parent's signal handlers until it serves; a SIGTERM that
    came before then would be lost, and the parent would wait for it until the kill.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    return create_app()
