"""The ledger: the append-only stream of what happened to each number's consent.

Events leave it once the records have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from smsgate.consent.events import Event
from smsgate.store.connection import Call, Script, of_partitions, streams_with_entries
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.redis_types import Client


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """The oldest entries of a partition's ledger."""

    lines: Mapping[str, bytes]
    """By stream id the JSON of an event, oldest first."""
    kept: int
    """The records' newest sequence number of the partition, as the store knows it."""


class Ledger:
    """Reads the ledgers; they are written by the scripts that make the changes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._trim = Script(client, "trim")

    def append(self, partition: int, event: Event) -> None:
        """Record an event that did not come through the inbox and changes no number's state."""
        self._client.xadd(PARTITION_KEYS[partition].ledger, {"e": msgspec.json.encode(event)})

    def is_empty(self) -> bool:
        """Whether no event waits in any partition."""
        return not streams_with_entries(self._client, [keys.ledger for keys in PARTITION_KEYS])

    def unmoved(self, count: int) -> dict[int, LedgerPage]:
        """The oldest entries of every partition, at most ``count`` of each, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
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
        with self._client.pipeline(transaction=False) as pipeline:
            for partition, seq in seqs.items():
                pipeline.set(PARTITION_KEYS[partition].kept, seq)
            pipeline.execute()
