"""The console changes programs and accounts: each change is a version of all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; the console changed nothing before it."""
    op.create_table(
        "configuration_versions",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("saved_us", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
