"""What the console changes of programs and accounts, version by version, for all hosts.

A version holds all that the console changes, so that the newest one is what is in force. Versions
are never changed and never removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from smsgate.domain.errors import ConfigurationChanged
from smsgate.records.console_tables import configuration_versions
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert
from smsgate.records.reader import rows_of

_MAX_VERSION = 2**31 - 1
"""Above every version, and still a number for every database; pages are asked for more."""
_NUL = "\N{REPLACEMENT CHARACTER}"
"""In place of NUL, which PostgreSQL does not take."""


@dataclass(frozen=True, slots=True)
class ConfigurationVersion:
    """One version, as it was saved."""

    version: int
    """From 1 on, without gaps."""
    content: str
    """TOML, as in ``smsgate.toml``: the keys that the console sets; empty where it sets none."""
    changed: tuple[str, ...]
    """The tables in which it differs from the version before, such as ``programs.alerts``."""
    author: str
    saved_us: int
    note: str = ""


_table = configuration_versions
_versions = select(
    *[_table.c[name] for name in ("version", "content", "changed", "author", "saved_us", "note")]
)


class ConfigurationVersions:
    """The versions. Every method raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> ConfigurationVersion | None:
        """Return the newest version; None where the console never changed anything."""
        return next(iter(self.page(1)), None)

    def page(
        self, limit: int, before: int | None = None, table: str = ""
    ) -> list[ConfigurationVersion]:
        """Return versions, newest first.

        Args:
            limit: how many at most.
            before: only those before this version.
            table: only those that changed this table, such as ``programs.alerts``.
        """
        query = _versions.order_by(_table.c.version.desc()).limit(limit)
        if before is not None:
            query = query.where(_table.c.version < min(max(before, 0), _MAX_VERSION))
        if table:
            query = query.where(_table.c.changed.contains(f" {table} ", autoescape=True))
        return self._read(query)

    def find(self, version: int) -> ConfigurationVersion | None:
        """Return one version."""
        found = self.page(1, before=version + 1)
        return found[0] if found and found[0].version == version else None

    def save(self, saved: ConfigurationVersion) -> None:
        """Add a version to the one before it.

        Raises ``ConfigurationChanged`` where somebody else has added one meanwhile; nothing is
        written then.
        """
        row = {
            "version": saved.version,
            "content": saved.content.replace("\0", _NUL),
            "changed": f" {' '.join(saved.changed)} ",
            "author": lookup(saved.author),
            "saved_us": saved.saved_us,
            "note": saved.note.replace("\0", _NUL),
        }
        with self._database.writing() as connection:
            adding = upsert(connection, _table).values(row).on_conflict_do_nothing()
            # PostgreSQL lets two add the same version at once: the conflict stops the second.
            if _newest(connection) != saved.version - 1 or (
                connection.scalar(adding.returning(_table.c.version)) is None
            ):
                raise ConfigurationChanged(
                    "Somebody else saved a change of the configuration in the same moment: look "
                    "at what is there now, and save again."
                )

    def _read(self, query: Select[Any]) -> list[ConfigurationVersion]:
        return [
            ConfigurationVersion(version, content, tuple(changed.split()), author, saved_us, note)
            for version, content, changed, author, saved_us, note in rows_of(self._database, query)
        ]


def _newest(connection: Connection) -> int:
    return int(connection.scalar(select(func.max(_table.c.version))) or 0)
