"""What the console changes of programs and accounts, version by version, for all hosts.

A version holds all that the console changes, so that the newest one is what is in force. Versions
are never changed and never removed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, select

from smsgate.domain.errors import ConfigurationChanged
from smsgate.records.console_tables import configuration_versions
from smsgate.records.database import Database
from smsgate.records.reader import rows_of
from smsgate.records.saved_versions import before_version, save_next


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
    """The versions. Every method raises ``RecordsUnavailable``."""

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
        query = before_version(query, _table, before)
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
        row = {**asdict(saved), "changed": f" {' '.join(saved.changed)} "}
        if not save_next(self._database, _table, row):
            raise ConfigurationChanged(
                "Someone else saved a change of the configuration at the same moment: look at "
                "what is there now, and save again."
            )

    def _read(self, query: Select[Any]) -> list[ConfigurationVersion]:
        return [
            ConfigurationVersion(version, content, tuple(changed.split()), author, saved_us, note)
            for version, content, changed, author, saved_us, note in rows_of(self._database, query)
        ]
