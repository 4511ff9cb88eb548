"""One thread of each process works on errands, one after the other."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

_EVERY_S = 0.3


class Worker:
    """Does what it is given, in turn."""

    def __init__(self) -> None:
        """Start no thread before the first work."""
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def give(self, work: Callable[[], None]) -> None:
        """Do it when its turn comes. It must raise nothing."""
        with self._lock:
            self._queue.put(work)
            if self._thread is None:
                # It ends with the process, in the middle: an errand can be gone on with.
                self._thread = threading.Thread(target=self._run, name="errands", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._queue.get()()


WORKER = Worker()
"""Of this process, whatever configuration it has by now."""


class Meter:
    """Tells now and then how far a step is."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        """``tell`` is given the sum so far, a few times a second at most."""
        self._tell = tell
        self._sum = 0
        self._next = 0.0

    def add(self, count: int) -> None:
        """So much more was done."""
        self._sum += count
        if time.monotonic() >= self._next:
            self._tell(self._sum)
            self._next = time.monotonic() + _EVERY_S
