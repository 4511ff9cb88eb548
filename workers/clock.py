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
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.interface.operation import Progress
from smsgate.interface.parts import Parts
from smsgate.logs import Reminder
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services
from smsgate.settings import Settings
from smsgate.store.inbox import JobQueue
from smsgate.store.store import Store
from workers.threads import alert_threads, opt_out_list_threads, record_threads

PERIOD_S = 2.0
LOG_S = 2.0
"""How often the progress of a rebuild is logged, and the clock's lease prolonged."""
CHECK_S = 60.0
"""How often store and records are compared, and the programs published, though nothing hints that
it is needed."""
WATCH_S = 10.0
"""How long they are compared in every round after a hint: what was on its way to the records may
arrive only now."""

_log = structlog.get_logger()


def threads(services: Services) -> list[BackgroundThread]:
    """What a clock does, each in a thread of its own; not started yet."""
    parts = Parts(services)
    sweeper = Sweeper(services.settings, services.archiver, services.job_queue)
    return [
        BackgroundThread("clock", sweeper.sweep, PERIOD_S),
        services.lease_renewal.thread(),
        *parts.bind(record_threads, 0)(),
        *parts.bind(alert_threads, 0)(),
        *parts.bind(opt_out_list_threads, 0)(),
    ]


class Sweeper:
    """The rounds of one clock, every two seconds."""

    def __init__(
        self, settings: Settings, archiver: LedgerArchiver, job_queue: JobQueue, name: str = ""
    ) -> None:
        self._settings, self._archiver, self._job_queue = settings, archiver, job_queue
        self._store = archiver.store
        self._name = name or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._hint: object = None
        self._hinted_at = self._checked_at = -math.inf
        self._reminder = Reminder()

    def sweep(self) -> None:
        """One round, if this clock holds the lease.

        Raises ``StoreUnavailable``, ``QueueUnavailable``.
        """
        store, job_queue = self._store, self._job_queue
        if not store.clock_lease.hold(self._name):
            self._hint = None  # if it leads later, it knows nothing of what happened until then
            return
        if self._is_check_due():
            if self._restore():
                self._checked_at = time.monotonic()
            publish_programs(self._settings, store)
        inboxes, outboxes = store.sweep.overdue()
        job_queue.notify_inboxes(inboxes)
        job_queue.notify_outboxes(outboxes)
        job_queue.trim()

    def _is_check_due(self) -> bool:
        """Whether the store may have lost something."""
        now, hint = time.monotonic(), self._store.health.signature()
        if hint != self._hint:
            self._hint, self._hinted_at = hint, now
            self._checked_at = -math.inf
        return now - self._hinted_at < WATCH_S or now - self._checked_at >= CHECK_S

    def _restore(self) -> bool:
        """Rebuild a store that was flushed or fell back, before anybody trusts it again.

        Gives whether it can be trusted.
        """
        rebuilding = RebuildService(self._settings, self._archiver)
        try:
            why = rebuilding.needed()
            if not why:
                self._reminder.end()
                return True
            _log.warning("store is rebuilt from the records", why=why)
            rebuilt = rebuilding.rebuild(_progress(self._store, self._name), why=why)
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


def _progress(store: Store, name: str) -> Progress:
    """Logs the progress of a rebuild; the clock keeps its lease meanwhile."""
    logged_at = -LOG_S

    def tell(what: str, done: int, total: int) -> None:
        nonlocal logged_at
        now = time.monotonic()
        if now - logged_at >= LOG_S:
            logged_at = now
            store.clock_lease.hold(name)
            _log.info("rebuilding", what=what, done=done, total=total)

    return tell
