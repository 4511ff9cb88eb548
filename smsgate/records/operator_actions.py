"""What was done about signing in and about operators: a log that only grows.

It is no part of the ledger, which is about numbers and their consent, and it has no chain.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from smsgate.records.console_tables import operator_actions
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert
from smsgate.records.schema import check


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done, by whom, and about whom."""

    id: str
    """Sorts by time; one that is kept twice is one action, which moved to its newest time."""
    at_us: int
    operator: str
    """Whom it is about, by name; empty where nobody has that name."""
    actor: str
    what: str
    note: str = ""
    address: str = ""


class Actions:
    """Reads and adds. Raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, action: Action) -> None:
        """Keep an action."""
        with self._database.writing() as connection:
            check(connection)
            keep(connection, action)

    def newest(self, before: str, most: int) -> list[Action]:
        """The newest first, older than the one with the id ``before`` (empty: from the newest)."""
        asked = select(*[operator_actions.c[name] for name in Action.__slots__])
        if before:
            asked = asked.where(operator_actions.c.id < before)
        asked = asked.order_by(operator_actions.c.id.desc()).limit(most)
        with self._database.reading() as connection:
            check(connection)
            return [Action(*row) for row in connection.execute(asked)]


def keep(connection: Connection, action: Action) -> None:
    """Keep an action within a transaction that does what it says."""
    row = {name: getattr(action, name) for name in Action.__slots__}
    row["operator"], row["actor"] = lookup(action.operator), lookup(action.actor)
    asked = upsert(connection, operator_actions)
    newer = {"at_us": action.at_us, "address": action.address}
    asked = asked.on_conflict_do_update(index_elements=["id"], set_=newer)
    connection.execute(asked, [row])
