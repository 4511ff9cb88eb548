"""Questions to the records: their rows, or none where the SQLite file was never made.

Both raise ``RecordsUnavailable``, and ``RecordsNotReady`` where the tables are not of our version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from sqlalchemy import Select

from smsgate.records.database import Database
from smsgate.records.schema import check

Row: TypeAlias = Any
"""A row of the database; its types are the query's."""
_PAGE = 2_000
"""Rows that are fetched at once."""


def rows_of(database: Database, asked: Select[Any]) -> list[Row]:
    """All rows of an answer, for one that is short."""
    if database.absent:
        return []
    with database.reading() as connection:
        check(connection)
        return [*connection.execute(asked)]


def stream_of(database: Database, asked: Select[Any]) -> Iterator[Row]:
    """The rows of an answer as they come, for one that may be long; all of one state."""
    if database.absent:
        return
    with database.reading() as connection:
        check(connection)
        streamed = connection.execution_options(yield_per=_PAGE)
        with streamed.execute(asked) as found:
            yield from found
