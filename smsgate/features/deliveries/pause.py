"""Pauses the calls of a destination that is down, instead of trying everything that waits."""

from __future__ import annotations

FAILING_NUMBERS = 3
"""Of how many numbers calls may fail, with no success in between, before a pause. Fewer never
cause one: they may have something that the receiver cannot take, which concerns no others."""
MAX_PAUSE_S = 60.0


class Pause:
    """Decides how many calls a destination may get. Times are in seconds.

    After a pause a single call is made, the probe; the others wait for its outcome.
    """

    def __init__(self, max_calls: int) -> None:
        self._max_calls = max_calls
        self._failing: set[str] = set()
        self._pauses = 0
        """In a row."""
        self._began = self._until = self._asked_until = 0.0

    def capacity(self, now: float) -> int:
        """How many calls may be under way now; 0 during a pause."""
        if now < max(self._until, self._asked_until):
            return 0
        return 1 if self._pauses else self._max_calls

    def succeeded(self) -> None:
        """A call succeeded. A pause that the receiver asked for still holds."""
        self._failing.clear()
        self._pauses, self._until = 0, 0.0

    def failed(self, number: str, began: float, now: float, asked_s: float = 0.0) -> None:
        """A call for a number that began then failed; the receiver asks for a pause (or 0)."""
        self._asked_until = max(self._asked_until, now + asked_s)
        if self._pauses and began < self._began:
            return  # it began before anybody knew
        self._failing.add(number)
        if self._pauses or len(self._failing) >= FAILING_NUMBERS:
            self._began, self._until = now, now + min(2.0 ** min(self._pauses, 10), MAX_PAUSE_S)
            self._pauses += 1
            self._failing.clear()
