"""Which conditions somebody was told of, so that each is told once, whoever sees it."""

from __future__ import annotations

import time

from smsgate.redis_address import Client
from smsgate.store.connection import translated
from smsgate.store.shared_keys import ALERTS


class Alerts:
    """One hash for all hosts. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def take(self, condition: str) -> bool:
        """Whether it is for the caller to tell of a condition: nobody else did or does."""
        with translated():
            return bool(self._client.hsetnx(ALERTS, condition, int(time.time())))

    def give_back(self, condition: str) -> bool:
        """Forget that a condition was told: it is over, or telling failed. Whether it was told."""
        with translated():
            return bool(self._client.hdel(ALERTS, condition))

    def told(self) -> set[str]:
        """The conditions that were told and are not known to be over."""
        with translated():
            return {one.decode() for one in self._client.hkeys(ALERTS)}
