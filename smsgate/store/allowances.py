"""How many calls each API key may still make: a bucket for each, the same for all processes."""

from __future__ import annotations

from smsgate.store.redis_address import Client
from smsgate.store.scripts import Script
from smsgate.store.shared_keys import calls_of


class Allowances:
    """Takes from the buckets by the script ``allow``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._allow = Script(client, "allow")

    def take(self, key: str, wanted: int, per_second: float, burst: int) -> float:
        """Take so many calls at once; 0, or for how many seconds to wait if there are too few.

        Raises ``StoreUnavailable``.
        """
        each_us = round(1_000_000 / per_second, 3)
        return int(self._allow([calls_of(key)], [str(each_us), burst, wanted])) / 1_000_000
