"""A thread that does one thing again and again, beside what its process does."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from smsgate.domain.errors import SmsGateError
from smsgate.logs import Reminder

RETRY_S = 1.0
"""The shortest pause after a failure."""
_log = structlog.get_logger("smsgate.threads")


class BackgroundThread:
    """Calls ``work`` in a daemon thread from ``start`` until ``close``, every ``period_s``.

    ``work`` may return another pause before its next call. A failure ends neither the thread nor
    the process: it is logged once a minute, with its traceback where it is a fault of ours.
    ``close`` waits until ``close_timeout_s`` after ``stop`` for the call in progress and for
    ``at_end``, which runs last.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], float | None],
        period_s: float,
        *,
        close_timeout_s: float = 5.0,
        at_end: Callable[[], None] | None = None,
    ) -> None:
        self._name, self._work, self._period_s = name, work, period_s
        self._close_timeout_s, self._at_end = close_timeout_s, at_end
        self._ending, self._reminder = threading.Event(), Reminder()
        self._ends_at = math.inf
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_ending(self) -> bool:
        """Whether the thread was told to stop."""
        return self._ending.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no other call; returns at once."""
        self._ends_at = min(self._ends_at, time.monotonic() + self._close_timeout_s)
        self._ending.set()

    def close(self) -> None:
        """End after the call in progress."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(max(0.0, self._ends_at - time.monotonic()))

    def run_once(self) -> float:
        """Call ``work``, and return the pause before the next call, in seconds."""
        try:
            pause_s = self._work()
        except SmsGateError as error:
            if self._reminder.is_due(str(error)):
                _log.warning(f"{self._name} waits", problem=str(error))
        except Exception as error:  # noqa: BLE001 - what others wait for must go on
            if not self.is_ending and self._reminder.is_due(repr(error)):
                _log.error(f"{self._name} failed", exc_info=error)
        else:
            if self._reminder.end():
                _log.info(f"{self._name} works again")
            return self._period_s if pause_s is None else pause_s
        return max(self._period_s, RETRY_S)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._ending.wait(pause_s):
            pause_s = self.run_once()
        if self._at_end is not None:
            with suppress(SmsGateError):  # then what is given up here lapses by itself
                self._at_end()


def close_all(threads: Sequence[BackgroundThread]) -> None:
    """End threads together, so that it takes as long as the longest call."""
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.close()
