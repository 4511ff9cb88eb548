"""A thread that does one thing again and again, beside what its process does."""

from __future__ import annotations

import math
import threading
import time


class BackgroundThread:
    """Calls ``run_once`` from ``start`` until ``close``; an exception that it raises ends it.

    A daemon thread: it does not keep its process alive. ``close`` waits for the call in progress
    until ``close_timeout_s`` after ``stop``: of several threads stop all, then close all.
    """

    def __init__(self, name: str, first_pause_s: float = 0.0, close_timeout_s: float = 5.0) -> None:
        self._first_pause_s = first_pause_s
        self._close_timeout_s = close_timeout_s
        self._ending = threading.Event()
        self._ends_at = math.inf
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def run_once(self) -> float:
        """Do it once; returns the pause before the next call, in seconds."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no other call; returns at once."""
        self._ends_at = min(self._ends_at, time.monotonic() + self._close_timeout_s)
        self._ending.set()

    def close(self) -> None:
        """End after the call in progress."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(max(0.0, self._ends_at - time.monotonic()))

    def _run(self) -> None:
        pause_s = self._first_pause_s
        while not self._ending.wait(pause_s):
            pause_s = self.run_once()
