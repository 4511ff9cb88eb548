"""Raising the tables to our version. Apart from the rest, since Alembic takes long to import."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from smsgate.records import tables
from smsgate.records.database import Database, check_version, version_of
from smsgate.records.engines import refuse_encoding

_LOCK = 5_150_073
"""Of PostgreSQL, so that two migrations wait for each other; SQLite's writers do anyway."""


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
        if not before and connection.dialect.name == "postgresql":
            refuse_encoding(connection)
        if before and before not in tables.KNOWN:
            check_version(connection)
        if before != tables.VERSION:
            command.upgrade(_alembic(connection), tables.VERSION)
    return before, tables.VERSION


def _alembic(connection: Connection) -> Config:
    config = Config()
    folder = resources.files(__package__).joinpath("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
