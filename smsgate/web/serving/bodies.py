"""A body that is read by a thread while it comes."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed import WriteableBuffer

MUCH = 256 * 1024
"""Bytes that may wait to be read; then no more is taken from the connection."""
PATIENCE_S = 30.0
"""How long the next part is waited for."""


class Body(io.RawIOBase):
    """Fed by the thread that reads connections, read by the one that works on the request."""

    def __init__(self, go_on: Callable[[], None]) -> None:
        """``go_on`` asks for more, once what waited has been read."""
        super().__init__()
        self._go_on = go_on
        self._parts: deque[memoryview] = deque()
        self._waiting = 0
        self._ended = False
        self._came = threading.Condition()

    @property
    def full(self) -> bool:
        """Whether no more should be taken from the connection for now."""
        return self._waiting > MUCH

    def feed(self, data: bytes) -> None:
        """A part has come."""
        with self._came:
            self._parts.append(memoryview(data))
            self._waiting += len(data)
            self._came.notify()

    def end(self) -> None:
        """No more will come: it is whole, or it broke off."""
        with self._came:
            self._ended = True
            self._came.notify()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what there is, or wait for it; 0 at the end, or where it does not come."""
        into = memoryview(buffer)
        with self._came:
            if not self._came.wait_for(lambda: self._parts or self._ended, PATIENCE_S):
                return 0
            size = self._taken(into) if self._parts else 0
            relieved = self._waiting + size > MUCH >= self._waiting
        if relieved:
            self._go_on()
        return size

    def _taken(self, into: memoryview) -> int:
        part = self._parts.popleft()
        size = min(len(part), len(into))
        into[:size] = part[:size]
        if size < len(part):
            self._parts.appendleft(part[size:])
        self._waiting -= size
        return size
