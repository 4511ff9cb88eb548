"""When requests of an account were last accepted, and by which of its secrets."""

from __future__ import annotations

import time
from dataclasses import dataclass

from smsgate.store.connection import translated
from smsgate.store.redis_address import Client
from smsgate.store.shared_keys import accepted_of

KEPT_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class AcceptedRequests:
    """Moments in ms; 0 is never."""

    newest_ms: int = 0
    """By the account's newest secrets."""
    older_ms: int = 0
    """By an older one, since there have been several."""
    several_since_ms: int = 0
    """Since when there have been several; 0 where there is but one."""
    direct_ms: int = 0
    """When the last one came, if it came without a proxy's headers."""


class Acceptance:
    """One hash for each account, gone a month after its last request."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def note(self, account: str, *, newest: bool, several: bool, proxied: bool = True) -> None:
        """Note a request that was accepted just now. Raises ``StoreUnavailable``."""
        key, now_ms = accepted_of(account), time.time_ns() // 1_000_000
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.hset(key, "newest" if newest else "older", now_ms)
            if several:
                pipeline.hsetnx(key, "several", now_ms)
            else:  # The rotation is over; the next one begins anew.
                pipeline.hdel(key, "several", "older")
            if proxied:
                pipeline.hdel(key, "direct")
            else:
                pipeline.hset(key, "direct", now_ms)
            pipeline.expire(key, KEPT_S)
            pipeline.execute()

    def last(self, account: str) -> AcceptedRequests:
        """When requests were last accepted. Raises ``StoreUnavailable``."""
        with translated():
            found = self._client.hgetall(accepted_of(account))
        fields = (b"newest", b"older", b"several", b"direct")
        return AcceptedRequests(*[int(found.get(name, 0)) for name in fields])
