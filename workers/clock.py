"""The process ``clock``: every two seconds it asks for the jobs that nobody was asked for.

RQ's own scheduler is not used for this: it writes pickle, ends when Redis does, and doubles when
it runs twice. This loop survives lost connections and holds a lease, so that a second one stands
by.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid

import structlog

from smsgate.errors import StoreUnavailable
from smsgate.gateway import Gateway
from smsgate.gateway.waking import wake
from smsgate.wiring import publish_programs

PERIOD_S = 2.0

_log = structlog.get_logger()


def run(gateway: Gateway, ending: threading.Event) -> None:
    """Sweep until ``ending`` is set."""
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    while not ending.is_set():
        try:
            sweep(gateway, name)
        except StoreUnavailable as error:
            _log.warning("clock waits for the store", problem=str(error))
        ending.wait(PERIOD_S)


def sweep(gateway: Gateway, name: str) -> None:
    """One round, if this clock holds the lease. Raises ``StoreUnavailable``."""
    if not gateway.store.sweep.leads(name):
        return
    publish_programs(gateway)
    inboxes, outboxes = gateway.store.sweep.overdue()
    wake(gateway.wakes.inbox, inboxes)
    wake(gateway.wakes.outbox, outboxes)
