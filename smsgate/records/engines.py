"""From ``DATABASE_URL`` to connections: SQLite and PostgreSQL, set up so that nothing is lost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from smsgate.domain.errors import RecordsNotReady

CONNECT_S = 2
"""How long a connection is waited for: `/readyz` waits for it too."""
PATIENCE_S = 5
"""How long another writer's transaction is waited for."""
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # on disk before the ledger is trimmed
    f"PRAGMA busy_timeout = {PATIENCE_S * 1000}",
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
_ENCODING = "UTF8"


def url_of(text: str) -> URL:
    """The URL with the driver that smsgate uses. Raises ``RecordsNotReady`` for what is none."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise RecordsNotReady("DATABASE_URL is no URL of a database") from error
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url.set(drivername="sqlite+pysqlite")


def open_engine(url: URL) -> Engine:
    """An engine that connects on first use. Raises ``RecordsNotReady`` where a driver is missing.

    On SQLite whoever uses it begins transactions by statements of their own.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
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


def refuse_encoding(connection: Connection) -> None:
    """Raise ``RecordsNotReady`` where a PostgreSQL database cannot hold every text."""
    driver: Any = connection.connection.driver_connection
    encoding = driver.info.parameter_status("server_encoding")
    if encoding != _ENCODING:
        raise RecordsNotReady(
            f"the database has the encoding {encoding}, in which not every text can be written; "
            f"the records need {_ENCODING}: make another one, `createdb --encoding=UTF8 "
            "--template=template0 NAME`, and name it in DATABASE_URL"
        )


def _set_up_sqlite(connection: Any, _: Any) -> None:  # noqa: ANN401 - the driver's own
    connection.isolation_level = None  # BEGIN is ours to say
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()
