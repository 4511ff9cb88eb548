"""The process ``web``: gunicorn with threads, in as many processes as ``WEB_CONCURRENCY`` says.

A process that dies is replaced by one with the same configuration, whatever its files say by then.
What of gunicorn is set, and why it is gunicorn: docs/decisions/0001-web-server.md.
"""

from __future__ import annotations

import ctypes
import logging
import resource
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.message import Message
from gunicorn.util import close_graceful
from gunicorn.workers.gthread import _DEFER, STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from smsgate.domain.errors import SmsGateError
from smsgate.features.events import long_polls
from smsgate.interface import requests
from smsgate.pipeline.configuration import Configuration, with_newest_content
from smsgate.web.process import start_app
from smsgate.web.v1 import PREFIX
from smsgate.web.wsgi_request import MAX_BODY_BYTES

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import WSGIApplication

MAX_CONNECTIONS = 4096
"""Open connections of one process; idle ones take no thread."""
BACKLOG = 1024
STALL_S = 10
"""How long one read of a head or a body, or one write of an answer, may wait for the other side."""
KEEP_ALIVE_S = 75
"""How long a connection may be idle: longer than proxies keep theirs (nginx: 60 s), so that the
proxy ends it and not we, with a request on its way."""
AT_ONCE_MS = 100
"""How long a thread waits for the next request of a connection, where nobody else wants it."""
LAST_WAIT_S = 0.5
"""How long the first bytes of a connection are waited for that is taken at the end."""
LINGER_S = 0.5
"""How long is read on after a last answer whose request was not read whole."""
SILENT_S = 60
"""How long a process may be silent before it is taken for dead. Starting takes seconds of it."""
GRACE_S = 8
"""How long requests in progress have at the end: less than the 10 s that platforms and
``smsgate dev`` give the whole process."""

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Of mallopt(3)."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """One process; differs from gunicorn's own in when it listens, waits and ends."""

    sockets: list[socket.socket]

    def run(self) -> None:
        """Listen only now that a process can answer.

        Each process has a socket of its own, so that the system spreads connections over them.
        """
        self.sockets = [bound(*one.getsockname()[:2]) for one in self.sockets]
        for listener in self.sockets:
            listener.listen(BACKLOG)
        self._may_wait = threading.Semaphore(self.cfg.threads // 2)
        super().run()

    def handle(self, conn: TConn) -> object:
        """Work on a connection once something came, and close it where it was its last request.

        Gunicorn would wait in a thread for 5 s for what comes, and at the end in the thread that
        all requests go through for 2 s for the other side to close first.
        """
        has_come = conn.initialized or conn.wait_for_data(0 if self.alive else LAST_WAIT_S)
        if not has_come and self.alive:
            return _DEFER
        keeps = has_come and super().handle(conn)
        while keeps and self._comes_at_once(conn):
            keeps = super().handle(conn)
        if not keeps:
            _end(conn)
        return keeps

    def _comes_at_once(self, conn: TConn) -> bool:
        """Whether the next request comes while no other connection waits for this thread.

        A hop back to the thread that watches all connections, and from there to another one, costs
        as much as a webhook. Half of the threads never wait so.
        """
        if not self.alive or self.tpool._work_queue.qsize():  # noqa: SLF001
            return False
        if not self._may_wait.acquire(blocking=False):
            return False
        try:
            waiting = select.poll()
            waiting.register(conn.sock, select.POLLIN)
            return bool(waiting.poll(AT_ONCE_MS))
        finally:
            self._may_wait.release()

    def handle_exit(self, sig: int, frame: object) -> None:
        """On SIGTERM, calls of ``/v1/events`` stop waiting, too."""
        long_polls.end()
        super().handle_exit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the end, take the connections that wait to be accepted, then stop listening at once.

        Gunicorn would stop listening when all is done; connections made meanwhile would be reset.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            while self._accepted(listener):
                pass
            listener.close()
        until = time.monotonic() + STOP_KEEPALIVE_LINGER
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, until)

    def _accepted(self, listener: socket.socket) -> bool:
        before = self.nr_conns
        self.accept(listener)
        return bool(self.nr_conns > before)


def _end(conn: TConn) -> None:
    """End a connection; where something is unread, read on for a moment.

    With bytes unread the system would reset the connection, and the answer could be lost.
    """
    conn.data_ready = False
    try:
        body_was_read = conn.parser is None or conn.parser.finish_body(time.monotonic() + 0.001)
    except Exception:  # noqa: BLE001 - what is wrong with it was answered already
        body_was_read = False
    unread = not body_was_read or conn.wait_for_data(0)
    with suppress(OSError):  # the other side was quicker
        close_graceful(conn.sock.dup(), timeout=LINGER_S if unread else 0)
        conn.sock.shutdown(socket.SHUT_RDWR)  # so that gunicorn, which closes it, does not wait


def close_after_large_body(_: ThreadWorker, request: Message) -> None:
    """Have the answer say that the connection closes where a refused body may not be read whole.

    Gunicorn reads on 64 KiB at most, which no refused body of a known length is below, and closes
    the connection then. It passes over what an application says about the connection. Calls of
    ``/v1`` may be larger: a program that checks long lists keeps its connection.
    """
    is_call = (request.path or "").startswith(f"{PREFIX}/")
    most = requests.MAX_BODY_BYTES if is_call else MAX_BODY_BYTES
    for name, value in request.headers:
        if name == "TRANSFER-ENCODING" or (name == "CONTENT-LENGTH" and int(value) > most):
            request.force_close()


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's errors among our own lines, in their form."""

    def setup(self, cfg: object) -> None:
        """Hand on to the root logger; write no line for each request, as the views do."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.addFilter(_is_fit)


class GunicornServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn around an application that each process makes for itself."""

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], WSGIApplication],
        processes: int,
        threads: int,
        **changed: object,
    ) -> None:
        """Serve on that socket what ``make`` returns.

        ``changed``: settings of gunicorn that are to be others.
        """
        self._make = make
        self._settings: dict[str, object] = {
            # Keeps the port, and never listens.
            "on_starting": lambda arbiter: arbiter.LISTENERS.append(listener),
            "workers": processes,
            "threads": threads,
            "worker_class": Worker,
            "worker_connections": MAX_CONNECTIONS,
            "keepalive": KEEP_ALIVE_S,
            "timeout": SILENT_S,
            "graceful_timeout": GRACE_S,
            "pre_request": close_after_large_body,
            "limit_request_line": 8190,  # the most that gunicorn takes: ten segments in any script
            # What a proxy says is believed with `trust_proxy` only, and by our own code.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "logger_class": ServerLog,
            "loglevel": "error",  # warnings quote requests that cannot be read
            "control_socket_disable": True,
            **changed,
        }
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Make the application, in each process.

        A process that cannot is followed by another. With any other exit code gunicorn would end
        those that serve, too.
        """
        try:
            return self._make()
        except SmsGateError as error:
            structlog.get_logger("smsgate.web").error("cannot start", problem=str(error))
            sys.exit(error.exit_code)


def serve(host: str, configuration: Configuration) -> None:
    """Serve until SIGTERM; requests in progress are finished first."""
    settings = configuration.settings
    _allow_files(2 * MAX_CONNECTIONS)
    _limit_kept_memory()
    GunicornServer(
        bound(host, settings.port),
        lambda: start_app(lambda: with_newest_content(configuration)),
        settings.web_concurrency,
        settings.web_threads,
    ).run()


def bound(host: str, port: int) -> socket.socket:
    """A socket of that port. There may be several: of each process, and of the next deployment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Connections inherit what follows. Heads and bodies of answers are sent one after the other.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Gunicorn itself would wait for the other side without end.
    stall = struct.pack("@ll", STALL_S, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, stall)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, stall)
    sock.bind((host, port))
    return sock


def _allow_files(wanted: int) -> None:
    """Let a process open as many connections as it may have, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _limit_kept_memory() -> None:
    """Have glibc give large blocks back, and keep two heaps (arenas) instead of one per thread.

    By default every thread that ever hashed a password keeps the 19 MiB that this takes.
    """
    with suppress(AttributeError):  # other C libraries have no such setting
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)
        mallopt(_M_ARENA_MAX, 2)


def _is_fit(record: logging.LogRecord) -> bool:
    """Whether a line is to be written; takes out what a client sent, which may hold a secret."""
    if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
        return False  # a client that says nothing more is no error of ours
    if str(record.msg).startswith("Error handling request"):
        record.msg, record.args = "a request failed", ()
    return True
