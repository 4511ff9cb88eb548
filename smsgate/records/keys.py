"""The keys that open ``/v1``, as hashes; they must outlive Redis, so they are kept here.

No record: a row says until when its key opens, and that may change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Row, insert, or_, select, update

from smsgate.records.contents import lookup
from smsgate.records.database import Database
from smsgate.records.reader import rows_of
from smsgate.records.tables import api_keys, check

KeyScope: TypeAlias = Literal["check", "write", "admin"]
"""What a key may do; each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class KeyRow:
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


class Keys:
    """Keeps the keys. Everything here raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changes = 0
        """How many changes this process has made."""

    def all(self, now_us: int) -> list[KeyRow]:
        """Every key that opens at that time, by name, then the newest first."""
        asked = select(api_keys).where(_open(now_us))
        asked = asked.order_by(api_keys.c.name, api_keys.c.made_us.desc())
        return [_key_row(row) for row in rows_of(self._database, asked)]

    def add(self, row: KeyRow, ends_us: int | None = None) -> list[KeyRow]:
        """Keep a new key; gives those of its name that were open before.

        With ``ends_us`` those end then, in the same transaction; without, and where there are
        any, nothing is written.
        """
        with self._database.writing() as connection:
            check(connection)
            same = (api_keys.c.name == lookup(row.name)) & _open(row.made_us)
            before = [_key_row(one) for one in connection.execute(select(api_keys).where(same))]
            if before and ends_us is None:
                return before
            if before:
                ends = or_(api_keys.c.ends_us == 0, api_keys.c.ends_us > ends_us)
                connection.execute(update(api_keys).where(same & ends).values(ends_us=ends_us))
            values = {name: getattr(row, name) for name in KeyRow.__slots__}
            kept = {"name": lookup(row.name), "programs": ",".join(row.programs)}
            connection.execute(insert(api_keys).values(values | kept))
        self.changes += 1
        return before

    def end(self, name: str, now_us: int) -> Sequence[str]:
        """Let every key of that name end now; gives their ids."""
        with self._database.writing() as connection:
            check(connection)
            same = (api_keys.c.name == lookup(name)) & _open(now_us)
            ids = [*connection.scalars(select(api_keys.c.id).where(same))]
            connection.execute(update(api_keys).where(same).values(ends_us=now_us))
        self.changes += 1
        return ids


def _key_row(row: Row[Any]) -> KeyRow:
    """A row of the table; names of programs have no comma."""
    values = dict(zip(KeyRow.__slots__, row, strict=True))
    return KeyRow(**values | {"programs": tuple(filter(None, values["programs"].split(",")))})


def _open(now_us: int) -> ColumnElement[bool]:
    return or_(api_keys.c.ends_us == 0, api_keys.c.ends_us > now_us)
