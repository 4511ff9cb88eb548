"""Floods of refused requests get few log lines."""

from __future__ import annotations

import threading
import time
from collections import Counter

from smsgate.domain.messages import ALL

WINDOW_S = 10.0
"""Of the limits to log lines, in one process."""
MAX_LINES_OF_ADDRESS = 5
"""Log lines about one address and one account in a window."""
MAX_LINES_OF_ACCOUNT = 20
"""Log lines about one account, whatever the addresses."""


class RefusalLog:
    """Decides which refused requests have a log line, so that a flood does not fill the log.

    The metrics count every request. Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: Counter[tuple[str, str]] = Counter()
        """By account and address, and by account; no more than have a line."""
        self._ends = 0.0

    def takes(self, account: str, address: str) -> bool:
        """Whether a request of an address that was refused has a line, which counts then.

        ``account`` may be another name that requests are told apart by.
        """
        with self._lock:
            now = time.monotonic()
            if now >= self._ends:
                self._ends = now + WINDOW_S
                self._lines.clear()
            of_address, of_account = (account, address), (account, ALL)
            is_noisy = self._lines[of_address] >= MAX_LINES_OF_ADDRESS
            if is_noisy or self._lines[of_account] >= MAX_LINES_OF_ACCOUNT:
                return False
            self._lines.update((of_address, of_account))
            return True
