"""When an application is left alone: one that is down is not called by every message that waits."""

from __future__ import annotations

import threading

CALLS = 64
"""Calls of one application under way at once."""
PATIENCE = 3
"""Of how many numbers calls may fail, with none taken in between, before it is left alone. Fewer
never do that: they may have messages that it cannot take, which is no concern of others."""
LONGEST_S = 60.0
CALL_S = 25.0
"""Longer than a call takes; a probe of which nobody has heard by then is not waited for."""


class Pauses:
    """What the calls of one application say of it. Times are seconds of a clock that never jumps.

    After a pause a single call is made, a probe; the others wait for what becomes of it.
    """

    def __init__(self) -> None:
        """Begin with an application that is well."""
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._in_a_row = 0
        self._until = 0.0
        self._asked_until = 0.0
        self._probing = False

    def room(self, now: float) -> int:
        """How many calls may be made at once now; 0 while it is left alone."""
        with self._lock:
            if self._left_s(now):
                return 0
            return 1 if self._in_a_row else CALLS

    def left_s(self, now: float) -> float:
        """For how many seconds it is left alone yet."""
        with self._lock:
            return self._left_s(now)

    def begun(self, now: float) -> None:
        """Calls begin. After a pause it is one, and no other before that one has ended."""
        with self._lock:
            if self._in_a_row:
                self._probing, self._until = True, now + CALL_S

    def taken(self) -> None:
        """A call was taken, so it is well; if it has asked for rest it gets that all the same."""
        with self._lock:
            self._failing.clear()
            self._in_a_row, self._until, self._probing = 0, 0.0, False

    def failed(self, number: str, now: float, asked_s: float = 0.0) -> float:
        """A call for a number was not taken; ``asked_s``: for how long it wants to be left alone.

        Gives for how many seconds it is left alone now.
        """
        with self._lock:
            if self._probing or now >= self._until:  # else the call began before the pause
                self._failing.add(number)
                if self._in_a_row or len(self._failing) >= PATIENCE:
                    pause_s = min(2.0 ** min(self._in_a_row, 10), LONGEST_S)
                    self._until, self._probing = now + pause_s, False
                    self._in_a_row += 1
                    self._failing.clear()
            self._asked_until = max(self._asked_until, now + asked_s)
            return self._left_s(now)

    def _left_s(self, now: float) -> float:
        return max(0.0, self._until - now, self._asked_until - now)
