"""The version of the tables: checked at every use, raised by migrations alone."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from smsgate.errors import RecordsNotReady
from smsgate.records.database import Database

VERSION = "0001"
"""The newest migration of ``migrations/versions``."""
MIGRATE = "`smsgate records migrate`"
_KNOWN = ("0001",)
_LOCK = 5_150_073
"""Of PostgreSQL, so that two migrations wait for each other; SQLite's writers do anyway."""


def version_of(connection: Connection) -> str:
    """The version of the tables; empty where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def check(connection: Connection) -> None:
    """Raise ``RecordsNotReady`` unless the tables have our version; say what mends it."""
    found = version_of(connection)
    if found == VERSION:
        return
    if not found:
        raise RecordsNotReady(f"the database has no tables for the records yet: run {MIGRATE}")
    if found in _KNOWN:
        raise RecordsNotReady(
            f"the records have version {found} and this smsgate needs {VERSION}: run {MIGRATE}"
        )
    raise RecordsNotReady(
        f"the records have version {found}, made by another smsgate than this one, which knows "
        f"{VERSION}: run that smsgate, or a newer one"
    )


def migrate(database: Database) -> tuple[str, str]:
    """Bring the tables to our version in one transaction; gives the version before and after.

    Raises ``RecordsNotReady`` where they are newer than this smsgate, ``RecordsUnavailable``.
    """
    if database.file is not None:
        database.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with database.writing(make=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = version_of(connection)
        if before and before not in _KNOWN:
            check(connection)
        if before != VERSION:
            command.upgrade(_alembic(connection), VERSION)
    return before, VERSION


def _alembic(connection: Connection) -> Config:
    config = Config()
    folder = resources.files(__package__).joinpath("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
