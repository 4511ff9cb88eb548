"""How many opt-outs there were on each day, by program, sender, source and keyword."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smsgate.records.projection_fill import fill_opt_outs_by_day

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LOOKUP = 200


def upgrade() -> None:
    """Make the table, and count the events that are recorded already."""
    op.create_table(
        "opt_outs_by_day",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("program", sa.String(_LOOKUP), primary_key=True),
        sa.Column("sender", sa.String(_LOOKUP), primary_key=True),
        sa.Column("source", sa.String(_LOOKUP), primary_key=True),
        sa.Column("keyword", sa.String(_LOOKUP), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    fill_opt_outs_by_day(op.get_bind())
