"""Floods of forged webhooks: cheap refusals, few log lines.

Verifying a forgery costs twice what a refusal without verifying costs. So of an address whose
requests were refused one after another, faster than a person could try secrets, only ten a second
are verified; the others are told to come again. A provider that shares its address with a forger
must lose nothing by that: an address of which anything was ever verified is always verified, and so
is every request whose address is not known.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from structlog.typing import FilteringBoundLogger

from smsgate.domain.errors import TooManyForgeries
from smsgate.web.wsgi_request import address_of

BURST = 20
"""Refused requests of an address to an account before fewer are verified."""
VERIFIED_PER_SECOND = 10
"""How many of them are verified then, in each process."""
WINDOW_S = 10.0
"""Of the limits to log lines, in one process."""
MAX_LINES_OF_ADDRESS = 5
"""Log lines about one address and one account in a window."""
MAX_LINES_OF_ACCOUNT = 20
"""Log lines about one account, whatever the addresses."""
_MAX_ADDRESSES = 20_000
"""Addresses that are remembered; then all are forgotten, which costs a moment of verifying."""
_MAX_LOGGED_ADDRESSES = 1000
"""Addresses of an account that are told apart in a window; all others count as one."""
_REFUSED = range(400, 500)
_NOTHING: Mapping[str, str] = {}


class ForgeryLimiter:
    """Counts refused requests by account and address. Threads may share it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` gives seconds."""
        self._now = now
        self._left: dict[tuple[str, str], tuple[float, float]] = {}
        """How many refusals an address has left, and when that was so."""
        self._genuine: set[tuple[str, str]] = set()

    def check(self, account: str, address: str) -> None:
        """Raise ``TooManyForgeries`` where a request is not to be verified."""
        if self.is_flooding(account, address):
            raise TooManyForgeries(
                "This address had too many requests whose signature does not fit; come again in a "
                "second."
            )

    def is_flooding(self, account: str, address: str) -> bool:
        """Whether a request is not to be verified."""
        known = self._left.get((account, address))
        return known is not None and self._left_now(known) < 1.0

    def note_refused(self, account: str, address: str) -> None:
        """Count a request whose signature did not fit."""
        key = account, address
        if not address or key in self._genuine:
            return
        if len(self._left) >= _MAX_ADDRESSES:
            self._left.clear()
        known = self._left.get(key)
        left = BURST if known is None else self._left_now(known)
        self._left[key] = left - 1.0, self._now()

    def note_genuine(self, account: str, address: str) -> None:
        """Remember that a request was verified: from now on the address is always verified."""
        key = account, address
        if not address or key in self._genuine:
            return
        if len(self._genuine) >= _MAX_ADDRESSES:
            self._genuine.clear()
        self._genuine.add(key)
        self._left.pop(key, None)

    def _left_now(self, known: tuple[float, float]) -> float:
        left, at = known
        return min(left + (self._now() - at) * VERIFIED_PER_SECOND, BURST)


class RefusalLog:
    """Decides which refused requests have a log line, so that a flood does not fill the log.

    The metrics count every request. How many lines were left out is logged once for each account
    when the window is over; the next request of anybody brings that line out. Threads may share it.
    """

    def __init__(
        self,
        log: FilteringBoundLogger,
        trust_proxy: bool,
        event: str = "refused webhooks",
        field: str = "account",
    ) -> None:
        """Log what was left out to ``log``, as ``event``.

        ``field`` names what requests are told apart by, beside their addresses.
        """
        self._log = log
        self._event, self._field = event, field
        self._trust_proxy = trust_proxy
        self._lock = threading.Lock()
        self._seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._written: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._ends = 0.0

    def fields_of(
        self, status: int, account: str, environ: Mapping[str, Any]
    ) -> Mapping[str, str] | None:
        """The fields that a request's line has beside the usual: of a refused one its address.

        None where it is to have no line; then it is counted as left out.
        """
        if status not in _REFUSED:
            return _NOTHING
        address = address_of(environ, self._trust_proxy)
        with self._lock:
            if self._has_line(account, address):
                return {"address": address}
            self._left_out[account] += 1
            return None

    def report_left_out(self, now: float) -> None:
        """Where the window is over, log how many lines were left out, and begin another.

        ``now`` is in seconds of ``time.perf_counter``.
        """
        if now < self._ends:
            return
        with self._lock:
            self._ends = now + WINDOW_S
            left_out, self._left_out = self._left_out, Counter()
            self._seen.clear()
            self._written.clear()
        for account, lines in left_out.items():
            self._log.info(self._event, **{self._field: account}, lines_left_out=lines)

    def _has_line(self, account: str, address: str) -> bool:
        seen = self._seen[account]
        if address not in seen and len(seen) >= _MAX_LOGGED_ADDRESSES:
            address = ""
        seen[address] += 1
        has_line = (
            seen[address] <= MAX_LINES_OF_ADDRESS and self._written[account] < MAX_LINES_OF_ACCOUNT
        )
        self._written[account] += has_line
        return has_line
