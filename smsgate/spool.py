"""Where verified messages wait on this host's disk while the store cannot take them.

A provider is told 503 then, and tries again; but some never do, so the message is kept all the
same. Its own message id makes the provider's retry and the spool's replay one message.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from smsgate.errors import SpoolUnavailable
from smsgate.messages import Arrival, Entry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    arrived_us INTEGER NOT NULL,
    began_us INTEGER NOT NULL,
    sent_us INTEGER,
    entry BLOB NOT NULL
)
"""
# The outage began with the oldest message that waits.
_KEEP = """
INSERT INTO spool (arrived_us, began_us, sent_us, entry)
VALUES (:arrived_us, COALESCE((SELECT min(began_us) FROM spool), :arrived_us), :sent_us, :entry)
"""
_decode = msgspec.json.Decoder(Entry).decode


@dataclass(frozen=True, slots=True)
class Spooled:
    """A message that waits. Times are this host's."""

    id: int
    arrived_us: int
    began_us: int
    """When the outage began in which it came."""
    sent_us: int | None
    entry: Entry


class Spool:
    """A SQLite file in the data directory, shared by the web processes of a host."""

    def __init__(self, path: Path) -> None:
        """The file is made when the first message is kept."""
        self._path = path
        self._lock = threading.Lock()

    def keep(self, arrivals: Sequence[Arrival]) -> None:
        """Put messages on disk; they are there when this returns. Raises ``SpoolUnavailable``."""
        now_us = time.time_ns() // 1000
        rows = [
            {
                "arrived_us": now_us - one.age_us,
                "sent_us": one.sent_us,
                "entry": msgspec.json.encode(one.entry),
            }
            for one in arrivals
        ]
        with self._lock, self._open(make=True) as file:
            file.executemany(_KEEP, rows)

    def oldest(self, count: int) -> list[Spooled]:
        """The messages that came first, in the order in which they came."""
        if not self._path.exists():
            return []
        with self._open() as file:
            rows = file.execute(
                "SELECT id, arrived_us, began_us, sent_us, entry FROM spool ORDER BY id LIMIT ?",
                (count,),
            ).fetchall()
        return [
            Spooled(id_, arrived_us, began_us, sent_us, _decode(entry))
            for id_, arrived_us, began_us, sent_us, entry in rows
        ]

    def drop(self, spooled: Sequence[Spooled]) -> None:
        """Take out messages that are in the store now."""
        with self._lock, self._open() as file:
            file.executemany("DELETE FROM spool WHERE id = ?", [(one.id,) for one in spooled])

    def depth(self) -> int:
        """How many messages wait. Raises ``SpoolUnavailable``."""
        if not self._path.exists():
            return 0
        with self._open() as file:
            return int(file.execute("SELECT count(*) FROM spool").fetchone()[0])

    @contextmanager
    def replayer(self) -> Iterator[bool]:
        """Whether the caller is the one process of this host that may replay now."""
        with self._path.with_suffix(".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    @contextmanager
    def _open(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction. A connection for each: the spool is for days when nothing is fast."""
        try:
            if make:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self._path, timeout=5)) as file:
                file.execute("PRAGMA journal_mode = WAL")
                file.execute("PRAGMA synchronous = FULL")  # on disk before we go on
                file.execute(_SCHEMA)
                with file:
                    yield file
        except (sqlite3.Error, OSError) as error:
            raise SpoolUnavailable(f"the spool {self._path} cannot be used: {error}") from error
