"""Requests that wait for something new, without harm to the others.

A request that waits holds a thread, of which a process has a few, and webhooks need them. So only
some may wait at once, and all of them stop waiting as soon as the process is told to end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_WAITING = 4
"""Requests that wait at once in one process; others are answered at once."""
PERIOD_S = 0.2


class LongPolls:
    """Lets a few requests wait. Threads may share it."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._places = threading.BoundedSemaphore(max_waiting)
        self._ending = threading.Event()

    def end(self) -> None:
        """End all waits, since the process must end."""
        self._ending.set()

    @contextmanager
    def wait(self, wait_s: float) -> Iterator[Callable[[], bool]]:
        """Gives ``again()``: pauses for a moment, and says whether to look another time."""
        ends = time.monotonic() + wait_s
        if wait_s <= 0 or not self._places.acquire(blocking=False):
            yield lambda: False
            return

        def again() -> bool:
            left_s = ends - time.monotonic()
            return left_s > 0 and not self._ending.wait(min(PERIOD_S, left_s))

        try:
            yield again
        finally:
            self._places.release()


LONG_POLLS = LongPolls()
"""Of this process."""
