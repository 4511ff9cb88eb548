"""How many callers may do at once what holds up a process: hash a password, ask a provider."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from smsgate.domain.errors import TooManyGuesses

_BUSY = "Too many people are signing in: please try again in a second."


class Slots:
    """Lets a few callers work at once and a few more wait for a while; refuses all others.

    The threads of a process answer other requests as well, which a crowd must not hold up.
    """

    def __init__(self, at_once: int, waiting: int, wait_s: float) -> None:
        self._working = threading.Semaphore(at_once)
        self._inside = threading.Semaphore(at_once + waiting)
        self._wait_s = wait_s

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a slot, and hold it. Raises ``TooManyGuesses``."""
        if not self._inside.acquire(blocking=False):
            raise TooManyGuesses(_BUSY)
        try:
            if not self._working.acquire(timeout=self._wait_s):
                raise TooManyGuesses(_BUSY)
            try:
                yield
            finally:
                self._working.release()
        finally:
            self._inside.release()
