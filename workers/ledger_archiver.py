"""What a thread of the process ``clock`` does: it moves the ledgers to the records.

It looks every 0.8 seconds, and goes on without a pause while there is more than one batch. Any
number of them may run. Once a day it removes what is older than it has to be kept.
"""

from __future__ import annotations

import time

from smsgate.features.dashboard.statistics import save_counts
from smsgate.pipeline.archive import BATCH
from smsgate.pipeline.services import Services
from workers.retention import DailyRetention

PERIOD_S = 0.8
"""An event is in the records within a second of its commit."""
COUNT_S = 60.0
"""How often the sums of the day go to the records."""


class ArchiverRounds:
    """Moves the ledgers, counts the day, and removes what is old."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._retention = DailyRetention(services)
        self._counted_at = -COUNT_S

    def run_once(self) -> float:
        """Move one batch of every partition; return the pause before the next, in seconds.

        Raises as ``LedgerArchiver.move``.
        """
        moved = self._services.archiver.move()
        self._count()
        if not moved:
            moved = self._retention.remove_batch()
        return 0.0 if moved >= BATCH else PERIOD_S

    def _count(self) -> None:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_S:
            self._counted_at = now
            save_counts(self._services.store, self._services.records)
