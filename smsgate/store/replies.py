"""Replies that wait, that were given up, or that await a receipt; and what applications answer."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec
from redis.client import Pipeline

from smsgate.consent.events import DeadLetter, Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import (
    Call,
    Client,
    Script,
    hash_rows,
    json_text,
    of_partitions,
    pipelined,
)
from smsgate.store.keys import NOTIFY_MS, PARTITION_KEYS, PartitionKeys, partition_of
from smsgate.store.outbox import EARLY, AwaitedReply, DeliveryReceipt, key_of

KEEP_ANSWERED_S = 48 * 3600
"""How long it is known that an application answered a text: longer than it is forwarded."""
MOST = 2_000
"""Replies of a list."""
KEEP_EARLY_RECEIPT_S = 20
"""How long a receipt is kept that came before the answer to our own call: as long as a claim."""
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Reply).decode
_letter = msgspec.json.Decoder(DeadLetter).decode
_awaited = msgspec.json.Decoder(AwaitedReply).decode


def dead_letter_of(id_: str, row: bytes) -> DeadLetter:
    """A dead letter as it is kept; of one that cannot be read, its id alone is known."""
    try:
        return _letter(row)
    except msgspec.MsgspecError:
        reply = Reply(id_, "unreadable", "unknown", "", "", "", "", 0)
        return DeadLetter(reply, "unknown", "it cannot be read", 0)


class UnsentReplies:
    """The replies of all outboxes. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._settle_dead = Script(client, "bury")
        self._accepted = Script(client, "accepted")

    def dead(self, partition: int) -> list[DeadLetter]:
        """The replies of a partition that were given up, oldest first."""
        rows = hash_rows(self._client.hgetall(PARTITION_KEYS[partition].dead))
        letters = [dead_letter_of(id_, row) for id_, row in rows.items()]
        return sorted(letters, key=lambda letter: letter.at_us)

    def unsettled(self, ids: Sequence[str]) -> dict[str, Reply | DeadLetter]:
        """Of replies of one partition, by id: those that wait to be sent, and those given up."""
        if not ids:
            return {}
        keys = PARTITION_KEYS[int(ids[0].partition("-")[0])]
        with pipelined(self._client) as pipeline:
            pipeline.hmget(keys.replies, list(ids))
            pipeline.hmget(keys.dead, list(ids))
            waiting, dead = pipeline.execute()
        found: dict[str, Reply | DeadLetter] = {}
        for id_, letter, reply in zip(ids, dead, waiting, strict=True):
            if letter is not None:
                found[id_] = dead_letter_of(id_, letter)
            if reply is not None:
                found[id_] = _decode(reply)
        return found

    def settle_dead(
        self, partition: int, id_: str, event: Event, reply: Reply | None = None
    ) -> bool:
        """Take a dead letter out: with ``reply`` it is due again, without it is dismissed.

        False where there is none of that id.
        """
        keys = PARTITION_KEYS[partition]
        names = [keys.dead, keys.outbox, keys.replies, keys.ledger]
        again = _encode(reply) if reply else b""
        return bool(self._settle_dead(names, [id_, again, _encode(event)]) == 1)

    def add_answers(
        self, text: str, partition: int, event: Event, replies: Sequence[Reply]
    ) -> bool:
        """Record that an application accepted a text, and queue its replies once per text.

        ``text``: id of the text's event. Returns whether a job for the outbox is wanted.
        """
        keys = PARTITION_KEYS[partition]
        names = [keys.ledger, keys.outbox, keys.replies, keys.notify_outbox]
        names.append(f"{keys.prefix}answered:{text}")
        packed = msgspec.msgpack.encode([(one.id, json_text(one)) for one in replies])
        return bool(self._accepted(names, [json_text(event), packed, NOTIFY_MS, KEEP_ANSWERED_S]))

    def forget(self, number: str) -> int:
        """Delete the dead letters of a number, for they have texts; gives how many there were."""
        partition = partition_of(number)
        ids = [one.reply.id for one in self.dead(partition) if one.reply.number == number]
        return self._client.hdel(PARTITION_KEYS[partition].dead, *ids) if ids else 0

    def pending(self) -> tuple[int, list[tuple[int, Reply]]]:
        """How many replies are not settled, and the first ``MOST``: when each is due (us)."""

        def ask(pipeline: Pipeline, keys: PartitionKeys) -> None:
            pipeline.zcard(keys.outbox)
            pipeline.zrange(keys.outbox, 0, MOST - 1, withscores=True)

        rows = of_partitions(self._client, ask)
        due = [
            (score, id_, PARTITION_KEYS[partition].replies)
            for partition, found in enumerate(rows[1::2])
            for id_, score in found
        ]
        first = heapq.nsmallest(MOST, due)
        with pipelined(self._client) as pipeline:
            for _, id_, replies in first:
                pipeline.hget(replies, id_)
            raws = pipeline.execute() if first else []
        return sum(rows[::2]), [
            (int(score) * 1000, _decode(raw))
            for (score, _, _), raw in zip(first, raws, strict=True)
            if raw is not None  # it left in between
        ]

    def failed(self) -> tuple[int, list[tuple[int, DeadLetter]]]:
        """How many were given up, and ``MOST`` of them, newest first: when each was (us)."""

        def ask(pipeline: Pipeline, keys: PartitionKeys) -> None:
            pipeline.hlen(keys.dead)
            pipeline.hscan(keys.dead, count=2 * MOST)  # all, unless there are more than MOST

        rows = of_partitions(self._client, ask)
        letters = [
            dead_letter_of(id_, row)
            for _, found in rows[1::2]
            for id_, row in hash_rows(found).items()
        ]
        newest = heapq.nlargest(MOST, letters, key=lambda one: one.at_us)
        return sum(rows[::2]), [(one.at_us, one) for one in newest]


class Receipts:
    """Awaits delivery receipts, and takes each once.

    Once the provider took a reply, it is remembered under the provider's id for it. A receipt takes
    that away and writes its event in the same script, so that one that comes twice, or is about
    somebody else's text, has no effect.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._find = Script(client, "receipt_look")
        self._take = Script(client, "receipt_take")

    def find_replies(self, receipts: Sequence[DeliveryReceipt]) -> list[AwaitedReply | None]:
        """Of each receipt the reply that it is about; None where we wait for none such.

        Where a reply of the partition is being sent at this moment, the receipt may be its own:
        then it is kept for as long as that takes. Raises ``StoreUnavailable``.
        """
        calls: list[Call] = [
            (
                [
                    key_of(one.account, one.number, one.message_id),
                    PARTITION_KEYS[partition_of(one.number)].claims,
                ],
                [EARLY + _encode(one), KEEP_EARLY_RECEIPT_S],
            )
            for one in receipts
        ]
        return [None if value is None else _awaited(value) for value in self._find.many(calls)]

    def take(self, receipt: DeliveryReceipt, expected: AwaitedReply, event: Event) -> bool:
        """Record what became of a reply; False where that was done before."""
        names = [
            key_of(receipt.account, receipt.number, receipt.message_id),
            PARTITION_KEYS[partition_of(receipt.number)].ledger,
        ]
        return bool(self._take(names, [_encode(expected), _encode(event)]) == 1)
