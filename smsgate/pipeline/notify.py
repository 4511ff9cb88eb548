"""Asking for jobs without depending on the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from smsgate.errors import QueueUnavailable

_log = structlog.get_logger()


def wake(ask: Callable[[int], None], partitions: Iterable[int]) -> None:
    """Ask for a job for each partition. A failure is logged only: the clock asks again."""
    for partition in partitions:
        try:
            ask(partition)
        except QueueUnavailable as error:
            _log.warning("wake failed", lane=partition, error=str(error))
