"""The process ``web``: processes that serve the doors, and one that starts them anew."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.context import ForkProcess

from smsgate.web import create_app
from smsgate.web.serving import Application, Limits, serve_until_told
from smsgate.web.v1.waiting import WAITING

LIMITS = Limits(
    threads=64,
    connections=2048,
    head_s=30.0,
    # A long text in a query, percent-encoded, is a quarter of it.
    head_bytes=64 * 1024,
    body_s=10.0,
    # Less than the 10 s that platforms and ``smsgate dev`` give the whole process.
    end_s=8.0,
)
BACKLOG = 1024
STEADY_S = 10.0
"""A process that served this long is followed by a new one at once."""
PAUSES_S = (0.5, 5.0)
"""The pause before a new one otherwise: the first, and the longest; it doubles each time."""
_MARGIN_S = 1.0

Make = Callable[[], Application]


def serve(host: str, port: int, processes: int) -> None:
    """Serve until SIGTERM or SIGINT; requests in progress are finished first."""
    _make_room()
    with bound(host, port) as sock:
        Processes(sock, processes, application).run()


def application() -> Application:
    """Make the application, in each of the processes that serve."""
    made: Application = create_app().wsgi_app  # type: ignore[assignment]  # Flask's way
    return made


def bound(host: str, port: int) -> socket.socket:
    """A socket of that port. There may be two, so that one deployment follows another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    return sock


def _make_room() -> None:
    """Let a process open as many connections as it may have, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * LIMITS.connections
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Processes:
    """Forks of this process, each of which serves; one that dies is followed by another.

    One that dies again and again, such as by a message that kills it, is started more and more
    slowly, and does not end the others.
    """

    def __init__(
        self, sock: socket.socket, count: int, make: Make, limits: Limits = LIMITS
    ) -> None:
        """Start none yet."""
        self._socket = sock
        self._count = count
        self._make = make
        self._limits = limits
        self._running: list[ForkProcess] = []
        self._pause_s = PAUSES_S[0]
        self._last_death = -STEADY_S
        self._told, self._tell = os.pipe()
        """Readable once a signal came."""
        self._alive, self._hold = os.pipe()
        """Ends when this process does, so that the others end with it."""

    def run(self) -> None:
        """Start them, and go on until a signal comes and they have ended."""
        os.set_blocking(self._tell, False)
        before = signal.set_wakeup_fd(self._tell, warn_on_full_buffer=False)
        handled = {
            number: signal.signal(number, lambda *_: None)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            self._running = [self._started() for _ in range(self._count)]
            while not self._wait(None):
                self._replace()
        finally:
            self._socket.close()
            self._end()
            signal.set_wakeup_fd(before)
            for number, handler in handled.items():
                signal.signal(number, handler)

    def _wait(self, seconds: float | None) -> bool:
        """Wait until one of them has died, or for so long; whether a signal came."""
        watched = [] if seconds is not None else [one.sentinel for one in self._running]
        return self._told in connection.wait([*watched, self._told], seconds)

    def _replace(self) -> None:
        for place, process in enumerate(self._running):
            if process.exitcode is not None and not self._pause():
                self._running[place] = self._started()

    def _pause(self) -> bool:
        """Wait before the next one is started; whether a signal came meanwhile."""
        now = time.monotonic()
        steady = now - self._last_death >= STEADY_S
        self._last_death = now
        if steady:
            self._pause_s = PAUSES_S[0]
            return False
        told = self._wait(self._pause_s)
        self._last_death = time.monotonic()
        self._pause_s = min(self._pause_s * 2, PAUSES_S[1])
        return told

    def _started(self) -> ForkProcess:
        process = multiprocessing.get_context("fork").Process(target=self._serve)
        process.start()
        return process

    def _serve(self) -> None:
        """In a process of its own, which has its parent's way with signals until it serves."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for end in (self._told, self._tell, self._hold):
            os.close(end)
        made = self._make()
        self._socket.listen(BACKLOG)  # not before there is somebody who answers
        serve_until_told(made, self._socket, self._limits, self._alive, WAITING.end)

    def _end(self) -> None:
        for process in self._running:
            process.terminate()
        until = time.monotonic() + self._limits.end_s + _MARGIN_S
        for process in self._running:
            process.join(max(0.0, until - time.monotonic()))
            if process.exitcode is None:
                process.kill()
        for end in (self._told, self._tell, self._alive, self._hold):
            with suppress(OSError):
                os.close(end)
