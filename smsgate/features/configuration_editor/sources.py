"""What ``smsgate.toml`` and the console say, with a change that is not saved yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smsgate.settings.console import ConsoleTables, file_table, is_whole
from smsgate.settings.shape import AccountTable, EmailTable, ProgramTable

_DEFAULTS: Mapping[str, Mapping[str, object]] = {
    heading: {
        name: field.default for name, field in table.model_fields.items() if not field.is_required()
    }
    for heading, table in (
        ("programs", ProgramTable),
        ("accounts", AccountTable),
        ("alerts", EmailTable),  # the other destinations have no key with a default
    )
}


@dataclass(frozen=True, slots=True)
class ConfigurationSources:
    """What file and console say at a moment."""

    file: Mapping[str, object]
    tables: ConsoleTables
    """What the console sets."""
    version: int
    """The console's newest version; 0 where it never changed anything."""

    def effective(self, table: str) -> dict[str, object] | None:
        """Return the keys of a table as they are in force; None where there is no such table."""
        in_file, in_console = file_table(self.file, table), self.tables.get(table)
        if in_file is None and (in_console is None or not is_whole(table, in_console)):
            return None
        return {**(in_file or {}), **(in_console or {})}

    def names(self, heading: str) -> list[str]:
        """Return the names of all programs, or of all accounts."""
        below = self.file.get(heading)
        in_file = [f"{heading}.{name}" for name in below] if isinstance(below, dict) else []
        every = dict.fromkeys([*in_file, *self.tables])
        return [
            table.partition(".")[2]
            for table in every
            if table.startswith(f"{heading}.") and self.effective(table) is not None
        ]

    def with_keys(self, table: str, values: Mapping[str, object]) -> dict[str, object] | None:
        """Return what the console must set so that these keys have these values.

        Keys that say the same as the file, or as nothing at all, are not set. None: nothing is.
        """
        in_file = file_table(self.file, table)
        heading = table.partition(".")[0]
        wanted = {**self.tables.get(table, {}), **values}
        # A provider's key that is empty says as much as one that is not there.
        known: dict[str, object] = dict.fromkeys(wanted, "") if heading == "accounts" else {}
        known |= {**_DEFAULTS[heading], **(in_file or {})}
        kept = {
            key: value for key, value in wanted.items() if key not in known or known[key] != value
        }
        return kept or None

    def with_change(self, change: ConfigurationChange) -> ConfigurationSources:
        """Return the same with a change that is not saved."""
        tables = {**self.tables, **change.tables}
        kept = {name: values for name, values in tables.items() if values}
        return ConfigurationSources(self.file, kept, self.version)


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """What somebody wants to save."""

    tables: Mapping[str, Mapping[str, object] | None]
    """By table all that the console sets of it from then on; None: nothing."""
    base: int
    """The version that its author saw."""
