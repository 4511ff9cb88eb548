"""The keys that open ``/v1``, as hashes; they must outlive Redis, so they are kept here.

No record of consent: a row says until when its key opens, and that may change. Each process has the
keys as they were read last: an outage of the database must not be one of the gate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import structlog
from sqlalchemy import ColumnElement, Row, insert, or_, select, update

from smsgate.domain.errors import RecordsUnavailable
from smsgate.records.database import Database, lookup
from smsgate.records.reader import rows_of
from smsgate.records.tables import api_keys

KeyScope: TypeAlias = Literal["check", "write", "admin"]
"""What a key may do; each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """One key, without itself."""

    id: str
    name: str
    scope: KeyScope
    digest: bytes
    """SHA-256 of the key."""
    made_us: int
    made_by: str
    ends_us: int = 0
    """When it ceases to open; 0 is never."""
    programs: tuple[str, ...] = ()
    """What it is limited to; none: it is for every program."""


TRUST_S = 3.0
"""How long the keys that were read are believed: a revoked one is refused within 5 s."""
_log = structlog.get_logger("smsgate.keys")


class ApiKeyStorage:
    """The keys. Every method but ``known`` raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._rows: Sequence[ApiKeyRow] = ()
        self._read_at = -TRUST_S
        self.problem: RecordsUnavailable | None = None
        """Why ``known`` could not read the keys again, if it could not."""

    def known(self) -> Sequence[ApiKeyRow]:
        """Return the keys, read again every few seconds by one thread; others use what is known.

        While the database is away, the keys that were read last go on to open. Nobody can revoke
        a key meanwhile, either.
        """
        if not self._is_due() or not self._lock.acquire(blocking=self._read_at < 0):
            return self._rows
        try:
            if self._is_due():  # no other thread has begun to read them since
                self._read_at = time.monotonic()
                self._rows, self.problem = self.all(int(time.time() * 1_000_000)), None
        except RecordsUnavailable as error:
            _log.warning("keys cannot be read", problem=str(error))
            self.problem, self._read_at = error, time.monotonic()
        finally:
            self._lock.release()
        return self._rows

    def all(self, now_us: int) -> list[ApiKeyRow]:
        """Return every key that opens at that time, by name, then the newest first."""
        asked = select(api_keys).where(_open(now_us))
        asked = asked.order_by(api_keys.c.name, api_keys.c.made_us.desc())
        return [_key_row(row) for row in rows_of(self._database, asked)]

    def add(self, row: ApiKeyRow, ends_us: int | None = None) -> list[ApiKeyRow]:
        """Add a key; return those of its name that opened before.

        With ``ends_us`` those end then, in the same transaction; without, and where there are
        any, nothing is written.
        """
        with self._database.writing() as connection:
            same = (api_keys.c.name == lookup(row.name)) & _open(row.made_us)
            before = [_key_row(one) for one in connection.execute(select(api_keys).where(same))]
            if before and ends_us is None:
                return before
            if before:
                ends = or_(api_keys.c.ends_us == 0, api_keys.c.ends_us > ends_us)
                connection.execute(update(api_keys).where(same & ends).values(ends_us=ends_us))
            values = asdict(row)
            kept = {"name": lookup(row.name), "programs": ",".join(row.programs)}
            connection.execute(insert(api_keys).values(values | kept))
        self._read_at = -TRUST_S  # so that this process knows its own changes at once
        return before

    def end(self, name: str, now_us: int) -> Sequence[str]:
        """End every key of that name now; return their ids."""
        with self._database.writing() as connection:
            same = (api_keys.c.name == lookup(name)) & _open(now_us)
            ids = [*connection.scalars(select(api_keys.c.id).where(same))]
            connection.execute(update(api_keys).where(same).values(ends_us=now_us))
        self._read_at = -TRUST_S  # so that this process knows its own changes at once
        return ids

    def _is_due(self) -> bool:
        return time.monotonic() - self._read_at >= TRUST_S


def _key_row(row: Row[Any]) -> ApiKeyRow:
    """Return a row of the table; names of programs have no comma."""
    values = dict(zip(ApiKeyRow.__slots__, row, strict=True))
    return ApiKeyRow(**values | {"programs": tuple(filter(None, values["programs"].split(",")))})


def _open(now_us: int) -> ColumnElement[bool]:
    return or_(api_keys.c.ends_us == 0, api_keys.c.ends_us > now_us)
