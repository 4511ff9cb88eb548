"""The first tables, and the triggers that refuse to change what was kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LOOKUP = 200
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
    _make_chain()
    _make_contents()
    _make_projections()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _make_chain() -> None:
    op.create_table(
        "links",
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("content_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("event_id", name="links_event_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "heads",
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "removals",
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("part", sa.String(8), primary_key=True),
        sa.Column("removed_by", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("removals_removed_by", "removals", ["removed_by"])


def _make_contents() -> None:
    lookups = ("kind", "outcome", "number", "program", "scope", "source", "actor", "account")
    op.create_table(
        "events",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String(_LOOKUP), nullable=False) for name in lookups),
        sa.Column("message_id", sa.String(_LOOKUP), nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.Column("applied_us", sa.BigInteger, nullable=False),
        sa.Column("committed_us", sa.BigInteger, nullable=False),
        sa.Column("stands", sa.Boolean, nullable=False),
        sa.Column("text_digest", sa.LargeBinary, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_index("events_number", "events", ["number", "received_us"])
    op.create_index("events_kind", "events", ["kind", "received_us"])
    op.create_index("events_received", "events", ["received_us"])
    op.create_index("events_message", "events", ["account", "message_id"])
    op.create_table(
        "texts",
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _make_projections() -> None:
    op.create_table(
        "numbers",
        sa.Column("number", sa.String(_LOOKUP), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("everywhere", sa.Boolean, nullable=False),
        sa.Column("own", sa.Text, nullable=False),
        sa.Column("back", sa.Text, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("consents", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("numbers_event", "numbers", ["lane", "seq"])
    op.create_table(
        "stores",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("buckets", sa.BigInteger, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
    )


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
