"""The thread of a process that adds its counts to those of all others in Redis, once a second."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.counters import Counters
from smsgate.store.redis_types import Client
from smsgate.store.shared_keys import METRICS, counted_on

PERIOD_S = 1.0
DAYS_S = 8 * 24 * 3600
"""How long the counts of a day stay. The records keep the sums of a day for longer."""


class MetricsGatherer:
    """What the thread needs; it does not hold the ``Metrics``, so that those can go."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.counters = Counters()
        self.thread: threading.Thread | None = None
        self._sums: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        _gatherers.add(self)

    def start(self) -> None:
        """Start the thread, unless it runs or was ended."""
        with self._lock:
            if self.thread is None and not self._ending.is_set():
                self.thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self.thread.start()

    def flush(self) -> None:
        """Add what was counted to the hash now. Raises ``StoreUnavailable``; nothing is lost."""
        with self._lock:
            self._sums += self.counters.gather()
            if not self._sums:
                return
            today = counted_on(datetime.now(UTC).date().isoformat())
            with self.client.pipeline(transaction=True) as pipeline:
                for name, value in self._sums.items():
                    pipeline.hincrby(METRICS, name, value)
                    pipeline.hincrby(today, name, value)
                pipeline.expire(today, DAYS_S)
                pipeline.execute()
            self._sums.clear()

    def stop(self) -> None:
        """Let the thread add the rest and end."""
        self._ending.set()

    def end(self) -> None:
        """Stop, and wait for it."""
        self.stop()
        if self.thread is not None:
            self.thread.join(timeout=5)

    def forked(self) -> None:
        """Reset the counts in a forked process: they belong to its parent."""
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._sums.clear()
        self.counters.clear()
        if self.thread is not None:
            self.thread = None
            self.start()

    def _run(self) -> None:
        last = False
        while not last:
            last = self._ending.wait(PERIOD_S)
            with suppress(StoreUnavailable):  # whatever asks Redis for more than counts says it
                self.flush()


_gatherers: weakref.WeakSet[MetricsGatherer] = weakref.WeakSet()


def _forked() -> None:
    for one in list(_gatherers):
        one.forked()


@atexit.register
def _end() -> None:
    """For processes that close nothing, such as other programs that use a gate."""
    for one in list(_gatherers):
        one.end()


os.register_at_fork(after_in_child=_forked)
