"""Opening the database, transactions, and turning its errors into ours."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import (
    URL,
    ClauseElement,
    Connection,
    Engine,
    Table,
    column,
    event,
    inspect,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.records import tables
from smsgate.records.engines import open_engine, url_of

Row: TypeAlias = dict[str, Any]
_PATIENT = (
    # A writer that hangs in the middle must not hold the others for ever.
    "SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
)
_WRITES = "smsgate_writes"
_table = table(tables.VERSION_TABLE)


def version_of(connection: Connection) -> str:
    """The version of the tables; empty where there are none."""
    if not inspect(connection).has_table(tables.VERSION_TABLE):
        return ""
    return str(connection.scalar(select(column("version_num")).select_from(_table)) or "")


def check_version(connection: Connection) -> None:
    """Raise ``RecordsNotReady`` unless the tables have our version; say what mends it."""
    found = version_of(connection)
    if found == tables.VERSION:
        return
    if not found:
        raise RecordsNotReady(
            f"the database has no tables for the records yet: run {tables.MIGRATE}"
        )
    if found in tables.OLD:
        raise RecordsNotReady(
            "the database has the records of smsgate 0.1 or 0.2, which 0.3 does not read; nothing "
            "was changed: give it a new database, and take the opt-outs along as "
            "docs/upgrading.md says"
        )
    if found in tables.KNOWN:
        raise RecordsNotReady(
            f"the records have version {found} and this smsgate needs {tables.VERSION}: "
            f"run {tables.MIGRATE}"
        )
    raise RecordsNotReady(
        f"the records have version {found}, made by another smsgate than this one, which knows "
        f"{tables.VERSION}: run that smsgate, or a newer one"
    )


class Database:
    """One database: a SQLite file or a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        """Keep the URL (SQLAlchemy's form); connects on first use."""
        self._text = url
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._inode = 0

    @functools.cached_property
    def _url(self) -> URL:
        return url_of(self._text)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None with PostgreSQL."""
        url = self._url
        if url.get_backend_name() != "sqlite":
            return None
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise RecordsNotReady(
                "DATABASE_URL names a database in memory, which keeps nothing: name a file, "
                "sqlite:////var/lib/smsgate/records.sqlite3"
            )
        return Path(url.database)

    @property
    def place(self) -> str:
        """Where it is, without secrets."""
        url = self._url
        plain = url.set(drivername=url.get_backend_name(), query={})
        return plain.render_as_string(hide_password=True)

    @property
    def absent(self) -> bool:
        """Whether the SQLite file was never made, so that there is nothing to read.

        Raises ``RecordsUnavailable`` where that cannot be told.
        """
        return self.file is not None and not _is_there(self.file)

    def refuse_absent(self) -> None:
        """Raise ``RecordsNotReady`` where the SQLite file was never made."""
        if self.absent:
            raise RecordsNotReady(
                f"there are no records at {self.file} yet: run `smsgate records migrate`"
            )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state from its first question on.

        Raises ``RecordsUnavailable``, and ``RecordsNotReady`` where the tables are not of our
        version.
        """
        with translated(), self._opened().connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            check_version(connection)
            yield connection

    @contextmanager
    def checking(self) -> Iterator[Connection]:
        """Like ``reading``, but also read text that is not valid UTF-8."""
        with self.reading() as connection:
            driver: Any = connection.connection.driver_connection
            if connection.dialect.name == "sqlite":
                driver.text_factory = lambda raw: raw.decode(errors="replace")
            try:
                yield connection
            finally:
                if connection.dialect.name == "sqlite":
                    driver.text_factory = str

    @contextmanager
    def writing(self, *, make: bool = False) -> Iterator[Connection]:
        """A transaction that writes, committed at its end.

        Raises ``RecordsUnavailable``, and ``RecordsNotReady`` where the tables are not of our
        version. Only with ``make``, for a migration, neither tables nor the SQLite file need be
        there: a file that was moved away must not be begun anew by itself.
        """
        if not make:
            self.refuse_absent()
        elif self.file is not None:
            with suppress(OSError):  # SQLite says better what is wrong
                self.file.touch(mode=0o600)  # it holds people's texts
        with translated(), self._opened().connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(_PATIENT)
                if not make:
                    check_version(connection)
                yield connection

    def tidy(self) -> None:
        """Let nothing that was deleted stay in SQLite's log; PostgreSQL vacuums by itself."""
        if self.file is not None:
            with translated(), self._opened().connect() as connection:
                # By the driver itself, which is in no transaction.
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _end_late(self, engine: Engine) -> Callable[[Any, Any], None]:
        """What closes a connection that comes back when its engine is gone.

        A reader that is dropped half read gives it back whenever it is collected.
        """

        def end(connection: Any, _: Any) -> None:  # noqa: ANN401 - the driver's own
            if self._engine is not engine and connection is not None:
                connection.close()

        return end

    def _opened(self) -> Engine:
        file = self.file
        inode = file.stat().st_ino if file is not None and _is_there(file) else 0
        with self._lock:
            if self._engine is not None and inode != self._inode:
                # Another file has its place: what went into the old one would be gone with it.
                self._engine.dispose()
                self._engine = None
            if self._engine is None:
                self._engine, self._inode = open_engine(self._url), inode
                if file is not None:
                    event.listen(self._engine, "begin", _begin_sqlite)
                    event.listen(self._engine, "checkin", self._end_late(self._engine))
            return self._engine


class DatabasePart:
    """What reads or writes some tables of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database


def _is_there(file: Path) -> bool:
    """Whether the SQLite file is there. Raises ``RecordsUnavailable``."""
    try:
        file.stat()  # Path.exists says False, from Python 3.14 on, where this user may not know
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise RecordsUnavailable(
            f"the records {file} cannot be read ({error.strerror}): run smsgate as the user who "
            "owns their directory, or give this user access to it"
        ) from error
    return True


def lookup(text: str) -> str:
    """A text as a key: PostgreSQL takes no NUL, and no long key."""
    if len(text) <= tables.LOOKUP and "\0" not in text:
        return text
    return text[: tables.LOOKUP].replace("\0", "\N{REPLACEMENT CHARACTER}")


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what is done where the row is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def put(connection: Connection, insertion: ClauseElement, rows: Sequence[Row]) -> None:
    """Insert rows (by column) straight through the driver.

    SQLAlchemy's own way with values takes longer than SQLite.
    """
    statement = insertion.compile(dialect=connection.dialect)
    order = getattr(statement, "positiontup", None)
    values = [*map(itemgetter(*order), rows)] if order else [*rows]
    connection.exec_driver_sql(str(statement), values)


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``RecordsUnavailable`` for whatever the database or the way to it says is wrong."""
    try:
        yield
    except SQLAlchemyError as error:
        # Without the statement and its values, which are numbers and texts.
        said = str(getattr(error, "orig", None) or type(error).__name__).strip()
        raise RecordsUnavailable(f"the records cannot be used: {said.splitlines()[0]}") from error
    except UnicodeDecodeError as error:  # SQLite's complaint quotes what is damaged
        raise RecordsUnavailable("the records cannot be used: the file is damaged") from error


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at once, instead of failing when another one wrote meanwhile."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
