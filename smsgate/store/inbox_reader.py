"""What waits in inboxes, and what they remember: for people, imports and reviews."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.domain.messages import StoredEntry
from smsgate.store.connection import (
    Client,
    as_text,
    hash_rows,
    of_partitions,
    pipelined,
    stream_rows,
)
from smsgate.store.inbox import stored_of
from smsgate.store.keys import PARTITION_KEYS, partition_of


class InboxReader:
    """Reads inboxes. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def depth(self, partition: int) -> int:
        """How many entries wait in a partition."""
        return self._client.xlen(PARTITION_KEYS[partition].inbox)

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
        return _holds(self._client.hgetall(PARTITION_KEYS[partition].reviews))

    def all_review_holds(self) -> list[dict[str, str]]:
        """The review holds of every partition, as ``review_holds``; one round trip."""
        partitions = of_partitions(self._client, lambda one, keys: one.hgetall(keys.reviews))
        return [_holds(rows) for rows in partitions]


def _holds(rows: object) -> dict[str, str]:
    return {field: as_text(ids) for field, ids in hash_rows(rows).items()}
