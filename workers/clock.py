"""The process ``clock``: every two seconds it enqueues lost jobs.

RQ's own scheduler is not used for this: it writes pickle, ends when Redis does, and doubles when
it runs twice. This loop survives lost connections and holds a lease, so that a second one stands
by.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
import uuid

import structlog

from smsgate.domain.errors import (
    QueueUnavailable,
    RecordsDiffer,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.interface.operation import Progress
from smsgate.logs import Reminder
from smsgate.pipeline.published_programs import publish_programs
from smsgate.pipeline.services import Services

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


def run(services: Services, ending: threading.Event) -> None:
    """Sweep until ``ending`` is set."""
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    sweeper, reminder = Sweeper(name), Reminder()
    while not ending.is_set():
        try:
            if sweeper.sweep(services):
                services.job_queue.trim()
            reminder.end()
        except (StoreUnavailable, QueueUnavailable) as error:
            if reminder.is_due(str(error)):
                _log.warning("clock waits", problem=str(error))
        ending.wait(PERIOD_S)


class Sweeper:
    """The rounds of one clock."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._hint: object = None
        self._hinted_at = self._checked_at = -math.inf
        self._reminder = Reminder()

    def sweep(self, services: Services) -> bool:
        """One round, if this clock holds the lease; gives whether it does.

        Raises ``StoreUnavailable``.
        """
        if not services.store.sweep.leads(self._name):
            self._hint = None  # if it leads later, it knows nothing of what happened until then
            return False
        if self._is_check_due(services):
            if self._restore(services):
                self._checked_at = time.monotonic()
            publish_programs(services.settings, services.store)
        inboxes, outboxes = services.store.sweep.overdue()
        services.job_queue.notify_inboxes(inboxes)
        services.job_queue.notify_outboxes(outboxes)
        return True

    def _is_check_due(self, services: Services) -> bool:
        """Whether the store may have lost something."""
        now, hint = time.monotonic(), services.store.health.signature()
        if hint != self._hint:
            self._hint, self._hinted_at = hint, now
            self._checked_at = -math.inf
        return now - self._hinted_at < WATCH_S or now - self._checked_at >= CHECK_S

    def _restore(self, services: Services) -> bool:
        """Rebuild a store that was flushed or fell back, before anybody trusts it again.

        Gives whether it can be trusted.
        """
        rebuilding = RebuildService(services)
        try:
            why = rebuilding.needed()
            if not why:
                self._reminder.end()
                return True
            _log.warning("store is rebuilt from the records", why=why)
            rebuilt = rebuilding.rebuild(_progress(services, self._name), why=why)
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
