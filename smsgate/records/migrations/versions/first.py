"""The tables of 0.3, and the triggers that refuse to change what was kept.

Amended until 0.3.0 is released; from then on each change is a migration of its own.
"""

from __future__ import annotations

from alembic import op

from smsgate.records import tables

revision = tables.VERSION
down_revision = None
branch_labels = None
depends_on = None

_FOREVER = ("links", "removals", "stores")
"""Nothing of these is ever removed."""
_ONCE = ("links", "events", "texts", "removals", "stores")
"""No row of these is ever changed."""
_ANNOUNCED = {
    "events": "EXISTS (SELECT 1 FROM removals WHERE event_id = OLD.id AND part = 'event')",
    "texts": "EXISTS (SELECT 1 FROM removals WHERE event_id = OLD.event_id)",
}
"""What must be written before a row of these may go."""


def upgrade() -> None:
    """Make tables, indexes and triggers."""
    tables.metadata.create_all(op.get_bind())
    for table in _ONCE:
        _refuse(table, "UPDATE", "true", f"a row of {table} is never changed")
    for table in _FOREVER:
        _refuse(table, "DELETE", "true", f"a row of {table} is never removed")
    for table, announced in _ANNOUNCED.items():
        message = f"a row of {table} goes only after its removal was recorded"
        _refuse(table, "DELETE", f"NOT {announced}", message)
    if op.get_bind().dialect.name == "postgresql":
        for table in (*_ONCE, "heads"):
            _refuse(table, "TRUNCATE", "true", f"{table} is never emptied", "STATEMENT")


def _refuse(table: str, action: str, condition: str, message: str, each: str = "ROW") -> None:
    """A trigger that refuses the action on a table where the condition holds."""
    name = f"{table}_no_{action.lower()}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {action} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{message}'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {action} ON {table} "
        f"FOR EACH {each} EXECUTE FUNCTION {name}()"
    )
