"""Reads what waits in the store: for people, for imports and reviews, and for alarms."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from redis.client import Pipeline

from smsgate.consent.events import DeadLetter, Event
from smsgate.domain.messages import REPLY_WINDOW_US, Reply, StoredEntry, ms_of
from smsgate.metrics.snapshot import Backlog, DeliveryCounts, QueueDepth, SpoolDepth, WaitingReplies
from smsgate.store.connection import (
    Client,
    as_text,
    hash_rows,
    now_us,
    of_partitions,
    pipelined,
    stream_rows,
)
from smsgate.store.inbox import stored_of
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys, partition_of
from smsgate.store.replies import dead_letter_of
from smsgate.store.shared_keys import SPOOLS, shared_key
from smsgate.store.shared_values import SavedValue

_PAGE = 1000
_decode = msgspec.json.Decoder(Event).decode
_SAMPLE = 200
"""Holds and replies of a partition that are read for their age; more are there in a burst only."""
_FORGOTTEN_S = 7 * 24 * 3600
"""A host that has not reported on its spool for so long is taken for gone."""
_spool = msgspec.json.Decoder(SpoolDepth).decode
_decode_reply = msgspec.json.Decoder(Reply).decode


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A number's texts to one program that are in review."""

    program: str
    number: str
    first: str
    """Inbox id of the text since which it waits."""
    newest: str
    """Inbox id of the newest text that waits; a decision must have seen it."""

    @property
    def key(self) -> str:
        """Partition and inbox id of the newest text; by it a decision says what was seen."""
        return f"{partition_of(self.number)}-{self.newest}"

    @property
    def since_us(self) -> int:
        """When the first text came."""
        return ms_of(self.first) * 1000


class InboxReader:
    """Reads inboxes. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def latest(self, partition: int, count: int) -> list[StoredEntry]:
        """The newest entries that wait in a partition, oldest first."""
        rows = self._client.xrevrange(PARTITION_KEYS[partition].inbox, count=count)
        return [stored_of(*row) for row in reversed(stream_rows(rows))]

    def were_received(self, messages: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Whether messages (number, account, id) came in the last 48 hours; one round trip."""
        if not messages:
            return []
        with pipelined(self._client) as pipeline:
            for number, account, id_ in messages:
                pipeline.exists(PARTITION_KEYS[partition_of(number)].seen(account, id_))
            return [bool(found) for found in pipeline.execute()]

    def cursors(self, partitions: Sequence[int]) -> dict[int, str]:
        """By partition the id of the newest entry that is applied; empty where none is."""
        with pipelined(self._client) as pipeline:
            for partition in partitions:
                pipeline.get(PARTITION_KEYS[partition].cursor)
            found = pipeline.execute() if partitions else []
        return dict(zip(partitions, map(as_text, found), strict=True))

    def last_list(self, partition: int) -> str:
        """The id of the newest applied entry that carried numbers of a list; empty for none."""
        return as_text(self._client.get(PARTITION_KEYS[partition].lists))

    def waits(self, partition: int, id_: str) -> bool:
        """Whether the entry of that id, or an older one, is not applied yet."""
        return bool(self._client.xrange(PARTITION_KEYS[partition].inbox, max=id_, count=1))

    def newest(self, partition: int) -> str:
        """The id of the newest entry that waits in a partition; empty where none does."""
        return next((one.id for one in self.latest(partition, 1)), "")

    def review_holds(self, partition: int) -> dict[str, str]:
        """Review holds of a partition: ``PROGRAM:NUMBER`` and the inbox ids of its texts."""
        rows = hash_rows(self._client.hgetall(PARTITION_KEYS[partition].reviews))
        return {field: as_text(ids) for field, ids in rows.items()}

    def open_reviews(self) -> list[OpenReview]:
        """The texts of all numbers that wait for a person, oldest first; one round trip."""
        partitions = of_partitions(self._client, lambda one, keys: one.hgetall(keys.reviews))
        found = [one for rows in partitions for one in _open_reviews(rows)]
        return sorted(found, key=lambda one: one.since_us)

    def open_reviews_of(self, number: str) -> list[OpenReview]:
        """Those of one number, by program."""
        found = _open_reviews(self._client.hgetall(PARTITION_KEYS[partition_of(number)].reviews))
        return sorted((one for one in found if one.number == number), key=lambda one: one.program)


def _open_reviews(rows: object) -> Iterator[OpenReview]:
    for name, ids in hash_rows(rows).items():
        program, _, number = name.partition(":")
        first, _, newest = as_text(ids).partition(" ")
        yield OpenReview(program, number, first, newest or first)


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

    def newest(self, partitions: Iterable[int], count: int) -> list[Event]:
        """The newest events of partitions, at most ``count`` of each, those oldest first."""
        with pipelined(self._client) as pipeline:
            for partition in partitions:
                pipeline.xrevrange(PARTITION_KEYS[partition].ledger, count=count)
            found = pipeline.execute()
        return [_decode(fields[b"e"]) for rows in found for _, fields in reversed(rows)]

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


class BacklogReader:
    """Reads what waits. Everything here raises ``StoreUnavailable``; a few round trips each."""

    def __init__(self, client: Client, deliveries: SavedValue[DeliveryCounts]) -> None:
        self._client, self._deliveries = client, deliveries

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
        clock = bool(self._client.exists(shared_key("clock")))
        deliveries = self._deliveries.read() or DeliveryCounts()
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

    def note_spool(self, depth: SpoolDepth) -> None:
        """Let everybody know what a spool holds. Raises ``StoreUnavailable``."""
        rows = map(_spool, self._client.hvals(SPOOLS))
        gone = [one.place for one in rows if depth.at_s - one.at_s > _FORGOTTEN_S]
        if gone:
            self._client.hdel(SPOOLS, *gone)
        self._client.hset(SPOOLS, depth.place, msgspec.json.encode(depth))

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
        deliveries = self._deliveries.read() or DeliveryCounts()
        return sum(rows[::2]), sum(rows[1::2]), deliveries.failed


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
