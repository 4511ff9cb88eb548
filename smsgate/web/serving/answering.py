"""The way back of an answer that a thread makes: through the loop that writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from smsgate.web.serving.exchange import Exchange

if TYPE_CHECKING:  # exists for type checkers only
    from smsgate.web.serving.connection import Connection

_PATIENCE_S = 60.0
"""How long the other side may take before it reads on."""
_TOGETHER = 64 * 1024
"""Bytes that are sent at once: most answers are shorter, and cost the loop one turn."""


class Answering:
    """See ``threads.Way``. Waits while the other side does not read what was sent."""

    def __init__(
        self, later: Callable[..., None], connection: Connection, exchange: Exchange
    ) -> None:
        """``later`` does something in the thread of the loop."""
        self._later = later
        self._connection = connection
        self._exchange = exchange
        self._parts: list[bytes] = []
        self._size = 0
        self._written = threading.Event()

    def start(self, status: str, headers: list[tuple[str, str]], length: int | None) -> None:
        """Send the head."""
        self._parts.append(self._exchange.head(status, headers, length))

    def send(self, data: bytes) -> None:
        """Send a part. Raises ``ConnectionError`` where nobody is there, or nobody reads."""
        self._parts.append(self._exchange.piece(data))
        self._size += len(data)
        if self._size < _TOGETHER:
            return
        self._written.clear()
        self._later(self._write, self._taken())
        there = self._written.wait(_PATIENCE_S) and self._connection.writable.wait(_PATIENCE_S)
        if not there or self._connection.gone:
            raise ConnectionError("the answer is not wanted any more")

    def finish(self, *, whole: bool) -> None:
        """It was all."""
        self._later(self._finish, self._taken(), whole)

    def _taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return data

    def _write(self, data: bytes) -> None:
        self._connection.write(data)
        self._written.set()

    def _finish(self, data: bytes, whole: bool) -> None:
        self._connection.write(data)
        self._connection.end(whole=whole)
