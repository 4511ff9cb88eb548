"""What the clock asks of the store: which partitions need a job, and whose turn it is to ask."""

from __future__ import annotations

from smsgate.store.connection import translated
from smsgate.store.inbox import NOTIFY_MS
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.redis_address import Client
from smsgate.store.scripts import Script
from smsgate.store.shared_keys import CLOCK_LEASE

LEASE_MS = 6_000
"""Three periods of the clock: a dead clock is replaced within that time."""


class Sweep:
    """Reads partitions for work that nobody does."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client
        self._sweep = Script(client, "sweep")

    def leads(self, name: str) -> bool:
        """Whether the clock of that name holds the lease; takes or prolongs it if it may."""
        with translated():
            if self._client.set(CLOCK_LEASE, name, nx=True, px=LEASE_MS):
                return True
            if self._client.get(CLOCK_LEASE) != name.encode():
                return False
            return bool(self._client.pexpire(CLOCK_LEASE, LEASE_MS))

    def overdue(self) -> tuple[list[int], list[int]]:
        """Partitions whose inbox, and partitions whose outbox, has work for which no job came."""
        inboxes, outboxes = [], []
        for keys in PARTITION_KEYS:
            names = [keys.inbox, keys.outbox, keys.notify_inbox, keys.notify_outbox]
            inbox, outbox = self._sweep(names, [NOTIFY_MS])
            if inbox:
                inboxes.append(keys.partition)
            if outbox:
                outboxes.append(keys.partition)
        return inboxes, outboxes
