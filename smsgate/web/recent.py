"""What was found a moment ago, for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Looks at most once in some seconds, however many want to know. Threads may share it."""

    def __init__(self, look: Callable[[], T], kept_s: float) -> None:
        """``look()`` may take a few seconds."""
        self._look, self._kept_s = look, kept_s
        self._lock = threading.Lock()
        self._found: tuple[T, float] | None = None

    def get(self) -> T:
        """What was found in the last seconds.

        While one caller looks, the others are given what was found before, if anything was.
        """
        before = self._found
        if before is not None and not self._is_old(before):
            return before[0]
        if not self._lock.acquire(blocking=before is None) and before is not None:
            return before[0]
        try:
            if self._found is None or self._is_old(self._found):
                self._found = self._look(), time.monotonic()
            return self._found[0]
        finally:
            self._lock.release()

    def _is_old(self, found: tuple[T, float]) -> bool:
        return time.monotonic() - found[1] >= self._kept_s
