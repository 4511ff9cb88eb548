"""What should have been answered by now: replies and messages that wait past their deadline."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from smsgate.domain.messages import Reply, Stored
from smsgate.store.connection import translated
from smsgate.store.inbox import stored_of
from smsgate.store.keys import PARTITION_KEYS
from smsgate.store.redis_address import Client

_SOME = 200
"""How many of each kind are read of a partition: enough for a few minutes without a worker."""
_reply = msgspec.json.Decoder(Reply).decode


@dataclass(frozen=True, slots=True)
class OverdueTexts:
    """What waits although its time is over."""

    replies: list[Reply]
    """In the outboxes, past their deadlines."""
    messages: list[Stored]
    """In the inboxes, received longer ago than a reply may take."""
    is_partial: bool
    """Whether there may be more of them."""


class Overdue:
    """Reads them, of all partitions together."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def read(self, window_us: int) -> OverdueTexts:
        """What is overdue by Redis's clock, in three round trips; the oldest, at most 200 of each.

        ``window_us``: how long after its receipt a message may still be answered. Raises
        ``StoreUnavailable``.
        """
        with translated():
            seconds, micros = self._client.time()
            now_us = int(seconds) * 1_000_000 + int(micros)
            newest = (now_us - window_us) // 1000
            with self._client.pipeline(transaction=False) as pipeline:
                for keys in PARTITION_KEYS:
                    pipeline.zrange(
                        keys.outbox, "-inf", now_us // 1000, byscore=True, offset=0, num=_SOME
                    )
                    pipeline.xrange(keys.inbox, "-", newest, count=_SOME)
                rows = pipeline.execute()
            due, waiting = rows[::2], rows[1::2]
            replies = self._replies(due)
        return OverdueTexts(
            replies=[one for one in replies if one.deadline_us < now_us],
            messages=[stored_of(*row) for of_partition in waiting for row in of_partition],
            is_partial=any(len(of_partition) == _SOME for of_partition in rows),
        )

    def _replies(self, due: list[list[bytes]]) -> list[Reply]:
        with self._client.pipeline(transaction=False) as pipeline:
            for keys, ids in zip(PARTITION_KEYS, due, strict=True):
                if ids:
                    pipeline.hmget(keys.replies, ids)
            rows = pipeline.execute() if any(due) else []
        return [_reply(raw) for of_partition in rows for raw in of_partition if raw is not None]
