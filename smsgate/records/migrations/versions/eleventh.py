"""Operators may sign in by a provider of OpenID Connect."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the e-mail address and the subject at the provider; nobody has one yet."""
    for name, length in (("email", 200), ("subject", 64)):
        op.add_column(
            "operators",
            sa.Column(name, sa.String(length), nullable=False, server_default=sa.text("''")),
        )
