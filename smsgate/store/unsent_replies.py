"""Replies that wait to be sent and those that were given up: what people see of them and decide."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsgate.consent.events import DeadLetter, Event
from smsgate.domain.messages import Reply
from smsgate.store.connection import Script, pipelined
from smsgate.store.keys import PARTITION_KEYS, partition_of
from smsgate.store.redis_types import Client

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Reply).decode
_letter = msgspec.json.Decoder(DeadLetter).decode


def dead_letter_of(id_: bytes, row: bytes) -> DeadLetter:
    """A dead letter as it is kept; of one that cannot be read, its id alone is known."""
    try:
        return _letter(row)
    except msgspec.MsgspecError:
        reply = Reply(id_.decode(), "unreadable", "unknown", "", "", "", "", 0)
        return DeadLetter(reply, "unknown", "it cannot be read", 0)


class UnsentReplies:
    """The replies of all outboxes. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._settle_dead = Script(client, "bury")

    def dead(self, partition: int) -> list[DeadLetter]:
        """The replies of a partition that were given up, oldest first."""
        rows = self._client.hgetall(PARTITION_KEYS[partition].dead)
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
                found[id_] = dead_letter_of(id_.encode(), letter)
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

    def forget(self, number: str) -> int:
        """Delete the dead letters of a number, for they have texts; gives how many there were."""
        partition = partition_of(number)
        ids = [one.reply.id for one in self.dead(partition) if one.reply.number == number]
        return self._client.hdel(PARTITION_KEYS[partition].dead, *ids) if ids else 0

    def waiting(self, partition: int) -> list[Reply]:
        """The replies of a partition that are not settled, in the order in which they are due."""
        keys = PARTITION_KEYS[partition]
        ids = self._client.zrange(keys.outbox, 0, -1)
        rows = self._client.hmget(keys.replies, ids) if ids else []
        return [_decode(row) for row in rows if row is not None]
