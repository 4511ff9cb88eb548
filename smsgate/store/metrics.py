"""Counts of all processes and hosts, gathered in one hash.

Each process counts for itself (``metrics/counters.py``) and adds what it has to the hash once a
second, so that any web process can tell all of them. A kill -9 may lose that second; where Redis
took an addition and its answer was lost, that addition is made twice. Both are borne: these are
no evidence. Redis away: a process keeps its counts, and adds them when it is back.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from datetime import date

from smsgate.metrics.counters import Family, Noted, Request
from smsgate.store.metrics_gatherer import MetricsGatherer
from smsgate.store.redis_types import Client
from smsgate.store.shared_keys import METRICS, counted_on


class Metrics:
    """Counts in this process, and reads what all of them counted."""

    def __init__(self, client: Client) -> None:
        """The thread that gathers starts with the first count."""
        self._gatherer = MetricsGatherer(client)
        self._note = self._gatherer.counters.note
        weakref.finalize(self, self._gatherer.stop).atexit = False

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

    def sums(self) -> dict[str, int]:
        """What all processes have counted, as ``metrics.counters`` reads it.

        Raises ``StoreUnavailable``.
        """
        return self._sums_at(METRICS)

    def sums_on(self, day: date) -> dict[str, int]:
        """What they counted on a day (UTC) of the last week. Raises ``StoreUnavailable``."""
        return self._sums_at(counted_on(day.isoformat()))

    def _sums_at(self, key: str) -> dict[str, int]:
        found = self._gatherer.client.hgetall(key)
        return {name.decode(): int(value) for name, value in found.items()}

    def close(self) -> None:
        """Add the rest and end the thread."""
        self._gatherer.end()
