"""Erasing a person's texts from the store, and whose turn it is to look for old records."""

from __future__ import annotations

import msgspec

from smsgate.domain.messages import Entry
from smsgate.store.connection import translated
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.redis_address import Client
from smsgate.store.shared_keys import RETENTION

_DAY_S = 23 * 3600
_decode = msgspec.json.Decoder(Entry).decode


class Erasing:
    """Takes texts out of the sample log; the ledger's go to the records, and are erased there."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def forget(self, number: str) -> int:
        """Remove a number's ordinary texts from its partition's sample log; gives how many."""
        trail = PARTITION_KEYS[partition_of(number)].sample_log
        with translated():
            rows = self._client.xrange(trail)
            ids = [id_ for id_, fields in rows if _decode(fields[b"e"]).number == number]
            return int(self._client.xdel(trail, *ids)) if ids else 0

    def turn(self) -> bool:
        """Whether old records should be looked for now; true for one process a day."""
        with translated():
            return bool(self._client.set(RETENTION, "1", nx=True, ex=_DAY_S))
