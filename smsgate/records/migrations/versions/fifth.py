"""What a number agreed to and its locks are found without looking at all that it ever texted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index, over the few events that it is about."""
    told = sa.text("kind IN ('consent', 'opt_in', 'lock')")
    op.create_index(
        "events_told",
        "events",
        ["number", "received_us"],
        sqlite_where=told,
        postgresql_where=told,
    )
