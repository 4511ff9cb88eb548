"""Where verified messages wait on this host's disk while the store cannot take them.

A provider is told 503 then, and tries again; but some never do, so the message is kept all the
same. Its own message id makes the provider's retry and the spool's replay one message.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from smsgate.domain.errors import SpoolUnavailable, StoreNotReady
from smsgate.domain.messages import Arrival, Entry, Intent
from smsgate.metrics.snapshot import SpoolDepth
from smsgate.store.write_lease import CANNOT_TELL

_VERSION = 3
"""Spools of 0.1 and 0.2 had none."""
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS spool (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    arrived_us INTEGER NOT NULL,
    began_us INTEGER NOT NULL,
    sent_us INTEGER,
    entry BLOB NOT NULL,
    blocks INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS spool_blocks ON spool (blocks) WHERE blocks;
CREATE TABLE IF NOT EXISTS spool_id AS SELECT lower(hex(randomblob(8))) AS id;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
# The outage began with the oldest message that waits.
_KEEP = """
INSERT INTO spool (arrived_us, began_us, sent_us, entry, blocks)
VALUES (
    :arrived_us, COALESCE((SELECT min(began_us) FROM spool), :arrived_us), :sent_us, :entry,
    :blocks
)
"""
_MODE = 0o600
_PROBE_BYTES = 64 * 1024
"""As much as the longest message of most providers."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
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


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What a spool holds."""

    id: str
    """Of the file: a host may get another name, and its data directory stay."""
    messages: int
    blocking: int
    """Those that would block numbers: opt-outs, and texts that wait for a person."""
    oldest_us: int
    """When the oldest message came, by this host's clock; 0 without messages."""


class Spool:
    """A SQLite file in the data directory, shared by the web processes of a host."""

    def __init__(self, path: Path) -> None:
        """The file is made when the first message is kept."""
        self._path = path
        self._marker = path.with_suffix(".blocks")
        """A file that is there as long as opt-outs may wait: a look at it costs a microsecond."""
        self._lock = threading.Lock()

    @property
    def folder(self) -> str:
        """The data directory, as it is reported to other hosts."""
        return str(self._path.parent.absolute())

    def check(self, *, make: bool = False) -> None:
        """Try whether a message could be kept now, without keeping one.

        A data directory that is not there is made with ``make``, else left alone. Raises
        ``SpoolUnavailable``, which says what is wrong and what would be right.
        """
        folder = self._path.parent
        try:
            if make:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            elif not self._exists(folder):
                return
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
        except OSError as error:
            raise SpoolUnavailable(
                f"no message can be kept in the data directory {folder} ({error.strerror}): name "
                f"one in SMSGATE_DATA_DIR that user {os.geteuid()} may write, with space on its "
                "disk",
                is_full=error.errno in _FULL,
            ) from error
        if self._exists():
            with self._open() as spool:
                # There is no such id, but a file that cannot be written refuses it all the same.
                spool.execute("DELETE FROM spool WHERE id = -1")

    def keep(self, arrivals: Sequence[Arrival]) -> None:
        """Put messages on disk; they are there when this returns. Raises ``SpoolUnavailable``."""
        now_us = time.time_ns() // 1000
        rows = [
            {
                "arrived_us": now_us - one.age_us,
                "sent_us": one.sent_us,
                "entry": msgspec.json.encode(one.entry),
                "blocks": _blocks(one.entry),
            }
            for one in arrivals
        ]
        with self._lock, self._open(make=True) as file:
            file.executemany(_KEEP, rows)
            if any(row["blocks"] for row in rows):
                self._marker.touch(mode=_MODE)

    def oldest(self, count: int) -> list[Spooled]:
        """The messages that came first, in the order in which they came."""
        if not self._exists():
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
            if not _blocking(file):  # and nobody else can add one before the commit
                self._marker.unlink(missing_ok=True)

    def report(self, *, make_folder: bool = False) -> SpoolDepth:
        """What waits here, or why nothing can be kept; ``make_folder`` as ``make`` of ``check``."""
        host, now_s = socket.gethostname(), time.time()
        problem, state = "", None
        try:
            self.check(make=make_folder)
        except SpoolUnavailable as error:  # a full disk can still be read
            problem = str(error)
        try:
            state = self.state()
        except SpoolUnavailable as error:
            problem = problem or str(error)
        count = state.messages if state is not None else 0
        waited_s = max(now_s - state.oldest_us / 1_000_000, 0.0) if state and count else 0.0
        return SpoolDepth(host, count, waited_s, now_s, problem, self.folder)

    def state(self) -> SpoolState | None:
        """What the spool holds; None where this host never had one. Raises ``SpoolUnavailable``."""
        if not self._exists():
            return None
        with self._open() as file:
            messages, oldest_us = file.execute(
                "SELECT count(*), min(arrived_us) FROM spool"
            ).fetchone()
            blocking = _blocking(file)
            (id_,) = file.execute("SELECT id FROM spool_id").fetchone()
        return SpoolState(id_, messages, blocking, oldest_us or 0)

    def refuse_opt_outs(self) -> None:
        """Raise ``StoreNotReady`` while opt-outs wait here, where a gate on the store misses them.

        Also where that cannot be told.
        """
        try:
            state = self.state() if self._exists(self._marker) else None
        except SpoolUnavailable as error:
            raise StoreNotReady(f"{CANNOT_TELL}: {error}") from error
        if state is not None and state.blocking:
            raise StoreNotReady(
                f"{CANNOT_TELL}: opt-outs wait in the spool of this host and are not in the "
                f"store yet: {state.blocking}; `smsgate doctor` says how to fix it"
            )

    @contextmanager
    def replayer(self) -> Iterator[bool]:
        """Whether the caller is the one process of this host that may replay now."""
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, _MODE)
        with os.fdopen(lock, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _exists(self, path: Path | None = None) -> bool:
        try:
            (path or self._path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:  # a folder that we may not read
            raise SpoolUnavailable(f"the spool {self._path} cannot be used: {error}") from error
        return True

    def _make_tables(self, file: sqlite3.Connection) -> None:
        """Make the tables of a new file.

        Raises ``SpoolUnavailable`` for a file of smsgate 0.1 or 0.2, which stays as it is.
        """
        # In this order: whoever makes the tables gives them their version in the same transaction.
        is_new = file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        (version,) = file.execute("PRAGMA user_version").fetchone()
        if version == 0 and not is_new:
            raise SpoolUnavailable(
                f"the spool {self._path} is that of smsgate 0.1 or 0.2, which 0.3 does not read; "
                "nothing was changed: let 0.2 store its messages, and give 0.3 another data "
                "directory, as docs/upgrading.md says"
            )
        if version != _VERSION:
            file.executescript(_SCHEMA)

    @contextmanager
    def _open(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction. A connection for each: the spool is for days when nothing is fast.

        Nothing but SQLite may open the file: closing it would end this process's locks on it, and
        another process would delete the log with a message in it (sqlite.org/howtocorrupt, 2.2).
        """
        try:
            if make:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with suppress(FileExistsError):  # SQLite gives what it puts beside it the same mode
                    self._path.touch(mode=_MODE, exist_ok=False)
            with closing(sqlite3.connect(self._path, timeout=5)) as file:
                file.execute("PRAGMA synchronous = FULL")  # on disk before we go on
                self._make_tables(file)
                file.execute("PRAGMA journal_mode = WAL")
                with file:
                    yield file
        except (sqlite3.Error, OSError) as error:
            raise SpoolUnavailable(f"the spool {self._path} cannot be used: {error}") from error


def _blocking(file: sqlite3.Connection) -> int:
    return int(file.execute("SELECT count(*) FROM spool WHERE blocks").fetchone()[0])


def _blocks(entry: Entry) -> bool:
    """Whether the store would block a number by it as soon as it had it."""
    return entry.decision.intent.stops or entry.decision.intent is Intent.REVIEW
