"""Who may sign in to the console.

No records of consent: rows here change. But an operator is never removed, since the ledger names
them; they end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from smsgate.records import operator_actions as trail
from smsgate.records.asking import rows_of
from smsgate.records.console_tables import operator_links, operators, sessions
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert
from smsgate.records.operator_actions import Action
from smsgate.records.schema import check

FIRST = ""
"""Stands in a link for the operator where it lets somebody become the first one."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator. A time of 0 is never, an empty text is none."""

    id: str
    name: str
    folded: str
    """The name as names are compared: no two differ by case or spelling alone."""
    role: str
    made_us: int
    made_by: str
    password_hash: str = field(default="", repr=False)
    totp_secret: str = field(default="", repr=False)
    """Sealed; see ``gateway/second_factor.py``."""
    totp_step: int = 0
    """The half minute since 1970 of the newest code that was taken; no code is taken twice."""
    recovery: str = field(default="", repr=False)
    """The SHA-256 of each recovery code that is left, as JSON."""
    ended_us: int = 0
    failed: int = 0
    locked_until_us: int = 0


COLUMNS = tuple(operators.c[name] for name in OperatorRow.__slots__)


@dataclass(frozen=True, slots=True)
class Link:
    """Something that lets one set a password, once."""

    digest: bytes
    operator_id: str
    ends_us: int


class Operators:
    """Keeps the operators. All of it raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[OperatorRow]:
        """Every operator by name, those who ended last."""
        asked = select(*COLUMNS).order_by(operators.c.ended_us > 0, operators.c.folded)
        return [OperatorRow(*row) for row in rows_of(self._database, asked)]

    def find(self, folded: str) -> OperatorRow | None:
        """The operator with that folded name."""
        return self._one(operators.c.folded == lookup(folded))

    def by_id(self, id_: str) -> OperatorRow | None:
        """The operator with that id."""
        return self._one(operators.c.id == id_)

    def _one(self, which: ColumnElement[bool]) -> OperatorRow | None:
        with self._database.reading() as connection:
            check(connection)
            row = connection.execute(select(*COLUMNS).where(which)).first()
            return OperatorRow(*row) if row else None

    def swap(self, id_: str, column: str, before: str, after: str) -> None:
        """Put a better hash or seal of the same in place, unless that was changed meanwhile."""
        same = (operators.c.id == id_) & (operators.c[column] == before)
        with self._database.writing() as connection:
            check(connection)
            connection.execute(update(operators).where(same).values({column: after}))

    def update(self, id_: str, values: Mapping[str, Any]) -> None:
        """Change what needs no mention, such as a count."""
        with self._database.writing() as connection:
            check(connection)
            connection.execute(update(operators).where(operators.c.id == id_).values(**values))

    def add(self, row: OperatorRow, action: Action, link: Link) -> bool:
        """Keep a new operator and their link; False where the name is taken."""
        with self._database.writing() as connection:
            check(connection)
            if not _added(connection, row):
                return False
            _replace(connection, link)
            trail.keep(connection, action)
        return True

    def make_first(self, row: OperatorRow, digest: bytes, action: Action) -> bool:
        """Keep the first operator of all, whose link is spent by it.

        False where the link opens nothing, or somebody is there already.
        """
        with self._database.writing() as connection:
            check(connection)
            if not _spent(connection, digest, FIRST, row.made_us) or _any(connection):
                return False
            connection.execute(operators.insert().values(_values(row)))
            trail.keep(connection, action)
        return True

    def change(
        self,
        id_: str,
        values: Mapping[str, Any],
        action: Action,
        *,
        spend: bytes = b"",
        link: Link | None = None,
        end_sessions: bool = True,
    ) -> bool:
        """Change an operator; they are signed out everywhere, unless ``end_sessions`` is False.

        ``spend`` is the digest of a link that is used up by it: where that opens nothing (any
        more), nothing is changed and False is given. ``link`` takes the place of those before.
        """
        with self._database.writing() as connection:
            check(connection)
            if spend and not _spent(connection, spend, id_, action.at_us):
                return False
            if values:
                connection.execute(update(operators).where(operators.c.id == id_).values(**values))
            if link is not None:
                _replace(connection, link)
            if end_sessions:
                connection.execute(delete(sessions).where(sessions.c.operator_id == id_))
            trail.keep(connection, action)
        return True

    def step_down(self, id_: str, values: Mapping[str, Any], action: Action) -> bool:
        """As ``change``, for what may take an admin away; False where nobody else is one.

        Two admins who do so to each other at once do not both succeed.
        """
        able = (operators.c.role == "admin") & (operators.c.ended_us == 0)
        able &= operators.c.password_hash != ""
        with self._database.writing() as connection:
            check(connection)
            admins = {*connection.scalars(select(operators.c.id).where(able).with_for_update())}
            if admins == {id_}:
                return False
            connection.execute(update(operators).where(operators.c.id == id_).values(**values))
            connection.execute(delete(sessions).where(sessions.c.operator_id == id_))
            trail.keep(connection, action)
        return True

    def offer_first(self, link: Link) -> bool:
        """Keep a link for the first operator, instead of those before; False where there is one."""
        with self._database.writing() as connection:
            check(connection)
            if _any(connection):
                return False
            _replace(connection, link)
        return True

    def linked(self, digest: bytes, now_us: int) -> str | None:
        """The id of the operator whose link it is, or ``FIRST``; None where it opens nothing."""
        asked = select(operator_links.c.operator_id).where(
            operator_links.c.digest == digest, operator_links.c.ends_us > now_us
        )
        with self._database.reading() as connection:
            check(connection)
            return connection.scalar(asked)


def _any(connection: Connection) -> bool:
    return connection.execute(select(operators.c.id).limit(1)).first() is not None


def _values(row: OperatorRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in OperatorRow.__slots__}


def _added(connection: Connection, row: OperatorRow) -> bool:
    asked = upsert(connection, operators).on_conflict_do_nothing().returning(operators.c.id)
    return connection.execute(asked.values(_values(row))).first() is not None


def _spent(connection: Connection, digest: bytes, operator_id: str, now_us: int) -> bool:
    """Use a link up: whoever deletes it has it."""
    link = operator_links.c
    mine = (link.digest == digest) & (link.operator_id == operator_id) & (link.ends_us > now_us)
    return connection.execute(delete(operator_links).where(mine)).rowcount == 1


def _replace(connection: Connection, link: Link) -> None:
    same = operator_links.c.operator_id == link.operator_id
    connection.execute(delete(operator_links).where(same))
    values = {name: getattr(link, name) for name in Link.__slots__}
    connection.execute(operator_links.insert().values(values))
