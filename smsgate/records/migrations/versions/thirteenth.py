"""Operators may choose a time zone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the name of the zone; nobody has chosen one yet."""
    op.add_column(
        "operators",
        sa.Column("zone", sa.String(64), nullable=False, server_default=sa.text("''")),
    )
