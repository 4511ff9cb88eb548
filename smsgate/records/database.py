"""The database: SQLite or PostgreSQL, its transactions, and its errors turned into ours."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import (
    URL,
    ClauseElement,
    Connection,
    Engine,
    Table,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.records import tables

Row: TypeAlias = dict[str, Any]
Value = TypeVar("Value")
CONNECT_S = 2
"""How long a connection is waited for: `/readyz` waits for it too."""
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # on disk before the ledger is trimmed
    "PRAGMA busy_timeout = 5000",  # ms, for another writer's transaction
    "PRAGMA secure_delete = ON",  # what was erased must not lie about in free pages
)
_POSTGRESQL = {
    "connect_timeout": CONNECT_S,
    "application_name": "smsgate",
    "client_encoding": "utf8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_PATIENT = (
    # A writer that hangs in the middle must not hold the others for ever.
    "SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
)
_WRITES = "smsgate_writes"
_AT_ONCE = 5_000
_table = table(tables.VERSION_TABLE)


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
        """With the driver that smsgate uses. Raises ``RecordsNotReady`` for what is no URL."""
        try:
            url = make_url(self._text)
        except ArgumentError as error:
            raise RecordsNotReady("DATABASE_URL is no URL of a database") from error
        if url.get_backend_name() in ("postgresql", "postgres"):
            return url.set(drivername="postgresql+psycopg")
        return url.set(drivername="sqlite+pysqlite")

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
        return self.file is not None and not _inode_of(self.file)

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

    def _opened(self) -> Engine:
        inode = _inode_of(self.file) if self.file is not None else 0
        with self._lock:
            if self._engine is not None and inode != self._inode:
                # Another file has its place: what went into the old one would be gone with it.
                self._engine.dispose()
                self._engine = None
            if self._engine is None:
                self._engine, self._inode = _open_engine(self._url), inode
                late = functools.partial(self._close_late, self._engine)
                event.listen(self._engine, "checkin", late)
            return self._engine

    def _close_late(self, engine: Engine, connection: Any, _: Any) -> None:  # noqa: ANN401
        """Close a connection whose engine is gone: of a reader that was dropped half read."""
        if self._engine is not engine and connection is not None:
            connection.close()


class DatabasePart:
    """What reads or writes some tables of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database


def _open_engine(url: URL) -> Engine:
    """An engine that connects on first use. Raises ``RecordsNotReady`` without its driver."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args=_POSTGRESQL
        )
    except ModuleNotFoundError as error:
        raise RecordsNotReady(
            "DATABASE_URL names PostgreSQL, and its driver is not installed: "
            "pip install 'smsgate[postgres]'"
        ) from error


def _set_up_sqlite(connection: Any, _: Any) -> None:  # noqa: ANN401 - the driver's own
    connection.isolation_level = None  # BEGIN is ours to say
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at once, instead of failing when another one wrote meanwhile."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _inode_of(file: Path) -> int:
    """The inode of the SQLite file; 0 where there is none. Raises ``RecordsUnavailable``."""
    try:
        return file.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        raise RecordsUnavailable(
            f"the records {file} cannot be read ({error.strerror}): run smsgate as the user who "
            "owns their directory, or give this user access to it"
        ) from error


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
            "the database has no tables for the records yet: run `smsgate records migrate`"
        )
    if found in tables.OLD:
        raise RecordsNotReady(
            "the database has the records of smsgate 0.1 or 0.2, which 0.3 does not read; nothing "
            "was changed: give it a new database, and take the opt-outs along as "
            "docs/upgrading.md says"
        )
    raise RecordsNotReady(
        f"the records have version {found}, made by another smsgate than this one, which knows "
        f"{tables.VERSION}: run that smsgate, or a newer one"
    )


def lookup(text: str) -> str:
    """A text as a key: PostgreSQL takes no NUL, and no long key."""
    if len(text) <= tables.LOOKUP and "\0" not in text:
        return text
    return text[: tables.LOOKUP].replace("\0", "\N{REPLACEMENT CHARACTER}")


def batches(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """The values of a question in parts, each below SQLite's bound of variables."""
    for at in range(0, len(values), _AT_ONCE):
        yield values[at : at + _AT_ONCE]


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
