"""The heartbeat of this process: a thread that says once a second that it runs, and what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.heartbeats import Process
from smsgate.store.processes import Heartbeats

PERIOD_S = 1.0


class Heartbeat:
    """Beats in a thread of its own, which nothing that the process does holds up."""

    def __init__(
        self, heartbeats: Heartbeats, described: Callable[[], Process], began_s: float
    ) -> None:
        """``described()`` is what the process runs now; it began at ``began_s``, monotonic."""
        self._heartbeats = heartbeats
        self._described = described
        self._began_s = began_s
        self._started_us = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._told: Process | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and be forgotten; where the store is away that comes by itself soon."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(10)
        if self._told is not None:
            with suppress(StoreUnavailable):
                self._heartbeats.withdraw(self._told.id)

    def beat(self, *, only_news: bool = False) -> None:
        """Say it now, or only where it is another thing than was said last.

        Raises ``StoreUnavailable``.
        """
        described = self._described()
        with self._lock:
            if only_news and described == self._told:
                return
            process = msgspec.structs.replace(described, started_us=self._started())
            self._heartbeats.beat(process)
            self._told = described

    def _started(self) -> int:
        """When the process began, on Redis's clock, which is asked once."""
        if not self._started_us:
            ran_s = time.monotonic() - self._began_s
            self._started_us = self._heartbeats.now_us() - int(ran_s * 1_000_000)
        return self._started_us

    def _run(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                self.beat()
            if self._ending.wait(PERIOD_S):
                return
