"""Counts of all processes and hosts, gathered in one hash.

Each process counts for itself (``metrics/counters.py``) and adds what it has to the hash once a
second, so that any web process can tell all of them. A kill -9 may lose that second; where Redis
took an addition and its answer was lost, that addition is made twice. Both are borne: these are
no evidence. Redis away: a process keeps its counts, and adds them when it is back.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime

from smsgate.domain.errors import StoreUnavailable
from smsgate.metrics.counters import Counters, Family, Noted, Request
from smsgate.store.connection import Client, hash_rows, translated
from smsgate.store.shared_keys import METRICS

PERIOD_S = 1.0
DAYS_S = 8 * 24 * 3600
"""How long the counts of a day stay. The records keep the sums of a day for longer."""


class Metrics:
    """Counts in this process, and reads what all of them counted."""

    def __init__(self, client: Client) -> None:
        """The thread that gathers starts with the first count."""
        self._gatherer = _Gatherer(client)
        self._note = self._gatherer.counters.note
        weakref.finalize(self, self._gatherer.ending.set).atexit = False

    def count(self, family: Family, *labels: str, times: int = 1) -> None:
        """Count an event once, or ``times`` times; returns at once and raises nothing."""
        self._note((family, labels, times))
        if self._gatherer.thread is None:
            self._gatherer.start()

    def took(self, family: Family, seconds: float, *labels: str) -> None:
        """Record a duration; returns at once and raises nothing."""
        self._note((family, labels, (seconds,)))
        if self._gatherer.thread is None:
            self._gatherer.start()

    def noting(self) -> Callable[[Noted], None]:
        """What counts for a part that counts much: appending to a queue, and nothing else."""
        self._gatherer.start()
        return self._note

    def requests(self) -> Callable[[Request], None]:
        """What counts a provider's request: appending to a queue, and nothing else."""
        self._gatherer.start()
        return self._gatherer.counters.request

    def flush(self) -> None:
        """Add what was counted to the hash now. Raises ``StoreUnavailable``; nothing is lost."""
        self._gatherer.flush()

    def sums(self, day: date | None = None) -> dict[str, int]:
        """What all processes have counted, ever or on a day (UTC) of the last week.

        As ``metrics.counters`` reads it. Raises ``StoreUnavailable``.
        """
        key = METRICS if day is None else _day_key(day)
        found = hash_rows(self._gatherer.client.hgetall(key))
        return {name: int(value) for name, value in found.items()}

    def close(self) -> None:
        """Add the rest and end the thread."""
        self._gatherer.end()


class _Gatherer:
    """What the thread needs; it does not hold the ``Metrics``, so that those can go."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.counters = Counters()
        self.thread: threading.Thread | None = None
        self._sums: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.ending = threading.Event()
        _gatherers.add(self)

    def start(self) -> None:
        """Start the thread, unless it runs or was ended."""
        with self._lock:
            if self.thread is None and not self.ending.is_set():
                self.thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self.thread.start()

    def flush(self) -> None:
        """Add what was counted to the hash now. Raises ``StoreUnavailable``; nothing is lost."""
        with self._lock:
            self._sums += self.counters.gather()
            if not self._sums:
                return
            today = _day_key(datetime.now(UTC).date())
            with translated(), self.client.pipeline(transaction=True) as pipeline:
                for name, value in self._sums.items():
                    pipeline.hincrby(METRICS, name, value)
                    pipeline.hincrby(today, name, value)
                pipeline.expire(today, DAYS_S)
                pipeline.execute()
            self._sums.clear()

    def end(self) -> None:
        """Let the thread add the rest, and wait for it."""
        self.ending.set()
        if self.thread is not None:
            self.thread.join(timeout=5)

    def forked(self) -> None:
        """Reset the counts in a forked process: they belong to its parent."""
        self._lock, self.ending = threading.Lock(), threading.Event()
        self._sums.clear()
        self.counters.clear()
        if self.thread is not None:
            self.thread = None
            self.start()

    def _run(self) -> None:
        last = False
        while not last:
            last = self.ending.wait(PERIOD_S)
            with suppress(StoreUnavailable):  # whatever asks Redis for more than counts says it
                self.flush()


def _day_key(day: date) -> str:
    """Key of what was counted on a day (UTC); in the slot of ``METRICS``."""
    return f"{{{METRICS}}}:{day.isoformat()}"


_gatherers: weakref.WeakSet[_Gatherer] = weakref.WeakSet()


def _for_all(do: Callable[[_Gatherer], None]) -> None:
    for one in list(_gatherers):
        do(one)


os.register_at_fork(after_in_child=lambda: _for_all(_Gatherer.forked))
# For processes that close nothing, such as other programs that use a gate.
atexit.register(_for_all, _Gatherer.end)
