"""The tables brought to our version. Imported late: Alembic takes a tenth of a second."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

from alembic import command
from alembic.config import Config

from smsgate.domain.errors import RecordsNotReady
from smsgate.records import tables
from smsgate.records.database import CONNECT_S, Database, check_version, version_of

_LOCK = 5_150_073
"""Of PostgreSQL, so that two migrations wait for each other; SQLite's writers do anyway."""


def migrate(database: Database) -> tuple[str, str]:
    """Bring the tables to our version in one transaction; gives the version before and after.

    Raises ``RecordsNotReady`` where they are of another smsgate, ``RecordsUnavailable``.
    """
    if database.file is not None:
        database.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(OSError, sqlite3.Error):  # the transaction says better what is wrong
            database.file.touch(mode=0o600)
            _turn_to_wal(database.file)
    with database.writing(make=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
            if encoding != "UTF8":
                raise RecordsNotReady(
                    f"the database has the encoding {encoding}, in which not every text can be "
                    "written; the records need UTF8: make another one, `createdb --encoding=UTF8 "
                    "--template=template0 NAME`, and name it in DATABASE_URL"
                )
        if before := version_of(connection):
            check_version(connection)
        else:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", "smsgate.records:migrations")
            command.upgrade(config, tables.VERSION)
    return before, tables.VERSION


def _turn_to_wal(file: Path) -> None:
    """Let readers and writers share a new file.

    SQLite lets nobody wait for another process that does so at this moment.
    """
    ends = time.monotonic() + CONNECT_S
    with closing(sqlite3.connect(file)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL").close()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                    raise
                Event().wait(0.01)
            else:
                return
