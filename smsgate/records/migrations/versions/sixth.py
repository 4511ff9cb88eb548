"""An API key may be limited to programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the keys that there are stay for every program."""
    op.add_column(
        "api_keys", sa.Column("programs", sa.Text, nullable=False, server_default=sa.text("''"))
    )
