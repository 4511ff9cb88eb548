"""The records: SQL and nothing but SQL. The proof, and the truth that outlives Redis.

Events come from the ledgers in the store, are chained partition by partition, and stay. The tables
are described in ``tables.py``, the chain in ``writer.py``; this package knows nothing of Redis.
"""

from __future__ import annotations

import importlib

from smsgate.records.database import Database, upsert
from smsgate.records.deliveries import DeliveryStorage
from smsgate.records.reader import RecordReader
from smsgate.records.removal import ContentRemoval
from smsgate.records.tables import stores
from smsgate.records.values import (
    ChainLink,
    HistoryPlace,
    NumberConsentState,
    Recorded,
    RecordedMessage,
    StoreKnown,
    TextSearchPage,
    chain_digest,
)
from smsgate.records.verifier import ChainFinding, Verifier
from smsgate.records.writer import EventWriter, WriteResult

__all__ = [
    "ChainFinding",
    "ChainLink",
    "HistoryPlace",
    "NumberConsentState",
    "Recorded",
    "RecordedMessage",
    "Records",
    "StoreKnown",
    "TextSearchPage",
    "WriteResult",
    "chain_digest",
]


class Records:
    """All parts of the records, on one database."""

    def __init__(self, url: str) -> None:
        """Keep the URL (``sqlite:///file`` or ``postgresql://…``); connects on first use."""
        self.database = Database(url)
        self.writer = EventWriter(self.database)
        self.reader = RecordReader(self.database)
        self.removal = ContentRemoval(self.database)
        self.verifier = Verifier(self.database)
        self.deliveries = DeliveryStorage(self.database)

    def migrate(self) -> tuple[str, str]:
        """Bring the tables to our version; gives the version before (may be empty) and after.

        Raises ``RecordsNotReady`` where they are newer than this smsgate, ``RecordsUnavailable``.
        """
        before, after = importlib.import_module("smsgate.records.migrations").migrate(self.database)
        return str(before), str(after)

    def check(self) -> None:
        """Raise ``RecordsNotReady`` unless the tables are there and of our version."""
        self.database.refuse_absent()
        with self.database.reading():
            pass  # it has looked at the version

    def remember_store(self, id_: str, buckets: int, made_us: int) -> None:
        """Note that the events of a store (Redis) are kept here; again, it changes nothing."""
        with self.database.writing() as connection:
            row = {"id": id_, "buckets": buckets, "made_us": made_us}
            connection.execute(upsert(connection, stores).on_conflict_do_nothing(), [row])

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self.database.close()
