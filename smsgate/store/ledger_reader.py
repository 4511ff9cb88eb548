"""The events that are not in the records yet: for people, and for alarms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from smsgate.consent.events import Event
from smsgate.domain.messages import ms_of
from smsgate.store.connection import Client, now_us, of_partitions, stream_rows
from smsgate.store.keys import PARTITION_KEYS

_PAGE = 1000
_decode = msgspec.json.Decoder(Event).decode


@dataclass(frozen=True, slots=True)
class LedgerBacklog:
    """What the ledgers hold that the records do not have yet."""

    count: int
    oldest_us: int
    """How long the oldest has waited, by Redis's clock."""
    memory: float
    """Which share of its memory bound Redis uses; 0 where it has none."""


class LedgerReader:
    """Reads the ledgers. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def of_partition(self, partition: int) -> Iterator[Event]:
        """The events of a partition, oldest first, a page at a time."""
        return map(_decode, self.lines(partition))

    def lines(self, partition: int) -> Iterator[bytes]:
        """The events of a partition as they were written, oldest first, a page at a time."""
        start = "-"
        while True:
            key = PARTITION_KEYS[partition].ledger
            rows = stream_rows(self._client.xrange(key, min=start, count=_PAGE))
            for id_, fields in rows:
                yield fields[b"e"]
                start = f"({id_}"
            if len(rows) < _PAGE:
                return

    def newest(self, partition: int, count: int) -> list[Event]:
        """The newest events of a partition, oldest first."""
        rows = self._client.xrevrange(PARTITION_KEYS[partition].ledger, count=count)
        return [_decode(fields[b"e"]) for _, fields in reversed(stream_rows(rows))]

    def newest_of_all(self, count: int) -> list[Event]:
        """The newest events of every partition, at most ``count`` of each, in one round trip."""
        partitions = of_partitions(
            self._client, lambda one, keys: one.xrevrange(keys.ledger, count=count)
        )
        return [_decode(fields[b"e"]) for rows in partitions for _, fields in reversed(rows)]

    def waiting(self) -> LedgerBacklog:
        """How much waits for the records, and since when."""
        lengths = of_partitions(self._client, lambda one, keys: one.xlen(keys.ledger))
        first = of_partitions(self._client, lambda one, keys: one.xrange(keys.ledger, count=1))
        memory = self._client.info("memory")
        oldest = [ms_of(rows[0][0].decode()) * 1000 for rows in first if rows]
        bound = int(memory.get("maxmemory", 0))
        return LedgerBacklog(
            count=sum(lengths),
            oldest_us=max(now_us(self._client) - min(oldest), 0) if oldest else 0,
            memory=int(memory.get("used_memory", 0)) / bound if bound else 0.0,
        )
