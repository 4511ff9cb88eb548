"""Floods of refused requests get few log lines."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from structlog.typing import FilteringBoundLogger

from smsgate.domain.messages import ALL
from smsgate.web.wsgi_request import address_of

WINDOW_S = 10.0
"""Of the limits to log lines, in one process."""
MAX_LINES_OF_ADDRESS = 5
"""Log lines about one address and one account in a window."""
MAX_LINES_OF_ACCOUNT = 20
"""Log lines about one account, whatever the addresses."""


class RefusalLog:
    """Decides which refused requests have a log line, so that a flood does not fill the log.

    The metrics count every request. How many lines were left out is logged once for each account
    when the window is over; the next request of anybody brings that line out. Threads may share it.
    """

    def __init__(
        self,
        log: FilteringBoundLogger,
        event: str = "refused webhooks",
        field: str = "account",
    ) -> None:
        """Log what was left out to ``log``, as ``event``.

        ``field`` names what requests are told apart by, beside their addresses.
        """
        self._log = log
        self._event, self._field = event, field
        self._lock = threading.Lock()
        self._lines: Counter[tuple[str, str]] = Counter()
        """By account and address, and by account; no more than have a line."""
        self.left_out: Counter[str] = Counter()
        """By account how many lines were left out and not reported yet."""
        self._ends = 0.0

    def fields_of(
        self, account: str, environ: Mapping[str, Any], now: float
    ) -> Mapping[str, str] | None:
        """The fields that a refused request's line has beside the usual: its address.

        None where it is to have no line; then it is counted as left out. ``now`` is in seconds of
        ``time.perf_counter``.
        """
        self.report_left_out(now)
        address = address_of(environ)
        with self._lock:
            is_noisy = self._lines[account, address] >= MAX_LINES_OF_ADDRESS
            if is_noisy or self._lines[account, ALL] >= MAX_LINES_OF_ACCOUNT:
                self.left_out[account] += 1
                return None
            self._lines[account, address] += 1
            self._lines[account, ALL] += 1
            return {"address": address}

    def report_left_out(self, now: float) -> None:
        """Where the window is over, log how many lines were left out, and begin another."""
        if now < self._ends:
            return
        with self._lock:
            self._ends = now + WINDOW_S
            left_out, self.left_out = self.left_out, Counter()
            self._lines.clear()
        for account, lines in left_out.items():
            self._log.info(self._event, **{self._field: account}, lines_left_out=lines)
