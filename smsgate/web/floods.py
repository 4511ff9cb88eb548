"""Floods of forged requests: an address that sends nothing else is not looked at each time.

Verifying a forgery costs twice what a refusal without a look costs. So of an address whose requests
to an account were refused, one after another, faster than a person could try secrets, ten a second
are verified and the others are told to come again. A provider that shares its address with a forger
must lose nothing by that: an address of which anything was ever verified is always looked at, and
so is everything whose address is not known.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from smsgate.domain.errors import TooManyForgeries

AT_ONCE = 20
"""Refused requests of an address to an account before it is looked at less."""
PER_SECOND = 10
"""How many of them are looked at then, in each process."""
_MOST = 20_000
"""Addresses that are remembered; then all are forgotten, which costs a moment of looking."""
_Key = tuple[str, str]


class Floods:
    """Counts refused requests by account and address. Threads may share it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Begin without a memory; ``now`` gives seconds."""
        self._now = now
        self._left: dict[_Key, tuple[float, float]] = {}
        """How many refusals an address has left, and when that was so."""
        self._genuine: dict[_Key, None] = {}

    def check(self, account: str, address: str) -> None:
        """Raise ``TooManyForgeries`` where a request is not to be looked at."""
        if self.is_flooding(account, address):
            raise TooManyForgeries(
                "This address had too many requests whose signature does not fit; come again in a "
                "second."
            )

    def is_flooding(self, account: str, address: str) -> bool:
        """Whether a request is not to be looked at."""
        known = self._left.get((account, address))
        return known is not None and self._now_left(known) < 1.0

    def refused(self, account: str, address: str) -> None:
        """A request's signature did not fit."""
        key = account, address
        if not address or key in self._genuine:
            return
        if len(self._left) >= _MOST:
            self._left.clear()
        known = self._left.get(key)
        left = AT_ONCE if known is None else self._now_left(known)
        self._left[key] = left - 1.0, self._now()

    def genuine(self, account: str, address: str) -> None:
        """A request was verified: from now on the address is always looked at."""
        key = account, address
        if not address or key in self._genuine:
            return
        if len(self._genuine) >= _MOST:
            self._genuine.clear()
        self._genuine[key] = None
        self._left.pop(key, None)

    def _now_left(self, known: tuple[float, float]) -> float:
        left, at = known
        return min(left + (self._now() - at) * PER_SECOND, AT_ONCE)
