"""Opt-outs, locks and consents say which system an imported list has them from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smsgate.records.projection_fill import fill_external_sources, fill_memberships

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_LOOKUP = 200


def upgrade() -> None:
    """Add the column, and fill it from the events; the whole table where it is new."""
    op.add_column(
        "memberships",
        sa.Column(
            "external_source",
            sa.String(_LOOKUP),
            nullable=False,
            server_default=sa.text("''"),
        ),
    )
    connection = op.get_bind()
    any_row = sa.select(sa.literal(1)).select_from(sa.table("memberships")).limit(1)
    if connection.scalar(any_row):
        fill_external_sources(connection)
    else:
        fill_memberships(connection)
    from_outside = sa.text("external_source <> ''")
    op.create_index(
        "memberships_external",
        "memberships",
        ["external_source", "state", "scope", "since_us", "number"],
        sqlite_where=from_outside,
        postgresql_where=from_outside,
    )
