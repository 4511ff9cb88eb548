"""The console: who may sign in and what they did there, keyword sets, trainings, daily counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LOOKUP = 200


def upgrade() -> None:
    """Make the tables and their indexes; there was no console before them."""
    _make_operators()
    _make_sessions()
    _make_others()
    by_hand = sa.text("source = 'operator'")
    op.create_index(
        "events_by_hand",
        "events",
        ["received_us"],
        sqlite_where=by_hand,
        postgresql_where=by_hand,
    )


def _make_operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(_LOOKUP), nullable=False),
        sa.Column("folded", sa.String(_LOOKUP), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("totp_secret", sa.Text, nullable=False),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("recovery", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.String(_LOOKUP), nullable=False),
        sa.Column("ended_us", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("locked_until_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("folded", name="operators_folded"),
    )
    op.create_table(
        "operator_links",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("operator_id", sa.String(64), nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "operator_actions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("operator", sa.String(_LOOKUP), nullable=False),
        sa.Column("actor", sa.String(_LOOKUP), nullable=False),
        sa.Column("what", sa.String(_LOOKUP), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("address", sa.String(_LOOKUP), nullable=False),
    )


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("operator_id", sa.String(64), nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
        sa.Column("proved_us", sa.BigInteger, nullable=False),
        sa.Column("half", sa.Boolean, nullable=False),
        sa.Column("browser", sa.String(_LOOKUP), nullable=False),
        sa.Column("address", sa.String(_LOOKUP), nullable=False),
    )
    op.create_index("sessions_operator", "sessions", ["operator_id"])


def _make_others() -> None:
    op.create_table(
        "keyword_versions",
        sa.Column("set_name", sa.String(_LOOKUP), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("author", sa.String(_LOOKUP), nullable=False),
        sa.Column("saved_us", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("operator", sa.String(_LOOKUP), nullable=False),
        sa.Column("version", sa.String(_LOOKUP), nullable=False),
        sa.Column("taken_us", sa.BigInteger, nullable=False),
        sa.Column("right_count", sa.BigInteger, nullable=False),
        sa.Column("asked_count", sa.BigInteger, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
    )
    op.create_index("trainings_operator", "trainings", ["operator", "taken_us"])
    op.create_table(
        "days",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("what", sa.String(64), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
