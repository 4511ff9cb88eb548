"""Ordinary texts may be kept longer than the store has them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LOOKUP = 200
_PARTITIONS = 16


def upgrade() -> None:
    """Make the tables; a row of each partition is there to be locked."""
    op.create_table(
        "ordinary_texts",
        sa.Column("number", sa.String(_LOOKUP), primary_key=True),
        sa.Column("at_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ordinary_texts_at", "ordinary_texts", ["at_us"])
    places = op.create_table(
        "ordinary_places",
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
    )
    rows = [{"lane": lane, "place": "", "since_us": 0} for lane in range(_PARTITIONS)]
    op.bulk_insert(places, rows)
