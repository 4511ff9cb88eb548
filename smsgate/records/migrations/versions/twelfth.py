"""Operators may have passkeys as a second factor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; a session may have a challenge from now on."""
    op.create_table(
        "passkeys",
        sa.Column("credential_id", sa.LargeBinary, primary_key=True),
        sa.Column("operator_id", sa.String(64), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("used_us", sa.BigInteger, nullable=False),
    )
    op.create_index("passkeys_operator", "passkeys", ["operator_id"])
    op.add_column("sessions", sa.Column("challenge", sa.LargeBinary))
    op.add_column("sessions", sa.Column("challenge_ends_us", sa.BigInteger))
