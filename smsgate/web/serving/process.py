"""One process that serves: it takes connections, and hands each request to whoever answers it.

A webhook is answered by the thread that reads the connections, which never waits; all else by
threads, which may.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog
import uvloop

from smsgate.gateway.steps import Steps
from smsgate.messages import HttpReply
from smsgate.web.serving.answering import Answering
from smsgate.web.serving.connection import Connection
from smsgate.web.serving.exchange import Exchange
from smsgate.web.serving.heads import Environ
from smsgate.web.serving.parsing import Limits
from smsgate.web.serving.stepping import Stepping, Walk
from smsgate.web.serving.threads import run

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse

_log = structlog.get_logger("smsgate.web")
_LOOK_S = 0.5
"""How often is looked for connections whose time is over."""
_END_LOOK_S = 0.02
_AT_ONCE = 64 * 1024
"""Bytes of a webhook that is read by the loop; reading more takes long, and others wait."""


class Application(Protocol):
    """What is served."""

    def limit(self, environ: Environ) -> int:
        """How long the body of a request may be that is answered in steps; 0 for all others."""

    def steps(self, environ: Environ) -> Steps[HttpReply | None]:
        """The steps to the answer; nothing where a thread is to ask the whole application."""

    def __call__(self, environ: Environ, start_response: StartResponse, /) -> Iterable[bytes]:
        """Answer as any WSGI application; for threads."""


class Process:
    """The loop of one process and all that it knows."""

    def __init__(self, application: Application, sock: socket.socket, limits: Limits) -> None:
        """Take connections from a socket that listens, once it runs."""
        self.application = application
        self.limits = limits
        self.connections: set[Connection] = set()
        self._loop = uvloop.new_event_loop()
        self.now: Callable[[], float] = self._loop.time
        self._socket = sock
        self._pool = ThreadPoolExecutor(limits.threads, "web")
        self._stepping = Stepping(self._loop, self._pool, self.later)
        self._making: set[asyncio.Task[Any]] = set()
        self._accepting = False
        self._until = 0.0
        """When it ends at the latest, once it was told to."""

    def run(self, parent: int, told: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT, or until the pipe ``parent`` ends; then call ``told``."""
        asyncio.set_event_loop(self._loop)
        self._socket.setblocking(False)
        self._take_connections(wanted=True)
        end = partial(self._end, told)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, end)
        self._loop.add_reader(parent, end)
        self._loop.call_later(_LOOK_S, self._look)
        self._loop.run_forever()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, connection: Connection, exchange: Exchange) -> None:
        """Work on a request."""
        if exchange.stream is not None or len(exchange.body) > _AT_ONCE:
            self._ask(connection, exchange)
        else:
            steps = self.application.steps(exchange.environ)
            self._stepping.begin(Walk(steps, partial(self._stepped, connection, exchange)))

    def later(self, act: Callable[..., object], *given: object) -> None:
        """Have something done in the thread that reads connections; for all others."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(act, *given)

    def _stepped(self, connection: Connection, exchange: Exchange, reply: HttpReply | None) -> None:
        if reply is None:
            self._ask(connection, exchange)
        else:
            connection.reply(reply)

    def _ask(self, connection: Connection, exchange: Exchange) -> None:
        """Let a thread ask the whole application."""
        way = Answering(self.later, connection, exchange)
        self._pool.submit(run, self.application, exchange.begin(), way)

    # --- connections -------------------------------------------------------------------------

    def _take_connections(self, *, wanted: bool) -> None:
        if wanted and not self._accepting:
            self._loop.add_reader(self._socket, self._accept)
        elif self._accepting and not wanted:
            self._loop.remove_reader(self._socket)
        self._accepting = wanted

    def _accept(self) -> bool:
        """Take one at a time, so that the processes share them; whether there was one."""
        try:
            taken, _ = self._socket.accept()
        except BlockingIOError:
            return False
        except OSError as error:  # there are no more files: it is tried again in a moment
            _log.warning("a connection was not taken", problem=str(error))
            self._take_connections(wanted=False)
            return False
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made = self._loop.connect_accepted_socket(lambda: Connection(self), taken)
        task = self._loop.create_task(made)
        self._making.add(task)
        task.add_done_callback(self._made)
        if len(self.connections) >= self.limits.connections:
            self._take_connections(wanted=False)
        return True

    def _made(self, task: asyncio.Task[Any]) -> None:
        self._making.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.info("a connection ended before it was made", problem=str(error))

    def _look(self) -> None:
        now = self.now()
        for connection in [one for one in self.connections if one.overdue(now)]:
            connection.transport.abort()
        if not self._until and len(self.connections) < self.limits.connections:
            self._take_connections(wanted=True)
        self._loop.call_later(_LOOK_S, self._look)

    # --- the end -----------------------------------------------------------------------------

    def _end(self, told: Callable[[], None]) -> None:
        """Take who waits at the door, nobody else, and finish."""
        if self._until:
            return
        self._until = self.now() + self.limits.end_s
        told()
        while self._accept():
            pass
        self._take_connections(wanted=False)
        self._socket.close()
        self._let_go()

    def _let_go(self) -> None:
        for connection in list(self.connections):
            connection.finish()
        if self._until < self.now() or not (self.connections or self._making):
            self._loop.stop()
        else:
            self._loop.call_later(_END_LOOK_S, self._let_go)


def serve_until_told(
    application: Application,
    sock: socket.socket,
    limits: Limits,
    parent: int,
    told: Callable[[], None],
) -> None:
    """Serve in this process until it is told to end. See ``Process.run``."""
    Process(application, sock, limits).run(parent, told)
