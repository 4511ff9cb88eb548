"""The process ``clock``: every two seconds it enqueues lost jobs.

RQ's own scheduler is not used for this: it writes pickle, ends when Redis does, and doubles when
it runs twice. This loop survives lost connections and holds a lease, so that a second one stands
by.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from smsgate.domain.errors import (
    QueueUnavailable,
    RecordsDiffer,
    RecordsNotReady,
    RecordsUnavailable,
    StoreNotReady,
    StoreUnavailable,
)
from smsgate.features.records_admin.rebuild import Progress, build_rebuild_service
from smsgate.logs import Reminder
from smsgate.pipeline.configuration_rollout import publish_programs
from smsgate.pipeline.services import Services

PERIOD_S = 2.0
LOG_S = 2.0
"""How often the progress of a rebuild is logged, and the clock's lease prolonged."""
CLEAN_EVERY = 15
"""Rounds between two cleanings of RQ's registries."""

_log = structlog.get_logger()


def run(newest: Callable[[], Services], ending: threading.Event) -> None:
    """Sweep until ``ending`` is set, each time with the newest services."""
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    reminder = Reminder()
    for round_ in itertools.count():
        if ending.is_set():
            return
        services = newest()
        try:
            if sweep(services, name) and round_ % CLEAN_EVERY == 0:
                services.job_cleanup.clean()
            reminder.end()
        except (StoreUnavailable, QueueUnavailable) as error:
            if reminder.is_due(str(error)):
                _log.warning("clock waits", problem=str(error))
        ending.wait(PERIOD_S)


def sweep(services: Services, name: str) -> bool:
    """One round, if this clock holds the lease; whether it does. Raises ``StoreUnavailable``."""
    if not services.store.sweep.leads(name):
        return False
    _restore(services, name)
    publish_programs(services.settings, services.store)
    inboxes, outboxes = services.store.sweep.overdue()
    services.job_queue.notify_inboxes(inboxes)
    services.job_queue.notify_outboxes(outboxes)
    return True


def _restore(services: Services, name: str) -> None:
    """Rebuild a store that was flushed or fell back, before anybody trusts it again."""
    rebuilding = build_rebuild_service(services)
    try:
        why = rebuilding.needed()
        if not why:
            return
        _log.warning("store is rebuilt from the records", why=why)
        rebuilt = rebuilding.rebuild(_progress(services, name), why=why)
    except (RecordsUnavailable, RecordsNotReady, RecordsDiffer, StoreNotReady) as error:
        _log.warning("store and records cannot be compared", problem=str(error))
        return
    _log.warning(
        "store was rebuilt",
        numbers=rebuilt.numbers,
        messages=rebuilt.messages,
        forwards=rebuilt.forwards,
        merged=rebuilt.merged,
        records_end=datetime.fromtimestamp(rebuilt.newest_us / 1_000_000, UTC).isoformat(),
    )


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
