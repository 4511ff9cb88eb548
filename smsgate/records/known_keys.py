"""The API keys as they were read last: an outage of the database must not be one of the gate."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import structlog

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.records.keys import KeyRow, Keys

TRUST_S = 3.0
"""How long the keys that were read are believed: a revoked one is refused within 5 s."""
_log = structlog.get_logger("smsgate.keys")


class KnownKeys:
    """Reads the keys again every few seconds; threads may share it, and configurations do."""

    def __init__(self, keys: Keys) -> None:
        """Use that part of the records; nothing is asked yet."""
        self._keys = keys
        self._lock = threading.Lock()
        self._rows: Sequence[KeyRow] = ()
        self._read_at = -TRUST_S
        self._changes = 0
        self.problem: RecordsUnavailable | RecordsNotReady | None = None
        """Why the keys could not be read again, if they could not."""

    def rows(self) -> Sequence[KeyRow]:
        """The keys, read again by one thread at a time; the others go on with what is known.

        While the database is away, what was known last goes on to open. Nobody can revoke a key
        meanwhile, either.
        """
        if not self._is_current() and self._lock.acquire(blocking=self._read_at < 0):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._rows

    def _is_current(self) -> bool:
        recent = time.monotonic() - self._read_at < TRUST_S
        return recent and self._changes == self._keys.changes

    def _read(self) -> None:
        if self._is_current():
            return
        changes = self._keys.changes
        try:
            self._rows = self._keys.all(int(time.time() * 1_000_000))
            self.problem = None
        except (RecordsUnavailable, RecordsNotReady) as error:
            _log.warning("keys cannot be read", problem=str(error))
            self.problem = error
        self._changes, self._read_at = changes, time.monotonic()
