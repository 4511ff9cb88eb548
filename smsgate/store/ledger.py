"""The ledger: the append-only stream of what happened to each number's consent.

Events leave it once the records have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from smsgate.consent.events import Event, event_for
from smsgate.domain.messages import ms_of
from smsgate.store.connection import now_us, of_partitions, translated
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.redis_types import Client
from smsgate.store.scripts import Call, Script

_PAGE = 1000
_decode = msgspec.json.Decoder(Event).decode


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """The oldest entries of a partition's ledger."""

    lines: Mapping[str, bytes]
    """By stream id the JSON of an event, oldest first."""
    kept: int
    """The records' newest sequence number of the partition, as the store knows it."""


@dataclass(frozen=True, slots=True)
class LedgerBacklog:
    """What the ledgers hold that the records do not have yet."""

    count: int
    oldest_us: int
    """How long the oldest has waited, by Redis's clock."""
    memory: float
    """Which share of its memory bound Redis uses; 0 where it has none."""


class Ledger:
    """Reads the ledgers; they are written by the scripts that make the changes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._trim = Script(client, "trim")

    def of_number(self, number: str) -> list[Event]:
        """The events of one number, oldest first. Reads the partition's whole ledger."""
        told = (event_for(event, number) for event in self.of_partition(partition_of(number)))
        return [event for event in told if event is not None]

    def of_partition(self, partition: int) -> Iterator[Event]:
        """The events of a partition, oldest first, a page at a time."""
        return map(_decode, self.lines(partition))

    def lines(self, partition: int) -> Iterator[bytes]:
        """The events of a partition as they were written, oldest first, a page at a time."""
        start = "-"
        while True:
            with translated():
                rows = self._client.xrange(PARTITION_KEYS[partition].ledger, min=start, count=_PAGE)
            for _, fields in rows:
                yield fields[b"e"]
            if len(rows) < _PAGE:
                return
            start = f"({rows[-1][0].decode()}"

    def newest(self, partition: int, count: int) -> list[Event]:
        """The newest events of a partition, oldest first."""
        with translated():
            rows = self._client.xrevrange(PARTITION_KEYS[partition].ledger, count=count)
        return [_decode(fields[b"e"]) for _, fields in reversed(rows)]

    def newest_of_all(self, count: int) -> list[Event]:
        """The newest events of every partition, at most ``count`` of each, in one round trip."""
        partitions = of_partitions(
            self._client, lambda one, keys: one.xrevrange(keys.ledger, count=count)
        )
        return [_decode(fields[b"e"]) for rows in partitions for _, fields in reversed(rows)]

    def append(self, partition: int, event: Event) -> None:
        """Record an event that did not come through the inbox and changes no number's state."""
        with translated():
            self._client.xadd(PARTITION_KEYS[partition].ledger, {"e": msgspec.json.encode(event)})

    def unmoved(self, count: int) -> dict[int, LedgerPage]:
        """The oldest entries of every partition, at most ``count`` of each, in one round trip."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for keys in PARTITION_KEYS:
                pipeline.xrange(keys.ledger, count=count)
                pipeline.get(keys.kept)
            answers = pipeline.execute()
        return {
            keys.partition: LedgerPage(
                {id_.decode(): fields[b"e"] for id_, fields in rows}, int(kept or 0)
            )
            for keys, rows, kept in zip(PARTITION_KEYS, answers[::2], answers[1::2], strict=True)
        }

    def trim(self, moved: Mapping[int, tuple[int, Sequence[str]]]) -> None:
        """Remove what the records have: by partition, their sequence number and the entry ids."""
        calls: list[Call] = [
            ([PARTITION_KEYS[partition].ledger, PARTITION_KEYS[partition].kept], [seq, *ids])
            for partition, (seq, ids) in moved.items()
        ]
        if calls:
            self._trim.many(calls)

    def kept(self) -> dict[int, int]:
        """By partition, the records' newest sequence number, as the store knows it."""
        answers = of_partitions(self._client, lambda one, keys: one.get(keys.kept))
        return {partition: int(kept or 0) for partition, kept in enumerate(answers)}

    def set_kept(self, seqs: Mapping[int, int]) -> None:
        """Note how far the records have each partition, even where that is a step back."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for partition, seq in seqs.items():
                pipeline.set(PARTITION_KEYS[partition].kept, seq)
            pipeline.execute()

    def waiting(self) -> LedgerBacklog:
        """How much waits for the records, and since when."""
        lengths = of_partitions(self._client, lambda one, keys: one.xlen(keys.ledger))
        first = of_partitions(self._client, lambda one, keys: one.xrange(keys.ledger, count=1))
        with translated():
            memory = self._client.info("memory")
        oldest = [ms_of(rows[0][0].decode()) * 1000 for rows in first if rows]
        bound = int(memory.get("maxmemory", 0))
        return LedgerBacklog(
            count=sum(lengths),
            oldest_us=max(now_us(self._client) - min(oldest), 0) if oldest else 0,
            memory=int(memory.get("used_memory", 0)) / bound if bound else 0.0,
        )
