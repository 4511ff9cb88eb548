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
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    for table in _ONCE:
        _sqlite_trigger(table, "UPDATE", "", f"a row of {table} is never changed")
    for table in _FOREVER:
        _sqlite_trigger(table, "DELETE", "", f"a row of {table} is never removed")
    for table, announced in _ANNOUNCED.items():
        message = f"a row of {table} goes only after its removal was recorded"
        _sqlite_trigger(table, "DELETE", f"WHEN NOT {announced}", message)


def _sqlite_trigger(table: str, action: str, condition: str, message: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION records_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a row of % is never changed or removed', TG_TABLE_NAME; END $$"
    )
    for table in _ONCE:
        _postgresql_trigger(table, "UPDATE", "EACH ROW", "records_refuse")
    for table in _FOREVER:
        _postgresql_trigger(table, "DELETE", "EACH ROW", "records_refuse")
    for table in (*_ONCE, "heads"):
        _postgresql_trigger(table, "TRUNCATE", "EACH STATEMENT", "records_refuse")
    for table, announced in _ANNOUNCED.items():
        op.execute(
            f"CREATE FUNCTION {table}_announced() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {announced} THEN RETURN OLD; END IF; RAISE EXCEPTION "
            f"'a row of {table} goes only after its removal was recorded'; END $$"
        )
        _postgresql_trigger(table, "DELETE", "EACH ROW", f"{table}_announced")


def _postgresql_trigger(table: str, action: str, each: str, function: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
        f"FOR {each} EXECUTE FUNCTION {function}()"
    )
