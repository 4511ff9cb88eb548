"""The end of a web process: it leaves the connections that clients keep, then the server ends.

A server that closes a connection which a client keeps may meet a request that is on its way. So
each process waits for SIGTERM itself, since systemd and Heroku send it to each; for half a second
every answer says ``Connection: close``, and then the server's own handler ends what is left.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DRAIN_S = 0.5
"""How long, told to end, a process still takes connections and asks clients to leave theirs."""
_TO_END = {signal.SIGTERM, signal.SIGINT}
_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]


class Draining:
    """An application whose answers close their connections once the process is told to end."""

    def __init__(self, make: Callable[[], WSGIApplication]) -> None:
        """Make the application; SIGTERM waits meanwhile, and then for this, in all threads."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)
        self._app = make()
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
    exc_info: _ExcInfo | None = None,
) -> Callable[[bytes], object]:
    return start_response(status, [*headers, ("Connection", "close")], exc_info)
