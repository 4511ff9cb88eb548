"""No key may call more often than it is allowed to, however many processes answer it.

The buckets are in Redis. A process takes some calls at once and gives them out for a moment, so
that most calls cost no round trip; whatever it does not use is lost to the key, never gained.
"""

from __future__ import annotations

import threading
import time

from smsgate.domain.errors import StoreUnavailable, TooManyCalls
from smsgate.store import Store

_SHARE_S = 0.02
"""A process takes as many calls at once as come back in this time …"""
_OF_BURST = 50
"""… and no more than this part of a full bucket."""
_KEPT_S = 1.0


class RateLimit:
    """Counts the calls of keys."""

    def __init__(self, store: Store, per_second: float, burst: int) -> None:
        """``per_second`` calls in the long run (0 is no limit), ``burst`` at once after a pause."""
        self._store = store
        self._per_second = per_second
        self._burst = burst
        self._share = max(1, min(int(per_second * _SHARE_S), burst // _OF_BURST))
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[int, float]] = {}
        """By key how many calls are at hand, and until when."""

    def count(self, key: str) -> None:
        """Count one call of a key. Raises ``TooManyCalls``.

        Where Redis is away the call goes on: whatever needs Redis says so itself.
        """
        if not self._per_second or self._has(key):
            return
        try:
            wait_s = self._take(key, self._share)
            if wait_s and self._share > 1:
                wait_s = self._take(key, 1)
        except StoreUnavailable:
            return
        if wait_s:
            raise TooManyCalls(
                f"This key may make {self._per_second:g} calls a second, {self._burst:,} at once; "
                "ask about many numbers in one call, or wait as Retry-After says.",
                wait_s,
            )

    def _has(self, key: str) -> bool:
        with self._lock:
            left, until = self._taken.get(key, (0, 0.0))
            if left < 1 or until < time.monotonic():
                return False
            self._taken[key] = (left - 1, until)
        return True

    def _take(self, key: str, wanted: int) -> float:
        wait_s = self._store.allowances.take(key, wanted, self._per_second, self._burst)
        if not wait_s and wanted > 1:
            with self._lock:
                self._taken[key] = (wanted - 1, time.monotonic() + _KEPT_S)
        return wait_s
