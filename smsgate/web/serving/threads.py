"""Running a WSGI application in a thread, with its answer sent as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

import structlog

from smsgate.web.serving.heads import Environ

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

_log = structlog.get_logger("smsgate.web")
_FRAMED = frozenset({"content-length", "transfer-encoding", "connection", "date"})
"""Headers that are the server's to write."""
Headers = list[tuple[str, str]]


class Way(Protocol):
    """Where an answer goes to. What it raises ends the answer: nobody is there any more."""

    def start(self, status: str, headers: Headers, length: int | None) -> None:
        """Send the head."""

    def send(self, data: bytes) -> None:
        """Send a part of the body; waits while the other side does not read."""

    def finish(self, *, whole: bool) -> None:
        """It was all; or it broke off, and must not be taken for all."""


def run(application: WSGIApplication, environ: Environ, way: Way) -> None:
    """Let the application answer one request. Raises nothing."""
    answer = _Answer(way)
    try:
        answer.take(application(environ, answer.start_response))
    except ConnectionError:
        way.finish(whole=False)
    except Exception as error:  # noqa: BLE001 - whatever it is, the process goes on
        _log.error("a request failed", exc_info=error)
        answer.fail()
    else:
        way.finish(whole=True)


class _Answer:
    """What an application says."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._said: tuple[str, Headers] | None = None
        self._begun = False
        self._written: list[bytes] = []

    def start_response(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """As PEP 3333 has it; what is written by the old way comes before the rest."""
        if exc_info is not None and exc_info[1] is not None and self._begun:
            raise exc_info[1]
        self._said = status, headers
        return self._written.append

    def take(self, parts: Iterable[bytes]) -> None:
        """Send all parts. One part alone is sent with its length."""
        try:
            rest = iter(parts)
            first, more = next(rest, b""), next(rest, None)
            if more is None and not self._written:
                self._start(len(first))
                self._way.send(first)
            else:
                self._start(None)
                self._send_all([*self._written, first, more or b""])
                self._send_all(rest)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()

    def fail(self) -> None:
        """Say that it went wrong, where nothing has been said yet."""
        if not self._begun:
            self._said = "500 Internal Server Error", [("Content-Type", "text/plain")]
            self._start(0)
            self._way.finish(whole=True)
        else:
            self._way.finish(whole=False)

    def _start(self, length: int | None) -> None:
        if self._said is None:
            raise RuntimeError("the application has not said a status")
        status, headers = self._said
        told = next((value for name, value in headers if name.lower() == "content-length"), None)
        kept = [(name, value) for name, value in headers if name.lower() not in _FRAMED]
        self._begun = True
        self._way.start(status, kept, int(told) if told else length)

    def _send_all(self, parts: Iterable[bytes] | Iterator[bytes]) -> None:
        for part in parts:
            if part:
                self._way.send(part)
