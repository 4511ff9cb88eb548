"""The newest of something that is replaced while it is in use."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_S = 0.02


class SharedValue(Generic[T]):
    """One value, and how many are using it."""

    __slots__ = ("_inside", "value")

    def __init__(self, value: T) -> None:
        """Nobody uses it yet."""
        self.value = value
        self._inside: deque[None] = deque()

    def enter(self) -> None:
        """Begin to use it. A deque is added to in one step, and needs no lock."""
        self._inside.append(None)

    def leave(self) -> None:
        """Use it no longer."""
        self._inside.pop()

    def left(self, wait_s: float) -> bool:
        """Wait until nobody uses it; whether that came true in time."""
        until, pause = time.monotonic() + wait_s, threading.Event()
        while self._inside and time.monotonic() < until:
            pause.wait(_LOOK_S)
        return not self._inside


class LatestValue(Generic[T]):
    """Hands out the newest value, and lets those who have an older one finish."""

    def __init__(self, value: T) -> None:
        """Begin with a value."""
        self._turn = SharedValue(value)

    @property
    def value(self) -> T:
        """The newest one, to look at."""
        return self._turn.value

    def enter(self) -> SharedValue[T]:
        """The newest one, to use until ``leave``."""
        while True:
            turn = self._turn
            turn.enter()
            if turn is self._turn:
                return turn
            turn.leave()  # it was replaced in between, and may have been found empty

    def replace(self, value: T) -> SharedValue[T]:
        """Hand out another value from now on; gives the one before, which may be in use."""
        before, self._turn = self._turn, SharedValue(value)
        return before
