"""The threads of the process ``clock``: lost jobs, the ledgers, the write lease, alerts, lists.

RQ's own scheduler is not used for lost jobs: it writes pickle, ends when Redis does, and doubles
when it runs twice. The sweeper survives lost connections and holds a lease, so that a second one
stands by.
"""

from __future__ import annotations

import math
import os
import socket
import time
import uuid

import structlog

from smsgate.background_thread import BackgroundThread
from smsgate.domain.errors import RecordsDiffer, RecordsUnavailable, StoreNotReady
from smsgate.features.alerts.service import AlertService
from smsgate.features.dashboard.statistics import save_counts
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.interface.operation import Progress
from smsgate.logs import Reminder
from smsgate.pipeline.archive import BATCH
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services
from workers.opt_out_lists import opt_out_list_threads

PERIOD_S = 2.0
LOG_S = 2.0
"""How often the progress of a rebuild is logged, and the clock's lease prolonged."""
ARCHIVE_S = 0.8
"""An event is in the records within a second of its commit."""
COUNT_S, RETENTION_S = 60.0, 600.0
"""How often the sums of the day go to the records, and whether it is time to remove old ones is
asked."""
ALERTS_S, ALERT_TEST_S = 15.0, 2.0
"""How often the conditions are compared, and whether somebody asked for a test is looked at."""

CHECK_S = 60.0
"""How often store and records are compared, and the programs published, though nothing hints that
it is needed."""
WATCH_S = 10.0
"""How long they are compared in every round after a hint: what was on its way to the records may
arrive only now."""

_log = structlog.get_logger()


def threads(services: Services) -> list[BackgroundThread]:
    """What a clock does, each in a thread of its own; not started yet."""
    return [
        BackgroundThread("clock", Sweeper(services).sweep, PERIOD_S),
        services.lease_renewal.thread(),
        *record_threads(services),
        *alert_threads(services),
        *opt_out_list_threads(services),
    ]


def record_threads(services: Services) -> list[BackgroundThread]:
    """Those that move the ledgers to the records, count the day, and remove what is old.

    Any number of clocks may do it: of two movers one is faster, and retention has a turn a day.
    """
    store, records, archiver = services.store, services.records, services.archiver

    def move() -> float:
        return 0.0 if archiver.move() >= BATCH else ARCHIVE_S

    def remove_old() -> None:
        if store.sweep.take_retention_turn():
            for _ in services.forgetting.apply_retention():
                if retention.is_ending:
                    return

    retention = BackgroundThread("retention", remove_old, RETENTION_S)
    return [
        BackgroundThread("ledger archiver", move, ARCHIVE_S, close_timeout_s=30.0),
        BackgroundThread("counts", lambda: save_counts(store, records), COUNT_S),
        retention,
    ]


def alert_threads(services: Services) -> list[BackgroundThread]:
    """Those that compare the conditions, log the records' digest, and send requested tests."""
    alerts = AlertService(services.store, services.settings, services.monitor)
    return [
        BackgroundThread(
            "alerts", alerts.check, ALERTS_S, close_timeout_s=15.0, at_end=alerts.close
        ),
        BackgroundThread(
            "records digest", lambda: alerts.send_records_digest(services.records), ALERTS_S
        ),
        BackgroundThread("alert test", alerts.run_test, ALERT_TEST_S),
    ]


class Sweeper:
    """The rounds of one clock, every two seconds."""

    def __init__(self, services: Services, name: str = "") -> None:
        self._services = services
        self._name = name or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._hint: object = None
        self._hinted_at = self._checked_at = -math.inf
        self._reminder = Reminder()

    def sweep(self) -> None:
        """One round, if this clock holds the lease.

        Raises ``StoreUnavailable``, ``QueueUnavailable``.
        """
        store, job_queue = self._services.store, self._services.job_queue
        if not store.sweep.leads(self._name):
            self._hint = None  # if it leads later, it knows nothing of what happened until then
            return
        if self._is_check_due():
            if self._restore():
                self._checked_at = time.monotonic()
            publish_programs(self._services.settings, store)
        inboxes, outboxes = store.sweep.overdue()
        job_queue.notify_inboxes(inboxes)
        job_queue.notify_outboxes(outboxes)
        job_queue.trim()

    def _is_check_due(self) -> bool:
        """Whether the store may have lost something."""
        now, hint = time.monotonic(), self._services.store.health.signature()
        if hint != self._hint:
            self._hint, self._hinted_at = hint, now
            self._checked_at = -math.inf
        return now - self._hinted_at < WATCH_S or now - self._checked_at >= CHECK_S

    def _restore(self) -> bool:
        """Rebuild a store that was flushed or fell back, before anybody trusts it again.

        Gives whether it can be trusted.
        """
        rebuilding = RebuildService(self._services)
        try:
            why = rebuilding.needed()
            if not why:
                self._reminder.end()
                return True
            _log.warning("store is rebuilt from the records", why=why)
            rebuilt = rebuilding.rebuild(_progress(self._services, self._name), why=why)
        except (RecordsUnavailable, RecordsDiffer, StoreNotReady) as error:
            if self._reminder.is_due(str(error)):
                _log.warning("store and records cannot be compared", problem=str(error))
            return False
        _log.warning(
            "store was rebuilt",
            numbers=rebuilt.numbers,
            messages=rebuilt.messages,
            merged=rebuilt.merged,
            records_end=rebuilt.newest.isoformat() if rebuilt.newest else "",
        )
        return True


def _progress(services: Services, name: str) -> Progress:
    """Logs the progress of a rebuild; the clock keeps its lease meanwhile."""
    logged_at = -LOG_S

    def tell(what: str, done: int, total: int) -> None:
        nonlocal logged_at
        now = time.monotonic()
        if now - logged_at >= LOG_S:
            logged_at = now
            services.store.sweep.leads(name)
            _log.info("rebuilding", what=what, done=done, total=total)

    return tell
