"""The tables of the console, as ``tables.py`` has the others: no records, and no texts in them.

======================  ====================  =====================================================
table                   key                   holds
======================  ====================  =====================================================
operators               id; folded; email     who may sign in
single_use              digest                links for a password, recovery codes, challenges
operator_actions        id                    what was done about signing in and people; only grows
sessions                digest                who is signed in where, and until when
credentials             id                    passkeys and authenticator apps
content_versions        kind, name, version   keyword sets and replies as saved, version by version
days                    day, what             how often a thing happened on a day (UTC)
======================  ====================  =====================================================
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from smsgate.records.tables import ID, LOOKUP, metadata

operators = Table(
    "operators",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("name", String(LOOKUP), nullable=False),
    Column("folded", String(LOOKUP), nullable=False),
    Column("role", String(8), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("ended_us", BigInteger, nullable=False),
    Column("email", String(LOOKUP), nullable=False),
    Column("subject", String(ID), nullable=False),
    Column("zone", String(ID), nullable=False),
    UniqueConstraint("folded", name="operators_folded"),
)
_HAS_EMAIL = "email <> ''"
Index(
    "operators_email",
    operators.c.email,
    unique=True,
    sqlite_where=text(_HAS_EMAIL),
    postgresql_where=text(_HAS_EMAIL),
)

single_use = Table(
    "single_use",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("purpose", String(ID), nullable=False),
    Column("owner", String(ID), nullable=False),
    Column("ends_us", BigInteger, nullable=False),
)

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("operator", String(LOOKUP), nullable=False),
    Column("actor", String(LOOKUP), nullable=False),
    Column("what", String(LOOKUP), nullable=False),
    Column("note", Text, nullable=False),
    Column("address", String(LOOKUP), nullable=False),
    Index("operator_actions_at", "at_us"),
    Index("operator_actions_actor", "actor", "at_us"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("operator_id", String(ID), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("proved_us", BigInteger, nullable=False),
    Column("half", Boolean, nullable=False),
    Column("browser", String(LOOKUP), nullable=False),
    Column("address", String(LOOKUP), nullable=False),
    Index("sessions_operator", "operator_id"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("operator_id", String(ID), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("name", String(LOOKUP), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=False),
    Index("credentials_operator", "operator_id"),
)
"""``id`` is a passkey's own, else a hash of what is secret. ``secret`` is the public key of a
passkey, or the encrypted secret of an app. ``counter`` is how often a passkey signed, or the half
minute since 1970 of an app's newest code: what is not beyond it is refused."""

content_versions = Table(
    "content_versions",
    metadata,
    Column("kind", String(ID), primary_key=True),
    Column("name", String(LOOKUP), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("author", String(LOOKUP), nullable=False),
    Column("saved_us", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

days = Table(
    "days",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("what", String(ID), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
