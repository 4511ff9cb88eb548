"""Rows that are versions: each stands on the one before it, from 1 on, and none is ever changed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, Table, func, select

from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert

_MAX_VERSION = 2**31 - 1
"""Above every version, and still a number for every database; pages are asked for more."""
_NUL = "\N{REPLACEMENT CHARACTER}"
"""In place of NUL, which PostgreSQL does not take."""


def before_version(
    query: Select[tuple[object, ...]], table: Table, before: int | None
) -> Select[tuple[object, ...]]:
    """Only the versions before that one; all of them without one."""
    if before is None:
        return query
    return query.where(table.c.version < min(max(before, 0), _MAX_VERSION))


def save_next(
    database: Database, table: Table, row: dict[str, object], *of: ColumnElement[bool]
) -> bool:
    """Add a version; False, and nothing is written, where it is not the next one.

    ``row`` has a ``version``, and as text its ``content``, ``note`` and ``author``. ``of`` are the
    conditions for the versions that it stands on; none: all of the table.
    """
    texts = {name: str(row[name]).replace("\0", _NUL) for name in ("content", "note")}
    row = row | texts | {"author": lookup(str(row["author"]))}
    with database.writing() as connection:
        newest = connection.scalar(select(func.max(table.c.version)).where(*of)) or 0
        if row["version"] != newest + 1:
            return False
        adding = upsert(connection, table).values(row).on_conflict_do_nothing()
        # PostgreSQL lets two add the same version at once: the conflict stops the second.
        return connection.scalar(adding.returning(table.c.version)) is not None
