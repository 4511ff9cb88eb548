"""Opt-outs, locks and consents as rows, to list and count them by an index; the audit log's too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LOOKUP = 200


def upgrade() -> None:
    """Make the table and its indexes; 0015, from which on it has all columns, fills it."""
    op.create_table(
        "memberships",
        sa.Column("number", sa.String(_LOOKUP), primary_key=True),
        sa.Column("state", sa.String(16), primary_key=True),
        sa.Column("scope", sa.String(_LOOKUP), primary_key=True),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(_LOOKUP), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("tail", sa.String(4), nullable=False),
        sqlite_with_rowid=False,
    )
    since = ["state", "scope", "since_us", "number", "source"]
    op.create_index("memberships_since", "memberships", since)
    tail = ["tail", "state", "scope", "since_us", "number"]
    op.create_index("memberships_tail", "memberships", tail)
    by_hand = sa.text("source = 'operator'")
    op.create_index(
        "events_by_actor",
        "events",
        ["actor", "received_us"],
        sqlite_where=by_hand,
        postgresql_where=by_hand,
    )
    op.create_index("operator_actions_at", "operator_actions", ["at_us"])
    op.create_index("operator_actions_actor", "operator_actions", ["actor", "at_us"])
