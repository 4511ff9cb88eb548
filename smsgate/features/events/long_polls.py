"""Requests that wait for something new, without harm to the others.

A request that waits holds a thread, of which a process has a few, and webhooks need them. So only
some may wait at once, and all of them stop waiting as soon as the process is told to end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

MAX_WAITING = 4
"""Requests that wait at once in one process; others are answered at once."""
PERIOD_S = 0.2
_places = threading.BoundedSemaphore(MAX_WAITING)
_ending = threading.Event()
end = _ending.set
"""End all waits, since the process must end."""


def looks(wait_s: float) -> Iterator[None]:
    """Yield whenever to look, at once and then until the time is over or nobody may wait."""
    ends = time.monotonic() + wait_s
    yield
    if wait_s <= 0 or not _places.acquire(blocking=False):
        return
    try:
        while (left_s := ends - time.monotonic()) > 0 and not _ending.wait(min(PERIOD_S, left_s)):
            yield
    finally:
        _places.release()
