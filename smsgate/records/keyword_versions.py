"""Keyword sets that the console owns, version by version: the truth for the processes of all hosts.

The newest version of a name is the set; where it is empty, the set was reverted. Versions are never
changed and never removed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, func, select

from smsgate.domain.errors import KeywordSetChanged
from smsgate.records.console_tables import keyword_versions
from smsgate.records.contents import lookup
from smsgate.records.database import Database
from smsgate.records.reader import rows_of
from smsgate.records.saved_versions import before_version, save_next


@dataclass(frozen=True, slots=True)
class KeywordVersion:
    """One version of a set, as it was saved."""

    set_name: str
    version: int
    """From 1 on, without gaps."""
    content: str
    """TOML, as in a file; empty where the set was reverted."""
    author: str
    saved_us: int
    note: str = ""


_table = keyword_versions
_versions = select(*[_table.c[name] for name in KeywordVersion.__slots__])


class KeywordVersions:
    """The versions. Every method raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> list[KeywordVersion]:
        """Return the newest version of every set, by name; nothing without records."""
        last = select(_table.c.set_name, func.max(_table.c.version).label("version"))
        of = last.group_by(_table.c.set_name).subquery()
        same = (of.c.set_name == _table.c.set_name) & (of.c.version == _table.c.version)
        return self._read(_versions.join(of, same).order_by(_table.c.set_name))

    def of(self, name: str, limit: int, before: int | None = None) -> list[KeywordVersion]:
        """Return the versions of a set, newest first; those before a version, if one is given."""
        query = _versions.where(_table.c.set_name == lookup(name))
        query = before_version(query, _table, before)
        return self._read(query.order_by(_table.c.version.desc()).limit(limit))

    def save(self, version: KeywordVersion) -> None:
        """Add a version to the one before it.

        Raises ``KeywordSetChanged`` where somebody else has added one meanwhile; nothing is
        written then.
        """
        name = lookup(version.set_name)
        row = {**asdict(version), "set_name": name}
        if not save_next(self._database, _table, row, _table.c.set_name == name):
            raise KeywordSetChanged(
                f"{version.set_name} was saved by someone else while you worked on version "
                f"{version.version - 1}: look at what is there now, and save again"
            )

    def _read(self, query: Select[Any]) -> list[KeywordVersion]:
        return [KeywordVersion(*row) for row in rows_of(self._database, query)]
