"""The version of the tables: checked at every use, raised by ``migrating.py`` alone."""

from __future__ import annotations

from sqlalchemy import Connection, column, inspect, select, table

from smsgate.domain.errors import RecordsNotReady

VERSION = "0006"
"""The newest migration of ``migrations/versions``."""
VERSION_TABLE = "records_version"
"""Not Alembic's usual name, which another application in the same database may use."""
MIGRATE = "`smsgate records migrate`"
_table = table(VERSION_TABLE)
KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006")


def version_of(connection: Connection) -> str:
    """The version of the tables; empty where there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return str(connection.scalar(select(column("version_num")).select_from(_table)) or "")


def check(connection: Connection) -> None:
    """Raise ``RecordsNotReady`` unless the tables have our version; say what mends it."""
    found = version_of(connection)
    if found == VERSION:
        return
    if not found:
        raise RecordsNotReady(f"the database has no tables for the records yet: run {MIGRATE}")
    if found in KNOWN:
        raise RecordsNotReady(
            f"the records have version {found} and this smsgate needs {VERSION}: run {MIGRATE}"
        )
    raise RecordsNotReady(
        f"the records have version {found}, made by another smsgate than this one, which knows "
        f"{VERSION}: run that smsgate, or a newer one"
    )
