"""Which refused requests have a line of their own in the log, so that a flood does not fill it.

The metrics count every request. Of the lines that are left out the number is told, once for each
account when the window is over; the next request of anybody brings it out.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from structlog.typing import FilteringBoundLogger

from smsgate.web.visitors import address_of

WINDOW_S = 10.0
OF_ADDRESS = 5
"""Lines about one address and one account in a window of one process."""
OF_ACCOUNT = 20
"""Lines about one account, whatever the addresses."""
_ADDRESSES = 1000
"""Addresses of an account that are told apart in a window; all others are one."""
_REFUSED = range(400, 500)
_NOTHING: Mapping[str, str] = {}


class RefusalLines:
    """Counts refused requests by account and address. Threads may share it."""

    def __init__(
        self,
        log: FilteringBoundLogger,
        trust_proxy: bool,
        event: str = "refused webhooks",
        field: str = "account",
    ) -> None:
        """Tell what was left out to ``log``, as ``event``; start with a window that is over.

        ``field`` is what the requests are told apart by, beside their addresses.
        """
        self._log = log
        self._event, self._field = event, field
        self._trust_proxy = trust_proxy
        self._lock = threading.Lock()
        self._seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._written: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._ends = 0.0

    def more(
        self, status: int, account: str, environ: Mapping[str, Any]
    ) -> Mapping[str, str] | None:
        """What the line says beside the usual: of a refused one its address.

        None where it is to have no line; then it is counted as left out.
        """
        if status not in _REFUSED:
            return _NOTHING
        address = address_of(environ, self._trust_proxy)
        with self._lock:
            if self._wanted(account, address):
                return {"address": address}
            self._left_out[account] += 1
            return None

    def tell_left_out(self, now: float) -> None:
        """Where the window is over, tell how many lines were left out, and begin another."""
        if now < self._ends:
            return
        with self._lock:
            self._ends = now + WINDOW_S
            left_out, self._left_out = self._left_out, Counter()
            self._seen.clear()
            self._written.clear()
        for account, lines in left_out.items():
            self._log.info(self._event, **{self._field: account}, lines_left_out=lines)

    def _wanted(self, account: str, address: str) -> bool:
        seen = self._seen[account]
        if address not in seen and len(seen) >= _ADDRESSES:
            address = ""
        seen[address] += 1
        wanted = seen[address] <= OF_ADDRESS and self._written[account] < OF_ACCOUNT
        self._written[account] += wanted
        return wanted
