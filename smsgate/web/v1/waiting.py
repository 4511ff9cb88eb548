"""Waiting inside a request, without harm to the others.

A request that waits holds a thread, of which a process has a few, and webhooks need them. So only
some may wait at once, and all of them stop waiting as soon as the process is told to end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST = 4
"""Requests that wait at once in one process; others are answered at once."""
PERIOD_S = 0.2


class Waiting:
    """Hands out turns to wait."""

    def __init__(self, most: int = MOST) -> None:
        """Nobody waits yet."""
        self._turns = threading.BoundedSemaphore(most)
        self._ending = threading.Event()

    def end(self) -> None:
        """Nobody waits any longer: the process is told to end."""
        self._ending.set()

    @contextmanager
    def turn(self, wait_s: float) -> Iterator[Callable[[], bool]]:
        """Gives ``again()``: pauses for a moment, and says whether to look another time."""
        ends = time.monotonic() + wait_s
        if wait_s <= 0 or not self._turns.acquire(blocking=False):
            yield lambda: False
            return
        try:
            yield lambda: self._again(ends)
        finally:
            self._turns.release()

    def _again(self, ends: float) -> bool:
        left = ends - time.monotonic()
        if left <= 0:
            return False
        return not self._ending.wait(min(PERIOD_S, left))


WAITING = Waiting()
"""Of this process."""
