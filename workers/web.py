"""The process ``web``: Granian, in as many processes as ``WEB_CONCURRENCY`` says.

A process that dies is replaced by one with the same configuration, whatever its files say by then.
What of Granian is set, and why it is Granian: docs/decisions/0001-web-server.md.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from smsgate.domain.errors import SmsGateError
from smsgate.pipeline.configuration import Configuration, with_newest_content
from smsgate.web.app import start_app

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_CONNECTIONS = 4096
"""Open connections of one process; idle ones take no thread."""
MAX_FILES = 2 * MAX_CONNECTIONS
"""Of one process, where the system allows it."""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Of mallopt(3): glibc gives blocks of 1 MiB back, and keeps two heaps instead of one for each
thread. By default a web process keeps 55 MiB more after 40 people signed in."""
KEEP_ALIVE_S = 75
"""How long a connection may be idle: longer than proxies keep theirs (nginx: 60 s), so that the
proxy ends it and not we, with a request on its way."""
DRAIN_S = 0.5
"""How long, told to end, a process still takes connections and asks clients to leave theirs."""
GRACE_S = 8
"""How long requests in progress have at the end: less than the 10 s that platforms and
``smsgate dev`` give the whole process."""
RETRY_S = 10
"""After how long a process that could not start tries again."""
_TO_END = {signal.SIGTERM, signal.SIGINT}


class Draining:
    """The application; at the end each answer also says that its connection closes.

    A server that closes a connection which a client keeps may meet a request that is on its way.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._is_ending = False
        threading.Thread(target=self._wait, args=(os.getppid(),), name="end", daemon=True).start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._is_ending:
            return self._app(environ, partial(_closing, start_response))
        return self._app(environ, start_response)

    def _wait(self, parent: int) -> None:
        """Wait until told to end, or until the parent is gone, which may be killed."""
        while signal.sigtimedwait(_TO_END, 1) is None and os.getppid() == parent:
            pass
        self._is_ending = True
        threading.Event().wait(DRAIN_S)
        end = signal.getsignal(signal.SIGTERM)  # the server's own
        if callable(end):
            end(signal.SIGTERM, None)


def _closing(
    start_response: StartResponse,
    status: str,
    headers: list[tuple[str, str]],
    *error: Any,  # noqa: ANN401 - what WSGI hands on
) -> Callable[[bytes], object]:
    return start_response(status, [*headers, ("Connection", "close")], *error)


def load(make: Callable[[], WSGIApplication]) -> WSGIApplication:
    """Make the application of one process; one that cannot be made is tried again.

    SIGTERM waits meanwhile, and from then on for ``Draining``: platforms send it to each process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)
    while True:
        try:
            return Draining(make())
        except SmsGateError as error:
            structlog.get_logger("smsgate.web").error("cannot start", problem=str(error))
        if signal.sigtimedwait(_TO_END, RETRY_S) is not None:
            sys.exit(0)


def run(
    make: Callable[[], WSGIApplication], host: str, port: int, processes: int, threads: int
) -> None:
    """Serve what ``make`` returns in each process, which listens once it has made it."""
    multiprocessing.set_start_method("fork", force=True)  # what `make` knows cannot be pickled
    Granian(
        "smsgate",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        backlog=1024,
        backpressure=MAX_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_S * 1000),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_S,
        log_dictconfig={
            "incremental": True,
            "handlers": {},
            "loggers": {"_granian": {"propagate": True}},
        },
        log_level=LogLevels.error,
    ).serve(target_loader=partial(load, make), wrap_loader=False)


def serve(host: str, configuration: Configuration) -> None:
    """Serve until SIGTERM; requests in progress are finished first."""
    settings = configuration.settings
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(MAX_FILES, hard)), hard))
    with suppress(AttributeError):  # other C libraries have no such setting
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)
        mallopt(_M_ARENA_MAX, 2)
    run(
        lambda: start_app(lambda: with_newest_content(configuration)),
        host,
        settings.port,
        settings.web_concurrency,
        settings.web_threads,
    )
