"""Imported lists: which events of lists are about a number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; no list was imported before it."""
    op.create_table(
        "listed",
        sa.Column("number", sa.String(200), primary_key=True),
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("listed_event", "listed", ["lane", "seq"])
