"""The ledger archiver, a thread of the process ``clock``: moves the ledgers to the records.

It looks every 0.8 seconds, and goes on without a pause while there is more than one batch. Any
number of them may run. Store or database away: the events wait in the ledgers, and it
tries again. Once a day it removes what is older than it has to be kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from smsgate.domain.errors import (
    RecordsDiffer,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.features.dashboard.statistics import save_counts
from smsgate.pipeline.archive import BATCH
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.services import Services
from workers.retention import DailyRetention

PERIOD_S = 0.8
"""An event is in the records within a second of its commit."""
PAUSE_S = 1.0
"""How long it waits after something was away."""
COUNT_S = 60.0
"""How often the sums of the day go to the records."""
REMIND_S = 60.0
"""How often a problem that lasts is logged again."""

_log = structlog.get_logger()


class ArchiverThread(BackgroundThread):
    """Moves the ledgers; ``failed`` is called if a fault of ours ends the thread.

    The process then ends too, and is started again.
    """

    def __init__(self, services: Services, failed: Callable[[], None] = lambda: None) -> None:
        super().__init__("ledger archiver", close_timeout_s=30.0)
        self._services = services
        self._failed = failed
        self._warned_at: dict[str, float] = {}
        self._retention = DailyRetention(services)
        self._counted_at = -COUNT_S

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            if not self._ending.is_set():
                self._failed()

    def run_once(self) -> float:
        """Move one batch of every partition; return the pause before the next, in seconds."""
        try:
            moved = self._services.archiver.move()
            self._count()
            if not moved:
                moved = self._retention.remove_batch()
        except (StoreUnavailable, StoreNotReady, RecordsUnavailable) as error:
            self._warn("events wait for the records", str(error))
            return PAUSE_S
        except RecordsDiffer as error:
            self._warn("store and records differ", str(error))
            return PAUSE_S
        return 0.0 if moved >= BATCH else PERIOD_S

    def _count(self) -> None:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_S:
            self._counted_at = now
            save_counts(self._services.store, self._services.records)

    def _warn(self, what: str, problem: str) -> None:
        now = time.monotonic()
        if now - self._warned_at.get(what, -REMIND_S) >= REMIND_S:
            self._warned_at[what] = now
            _log.warning(what, problem=problem)
