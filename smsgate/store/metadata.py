"""What makes a store trustworthy: its metadata."""

from __future__ import annotations

import uuid

from smsgate.domain.errors import OldStore, StoreNotReady, StoreUnavailable
from smsgate.store import write_lease
from smsgate.store.connection import Client, now_us, of_partitions
from smsgate.store.keys import LAYOUT, OLD_METADATA

BUCKETS = 2048
"""Buckets of a partition's sets in a new store: compact from one to some 14 million numbers a
scope."""


STATE = ("store", "ready", "rebuild")
"""Of the store metadata: id of the store, 1 where it can be used, and the rebuild in progress."""


def refuse_old(client: Client) -> None:
    """Raise ``OldStore`` where Redis has a store of smsgate 0.1 or 0.2.

    Raises ``StoreUnavailable``.
    """
    if client.exists(*OLD_METADATA):
        raise OldStore


class StoreMetadata:
    """The metadata of all partitions. Only ``smsgate init`` and a rebuild write them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def store_id(self) -> str:
        """The id of the store; empty where no partition has metadata.

        Raises ``OldStore`` for one of 0.1 or 0.2, ``StoreNotReady`` where it is being rebuilt, or
        the partitions do not agree: something was lost.
        """
        refuse_old(self._client)
        rows = of_partitions(self._client, lambda one, keys: one.hmget(keys.metadata, *STATE))
        if any(row[2] for row in rows):
            raise StoreNotReady(
                "the store is being rebuilt from the records; a rebuild that broke off is begun "
                "again by the clock, or by `smsgate rebuild`"
            )
        ids = {(row[0] or b"").decode() for row in rows}
        if len(ids) > 1 or (ids != {""} and any(row[1] != b"1" for row in rows)):
            raise StoreNotReady(
                "some partitions of the store have metadata and others have none: part of it "
                "was lost; restore Redis from a backup"
            )
        return ids.pop()

    def refuse_old(self) -> None:
        """Raise ``OldStore`` for a store of 0.1 or 0.2; one that is away may be anything."""
        try:
            refuse_old(self._client)
        except OldStore:
            raise
        except StoreUnavailable:
            return  # whatever it is, it is asked again before the first entry

    def create(self, buckets: int = BUCKETS) -> str:
        """Make an empty store ready and give its id; one that is ready stays as it is."""
        existing = self.store_id()
        if existing:
            return existing
        store = uuid.uuid4().hex
        lease = write_lease.first_fields(now_us(self._client), write_lease.FIRST_MS)
        fields = lease | {
            "store": store,
            "layout": LAYOUT,
            "buckets": buckets,
            "ready": 1,
            "first": lease["lease"],
        }
        of_partitions(self._client, lambda one, keys: one.hset(keys.metadata, mapping=fields))
        return store
