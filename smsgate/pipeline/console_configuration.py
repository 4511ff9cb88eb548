"""What the console changes of programs and accounts, as a process finds it.

The records have it. What was found there is kept in the data directory, so that a process also
starts while the records are away.
"""

from __future__ import annotations

from pathlib import Path

from smsgate.domain.errors import (
    ConfigurationError,
    Fault,
    RecordsNotReady,
    RecordsUnavailable,
)
from smsgate.files import replace_file
from smsgate.records import Records
from smsgate.settings.console import PLACE, parse_tables

FILE = "console-configuration.toml"
"""In the data directory."""
MAY_BE_OLD = "the console's programs and accounts are those that were read last"
"""The beginning of the warning that the records could not be asked for newer ones."""


def read_console_tables(
    records: Records, data_dir: Path
) -> tuple[dict[str, dict[str, object]], list[str], list[Fault]]:
    """Return what the console sets by table, warnings, and faults of what it saved.

    Never fails: without the records it is what was found last.
    """
    path, warnings = data_dir / FILE, list[str]()
    try:
        records.check()
        newest = records.configuration_versions.newest()
        content = newest.content if newest else ""
    except RecordsUnavailable as error:
        content = _kept(path)
        if content or not isinstance(error, RecordsNotReady):
            warnings.append(f"{MAY_BE_OLD}, and may be old: {error}")
    else:
        warnings += _keep(path, content)
    try:
        return tables_of(content), warnings, []
    except ConfigurationError as error:
        return {}, warnings, list(error.faults)


def tables_of(content: str) -> dict[str, dict[str, object]]:
    """Return the tables of a version. Raises ``ConfigurationError`` where somebody damaged it."""
    try:
        return parse_tables(content)
    except ValueError as error:
        problem = (
            f"what it saved cannot be read ({error}): restore the table configuration_versions of "
            "the records from a backup"
        )
        raise ConfigurationError([Fault(PLACE, "configuration", problem)]) from error


def _kept(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError):  # what cannot be read is as if it were not there
        return ""


def _keep(path: Path, content: str) -> list[str]:
    """Keep it in the data directory; return a warning where that fails."""
    if _kept(path) == content:
        return []
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, content)
    except OSError as error:
        problem = (
            f"the console's programs and accounts cannot be kept in {path} ({error.strerror}): "
            "they will be missing at a start while the records are away"
        )
        return [problem]
    return []
