"""The functions that RQ calls by name. What they do stands in ``smsgate.gateway``."""

from __future__ import annotations

import functools
import os

import structlog

from smsgate.errors import StoreNotReady, StoreUnavailable
from smsgate.gateway import Gateway
from smsgate.wiring import Live

PATIENCE_S = 0.2
"""How long a job waits for its calls before the next lane has its turn."""

_log = structlog.get_logger()


@functools.cache
def live() -> Live[Gateway]:
    """The gateway of this process, made from the environment at the first job."""
    return Live(os.environ, lambda _, gateway: gateway)


def apply_inbox(lane: int) -> None:
    """Apply what waits in a lane's inbox."""
    try:
        with live().using() as gateway:
            gateway.work(lane)
    except (StoreUnavailable, StoreNotReady) as error:
        # Nothing is lost: the entries stay, and the clock asks for another job.
        _log.warning("inbox waits", lane=lane, problem=str(error))


def send_replies(lane: int) -> None:
    """Send the due replies of a lane."""
    try:
        with live().using() as gateway:
            gateway.send_replies(lane, PATIENCE_S)
    except (StoreUnavailable, StoreNotReady) as error:
        _log.warning("outbox waits", lane=lane, problem=str(error))
