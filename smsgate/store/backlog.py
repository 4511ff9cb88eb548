"""What waits in the store: counts and ages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec
from redis.client import Pipeline

from smsgate.consent.events import DeadLetter
from smsgate.domain.messages import REPLY_WINDOW_US, Reply, ms_of
from smsgate.metrics.snapshot import (
    Backlog,
    DeliveryCounts,
    QueueDepth,
    SpoolDepth,
    WaitingReplies,
)
from smsgate.store.connection import Client, hash_rows, now_us, of_partitions
from smsgate.store.keys import PartitionKeys
from smsgate.store.shared_keys import CLOCK_LEASE, DELIVERIES, SPOOLS
from smsgate.store.unsent_replies import dead_letter_of

_SAMPLE = 200
"""Holds and replies of a partition that are read for their age; more are there in a burst only."""
_FORGOTTEN_S = 7 * 24 * 3600
"""A host that has not reported on its spool for so long is taken for gone."""
_spool = msgspec.json.Decoder(SpoolDepth).decode
_decode_reply = msgspec.json.Decoder(Reply).decode


class BacklogReader:
    """Reads what waits. Everything here raises ``StoreUnavailable``; a few round trips each."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self) -> Backlog:
        """What waits now. Raises ``StoreUnavailable``."""

        def ask(pipeline: Pipeline, keys: PartitionKeys) -> None:
            pipeline.xlen(keys.inbox)
            pipeline.xrange(keys.inbox, count=1)
            pipeline.zcard(keys.outbox)
            pipeline.hscan(keys.replies, count=_SAMPLE)
            pipeline.hlen(keys.holds)
            pipeline.hscan(keys.holds, count=_SAMPLE)
            pipeline.hvals(keys.reviews)
            pipeline.hlen(keys.dead)
            pipeline.hscan(keys.dead, count=_SAMPLE)

        now_ms = now_us(self._client) // 1000
        rows = of_partitions(self._client, ask)
        clock = bool(self._client.exists(CLOCK_LEASE))
        deliveries = self.deliveries()
        columns = [rows[at::9] for at in range(9)]
        inbox = [ms_of(row[0][0].decode()) for row in columns[1] if row]
        replies = _waiting_replies(
            [*_readable(raw for _, found in columns[3] for raw in found.values())], now_ms
        )
        holds = [_ms(id_) for _, found in columns[5] for id_ in found.values()]
        reviews = [_ms(id_) for row in columns[6] for id_ in row]
        return Backlog(
            inbox=_depth(sum(columns[0]), inbox, now_ms),
            outbox=QueueDepth(sum(columns[2]), max((one.oldest_s for one in replies), default=0.0)),
            holds=_depth(sum(columns[4]), holds, now_ms),
            reviews=_depth(len(reviews), reviews, now_ms),
            dead=sum(columns[7]),
            clock=clock,
            deliveries=_depth(
                deliveries.pending,
                [deliveries.oldest_us // 1000] if deliveries.pending else [],
                now_ms,
            ),
            deliveries_failed=deliveries.failed,
            replies=replies,
            dead_reasons=_reasons(
                dead_letter_of(*row) for _, found in columns[8] for row in hash_rows(found).items()
            ),
        )

    def note_deliveries(self, counts: DeliveryCounts) -> None:
        """Let everybody know how many deliveries there are. Raises ``StoreUnavailable``."""
        self._client.set(DELIVERIES, msgspec.json.encode(counts))

    def deliveries(self) -> DeliveryCounts:
        """How many deliveries there are, as they were counted last."""
        found = self._client.get(DELIVERIES)
        return msgspec.json.decode(found, type=DeliveryCounts) if found else DeliveryCounts()

    def note_spool(
        self, host: str, count: int, oldest_s: float, problem: str = "", folder: str = ""
    ) -> None:
        """Let everybody know what the spool in a data directory of a host holds.

        Raises ``StoreUnavailable``.
        """
        said = SpoolDepth(host, count, oldest_s, time.time(), problem, folder)
        rows = map(_spool, self._client.hvals(SPOOLS))
        gone = [one.place for one in rows if said.at_s - one.at_s > _FORGOTTEN_S]
        if gone:
            self._client.hdel(SPOOLS, *gone)
        self._client.hset(SPOOLS, said.place, msgspec.json.encode(said))

    def forget_spool(self, host: str) -> None:
        """Believe no longer what a host said of its spools. Raises ``StoreUnavailable``."""
        gone = [one.place for one in map(_spool, self._client.hvals(SPOOLS)) if one.host == host]
        if gone:
            self._client.hdel(SPOOLS, *gone)

    def spools(self) -> list[SpoolDepth]:
        """What each host last said of each of its spools. Raises ``StoreUnavailable``."""
        found = [_spool(row) for row in self._client.hvals(SPOOLS)]
        return [one for one in found if time.time() - one.at_s <= _FORGOTTEN_S]

    def attention(self) -> tuple[int, int, int]:
        """How many texts are in review, and how many replies and deliveries failed."""

        def ask(pipeline: Pipeline, keys: PartitionKeys) -> None:
            pipeline.hlen(keys.reviews)
            pipeline.hlen(keys.dead)

        rows = of_partitions(self._client, ask)
        return sum(rows[::2]), sum(rows[1::2]), self.deliveries().failed


def _ms(id_: bytes) -> int:
    return ms_of(id_.decode())


def _depth(count: int, moments_ms: Sequence[int], now_ms: int) -> QueueDepth:
    oldest = max(now_ms - min(moments_ms), 0) / 1000 if moments_ms else 0.0
    return QueueDepth(count, oldest)


def _waiting_replies(replies: Sequence[Reply], now_ms: int) -> tuple[WaitingReplies, ...]:
    """By account. A reply has its full time from the message that it answers to its deadline."""
    found: list[WaitingReplies] = []
    for account in sorted({one.account for one in replies}):
        some = [one for one in replies if one.account == account]
        expires_s = min(one.deadline_us for one in some) / 1_000_000 - now_ms / 1000
        oldest_s = REPLY_WINDOW_US / 1_000_000 - expires_s
        newest = max(some, key=lambda one: (one.problem != "", one.deadline_us))
        found.append(WaitingReplies(account, len(some), oldest_s, expires_s, newest.problem))
    return tuple(found)


def _readable(rows: Iterable[bytes]) -> Iterator[Reply]:
    for row in rows:
        with suppress(msgspec.MsgspecError):
            yield _decode_reply(row)


def _reasons(letters: Iterable[DeadLetter]) -> tuple[tuple[str, str, int], ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in letters:
        why, number = one.note or one.outcome, one.reply.number[1:]
        # Providers repeat the number in some errors.
        counts[one.reply.account, why.replace(number, "•••") if number else why] += 1
    return tuple((account, why, count) for (account, why), count in counts.most_common())
