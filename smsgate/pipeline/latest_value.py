"""Hands out the newest value, and lets those who have an older one finish."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_S = 0.02


class SharedValue(Generic[T]):
    """One value, and how many are using it."""

    __slots__ = ("_inside", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self._inside: deque[None] = deque()

    def enter(self) -> None:
        """Begin to use it. A deque is added to in one step, and needs no lock."""
        self._inside.append(None)

    def leave(self) -> None:
        """Use it no longer."""
        self._inside.pop()

    def wait_until_unused(self, wait_s: float) -> bool:
        """Wait until it is unused; return False on a time-out."""
        until, pause = time.monotonic() + wait_s, threading.Event()
        while self._inside and time.monotonic() < until:
            pause.wait(_POLL_S)
        return not self._inside


class LatestValue(Generic[T]):
    """Hands out the newest value, and lets those who have an older one finish."""

    def __init__(self, value: T) -> None:
        self._value = SharedValue(value)

    @property
    def value(self) -> T:
        """The newest one, to look at."""
        return self._value.value

    def enter(self) -> SharedValue[T]:
        """The newest one, to use until ``leave``."""
        while True:
            value = self._value
            value.enter()
            if value is self._value:
                return value
            value.leave()  # it was replaced in between, and may have been found empty

    @contextmanager
    def using(self) -> Iterator[T]:
        """The newest one; whatever ends it waits until the block is left."""
        shared = self.enter()
        try:
            yield shared.value
        finally:
            shared.leave()

    def replace(self, value: T) -> SharedValue[T]:
        """Hand out another value from now on; return the one before, which may be in use."""
        before, self._value = self._value, SharedValue(value)
        return before
