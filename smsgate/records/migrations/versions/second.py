"""Tables that are no records but must outlive Redis as well: API keys, feeds and their calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LOOKUP = 200


def upgrade() -> None:
    """Make the tables and their indexes."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(_LOOKUP), nullable=False),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.String(_LOOKUP), nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("digest", name="api_keys_digest"),
    )
    op.create_index("api_keys_name", "api_keys", ["name"])
    _make_feeds()


def _make_feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("program", sa.String(_LOOKUP), primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("sender", sa.String(64), nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("program", sa.String(_LOOKUP), nullable=False),
        sa.Column("number", sa.String(_LOOKUP), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("due_us", sa.BigInteger, nullable=False),
        sa.Column("dead", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("calls_due", "calls", ["program", "dead", "due_us"])
    op.create_index("calls_number", "calls", ["program", "number", "seq"])
