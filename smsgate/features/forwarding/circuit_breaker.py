"""Pauses the calls of an application that is down, instead of trying every message that waits."""

from __future__ import annotations

import threading

MAX_CALLS = 64
"""Calls of one application under way at once."""
FAILING_NUMBERS = 3
"""Of how many numbers calls may fail, with no success in between, before a pause. Fewer never
cause one: they may have messages that the application cannot take, which concerns no others."""
MAX_PAUSE_S = 60.0
PROBE_TIMEOUT_S = 25.0
"""Longer than a call takes; a probe without an outcome by then is not waited for."""


class CircuitBreaker:
    """Decides how many calls an application may get. Times are seconds of a monotonic clock.

    After a pause a single call is made, the probe; the others wait for its outcome.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._pauses = 0
        """In a row."""
        self._until = 0.0
        self._asked_until = 0.0
        self._probing = False

    def capacity(self, now: float) -> int:
        """How many calls may be under way now; 0 during a pause."""
        with self._lock:
            if self._pause_left_s(now):
                return 0
            return 1 if self._pauses else MAX_CALLS

    def pause_left_s(self, now: float) -> float:
        """How long the pause still lasts; 0 without a pause."""
        with self._lock:
            return self._pause_left_s(now)

    def started(self, now: float) -> None:
        """Calls begin. After a pause it is the probe, and no other begins before that has ended."""
        with self._lock:
            if self._pauses:
                self._probing, self._until = True, now + PROBE_TIMEOUT_S

    def succeeded(self) -> None:
        """A call succeeded. A pause that the application asked for still holds."""
        with self._lock:
            self._failing.clear()
            self._pauses, self._until, self._probing = 0, 0.0, False

    def failed(self, number: str, now: float, asked_s: float = 0.0) -> float:
        """A call for a number failed; ``asked_s`` is the pause that the application asks for.

        Returns how long the pause lasts now, in seconds.
        """
        with self._lock:
            if self._probing or now >= self._until:  # else the call began before the pause
                self._failing.add(number)
                if self._pauses or len(self._failing) >= FAILING_NUMBERS:
                    pause_s = min(2.0 ** min(self._pauses, 10), MAX_PAUSE_S)
                    self._until, self._probing = now + pause_s, False
                    self._pauses += 1
                    self._failing.clear()
            self._asked_until = max(self._asked_until, now + asked_s)
            return self._pause_left_s(now)

    def _pause_left_s(self, now: float) -> float:
        return max(0.0, self._until - now, self._asked_until - now)
