"""Keyword sets that the console owns, version by version: the truth for the processes of all hosts.

The newest version of a name is the set; where it says nothing, the set was given up. Versions are
never changed and never removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from smsgate.domain.errors import KeywordSetChanged
from smsgate.records.console_tables import keyword_versions
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert
from smsgate.records.tables import check

_MOST = 2**31 - 1
"""Above every version, and still a number for every database; pages are asked for more."""
_NUL = "\N{REPLACEMENT CHARACTER}"
"""In place of NUL, which PostgreSQL does not take."""


@dataclass(frozen=True, slots=True)
class KeywordVersion:
    """One version of a set, as it was saved."""

    set_name: str
    version: int
    """From 1 on, without gaps."""
    content: str
    """TOML, as in a file; empty where the set was given up."""
    author: str
    saved_us: int
    note: str = ""


class KeywordVersions:
    """Reads and adds. Raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> list[KeywordVersion]:
        """The newest version of every set, by name; nothing where there are no records yet."""
        if self._database.absent:
            return []
        table = keyword_versions
        last = select(table.c.set_name, func.max(table.c.version).label("version"))
        of = last.group_by(table.c.set_name).subquery()
        same = (of.c.set_name == table.c.set_name) & (of.c.version == table.c.version)
        return self._read(_rows().join(of, same).order_by(table.c.set_name))

    def of(self, name: str, most: int, before: int | None = None) -> list[KeywordVersion]:
        """The versions of a set, the newest first, at most so many; those before a version."""
        if self._database.absent:
            return []
        asked = _rows().where(keyword_versions.c.set_name == lookup(name))
        if before is not None:
            asked = asked.where(keyword_versions.c.version < min(max(before, 0), _MOST))
        return self._read(asked.order_by(keyword_versions.c.version.desc()).limit(most))

    def save(self, made: KeywordVersion) -> None:
        """Add a version to the one before it.

        Raises ``KeywordSetChanged`` where somebody else has added one meanwhile; nothing is
        written then.
        """
        with self._database.writing() as connection:
            check(connection)
            newest = _newest(connection, made.set_name)
            if newest != made.version - 1 or not _added(connection, made):
                raise KeywordSetChanged(
                    f"{made.set_name} was saved by somebody else while you worked on version "
                    f"{made.version - 1}: look at what is there now, and save again"
                )

    def _read(self, asked: Select[Any]) -> list[KeywordVersion]:
        with self._database.reading() as connection:
            check(connection)
            return [KeywordVersion(*row) for row in connection.execute(asked)]


def _rows() -> Select[Any]:
    return select(*[keyword_versions.c[name] for name in KeywordVersion.__slots__])


def _newest(connection: Connection, name: str) -> int:
    asked = select(func.max(keyword_versions.c.version))
    asked = asked.where(keyword_versions.c.set_name == lookup(name))
    return int(connection.scalar(asked) or 0)


def _added(connection: Connection, made: KeywordVersion) -> bool:
    """Whether nobody had added that version in the same moment, which PostgreSQL allows."""
    row = {name: getattr(made, name) for name in KeywordVersion.__slots__}
    row |= {name: row[name].replace("\0", _NUL) for name in ("content", "note")}
    row["set_name"], row["author"] = lookup(made.set_name), lookup(made.author)
    asked = upsert(connection, keyword_versions).values(row).on_conflict_do_nothing()
    return connection.scalar(asked.returning(keyword_versions.c.version)) is not None
