"""What waits and what was given up, of all partitions together, as much as a person looks at."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from smsgate.consent.events import DeadLetter
from smsgate.domain.messages import Forward, Reply, UndeliveredForward
from smsgate.store.connection import translated
from smsgate.store.keys import PARTITION_KEYS, Keys
from smsgate.store.redis_address import Client

MOST = 2_000
"""So far can be looked; of what was given up, so many are put in their order."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A page of what stands on one."""

    total: int
    found: list[tuple[int, T]]
    """Each with its time (us): when it is due, since when it waits, or when it was given up."""


@dataclass(frozen=True, slots=True)
class ListingCounts:
    """How much there is on each."""

    replies: int
    replies_dead: int
    forwards: int
    forwards_dead: int


class Listings:
    """Everything here raises ``StoreUnavailable``; two or three round trips each."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def counts(self) -> ListingCounts:
        """How much there is, in one round trip."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for keys in PARTITION_KEYS:
                pipeline.zcard(keys.outbox)
                pipeline.hlen(keys.dead)
                pipeline.zcard(keys.forwards_since)
                pipeline.hlen(keys.forwards_dead)
            rows = [int(one) for one in pipeline.execute()]
        return ListingCounts(*(sum(rows[at::4]) for at in range(4)))

    def replies(self, first: int, count: int) -> Listing[Reply]:
        """Replies that are not settled, those due first first."""
        decode = msgspec.json.Decoder(Reply).decode
        return self._waiting(lambda keys: (keys.outbox, keys.replies), decode, first, count)

    def forwards(self, first: int, count: int) -> Listing[Forward]:
        """Forwards that were not taken yet, the oldest first."""
        decode = msgspec.json.Decoder(Forward).decode
        return self._waiting(
            lambda keys: (keys.forwards_since, keys.forwards), decode, first, count
        )

    def replies_dead(self, first: int, count: int) -> Listing[DeadLetter]:
        """Replies that were given up, the newest first."""
        decode, total = msgspec.json.Decoder(DeadLetter).decode, self.counts().replies_dead
        found = self._given_up([keys.dead for keys in PARTITION_KEYS], total, decode)
        return _page(found, lambda one: one.at_us, first, count, total)

    def forwards_dead(self, first: int, count: int) -> Listing[UndeliveredForward]:
        """Forwards that were given up, the newest first."""
        decode, total = (
            msgspec.json.Decoder(UndeliveredForward).decode,
            self.counts().forwards_dead,
        )
        found = self._given_up([keys.forwards_dead for keys in PARTITION_KEYS], total, decode)
        return _page(found, lambda one: one.at_us, first, count, total)

    def _waiting(
        self,
        names: Callable[[Keys], tuple[str, str]],
        decode: Callable[[bytes], T],
        first: int,
        count: int,
    ) -> Listing[T]:
        last = min(first + count, MOST)
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for keys in PARTITION_KEYS:
                pipeline.zcard(names(keys)[0])
                pipeline.zrange(names(keys)[0], 0, last - 1, withscores=True)
            rows = pipeline.execute()
        scored = [
            (score, id_, partition)
            for partition, found in enumerate(rows[1::2])
            for id_, score in found
        ]
        wanted = heapq.nsmallest(last, scored)[first:last]
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for _, id_, partition in wanted:
                pipeline.hget(names(PARTITION_KEYS[partition])[1], id_)
            raws = pipeline.execute() if wanted else []
        found = [
            (int(score) * 1000, decode(raw))
            for (score, _, _), raw in zip(wanted, raws, strict=True)
            if raw is not None  # it left in between
        ]
        return Listing(sum(rows[::2]), found)

    def _given_up(self, names: Sequence[str], total: int, decode: Callable[[bytes], T]) -> list[T]:
        """All of them; where they are too many, some of each partition as Redis gives them."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                if total <= MOST:
                    pipeline.hvals(name)
                else:
                    pipeline.hscan(name, 0, count=MOST // len(names))
            rows = pipeline.execute()
        raws = (row if total <= MOST else row[1].values() for row in rows)
        return [decode(raw) for some in raws for raw in some]


def _page(
    found: list[T], at_us: Callable[[T], int], first: int, count: int, total: int
) -> Listing[T]:
    ordered = sorted(found, key=at_us, reverse=True)[first : first + count]
    return Listing(total, [(at_us(one), one) for one in ordered])
