"""The tables, as queries name them. The first migration makes them.

================  ========================  =====================================================
table             key                       holds
================  ========================  =====================================================
links             partition, seq; event_id  the hash chain of each partition; never changed, never
                                            removed
heads             partition                 the newest link of each partition
events            id                        what happened, without texts; removed by retention alone
texts             event_id                  salt and texts of an event: what can be erased
removals          event_id, part            which contents were taken away, and by which event
numbers           number                    the consent state of each number, by its newest event
memberships       number, state, scope      the same, a row for each opt-out, lock and consent
listed            number, partition, seq    which events of imported lists are about a number
stores            id                        the stores (Redis) whose events these are
api_keys          id                        hashes of the keys that open ``/v1``, and their ends
destinations      program, kind             where deliveries go: who sends, how far a feed was read
deliveries        id                        what own programs did not accept yet, or what failed
operators         id; folded; email         who may sign in
single_use        digest                    links for a password, recovery codes, challenges
operator_actions  id                        what was done about signing in and people; only grows
sessions          digest                    who is signed in where, and until when
credentials       id                        passkeys and authenticator apps
content_versions  kind, name, version       keyword sets and replies as saved, version by version
days              day, what                 how often a thing happened on a day (UTC)
================  ========================  =====================================================
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

ID = 64
"""Longest id of an event or a store."""
LOOKUP = 200
"""Longest text in a column that is looked up by; the facts have it whole."""

metadata = MetaData()


def _partial_index(name: str, condition: str, *columns: Column[Any], unique: bool = False) -> None:
    """Index the rows for which the condition holds."""
    where = text(condition)
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


links = Table(
    "links",
    metadata,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(ID), nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("event_id", name="links_event_id"),
    sqlite_with_rowid=False,
)

heads = Table(
    "heads",
    metadata,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("partition", SmallInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("kind", String(LOOKUP), nullable=False),
    Column("outcome", String(LOOKUP), nullable=False),
    Column("number", String(LOOKUP), nullable=False),
    Column("source", String(LOOKUP), nullable=False),
    Column("actor", String(LOOKUP), nullable=False),
    Column("account", String(LOOKUP), nullable=False),
    Column("message_id", String(LOOKUP), nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("committed_us", BigInteger, nullable=False),
    Column("sets_state", Boolean, nullable=False),
    Column("text_digest", LargeBinary, nullable=False),
    Column("facts", Text, nullable=False),
    Index("events_number", "number", "received_us"),
    Index("events_kind", "kind", "received_us"),
    Index("events_received", "received_us"),
    Index("events_message", "account", "message_id"),
    Index("events_position", "position", unique=True),
)
"""``position`` counts the events of all partitions as they are recorded, without holes."""
MANUAL_EVENTS = "source = 'operator'"
_partial_index("events_manual", MANUAL_EVENTS, events.c.received_us)
_partial_index("events_by_actor", MANUAL_EVENTS, events.c.actor, events.c.received_us)

texts = Table(
    "texts",
    metadata,
    Column("event_id", String(ID), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("words", Text, nullable=False),
    sqlite_with_rowid=False,
)

removals = Table(
    "removals",
    metadata,
    Column("event_id", String(ID), primary_key=True),
    Column("part", String(8), primary_key=True),
    Column("removed_by", String(ID), nullable=False),
    Index("removals_removed_by", "removed_by"),
    sqlite_with_rowid=False,
)

numbers = Table(
    "numbers",
    metadata,
    Column("number", String(LOOKUP), primary_key=True),
    Column("partition", SmallInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("consent_state", Text, nullable=False),
    Index("numbers_event", "partition", "seq"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("name", String(LOOKUP), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("made_by", String(LOOKUP), nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("programs", Text, nullable=False),
    UniqueConstraint("digest", name="api_keys_digest"),
    Index("api_keys_name", "name"),
)

destinations = Table(
    "destinations",
    metadata,
    Column("program", String(LOOKUP), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("sender", String(ID), nullable=False),
    Column("until_us", BigInteger, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("program", String(LOOKUP), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("number", String(LOOKUP), nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Index("deliveries_due", "program", "kind", "failed", "due_us"),
    Index("deliveries_number", "program", "kind", "number", "seq"),
    Index("deliveries_failed", "failed", "made_us"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("number", String(LOOKUP), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("scope", String(LOOKUP), primary_key=True),
    Column("since_us", BigInteger, nullable=False),
    Column("source", String(LOOKUP), nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("tail", String(4), nullable=False),
    Column("external_source", String(LOOKUP), nullable=False),
    Index("memberships_since", "state", "scope", "since_us", "number", "source"),
    Index("memberships_tail", "tail", "state", "scope", "since_us", "number"),
    sqlite_with_rowid=False,
)

FROM_OUTSIDE = "external_source <> ''"
_partial_index(
    "memberships_external",
    FROM_OUTSIDE,
    *(memberships.c[name] for name in ("external_source", "state", "scope", "since_us", "number")),
)

listed = Table(
    "listed",
    metadata,
    Column("number", String(LOOKUP), primary_key=True),
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Index("listed_event", "partition", "seq"),
    sqlite_with_rowid=False,
)

stores = Table(
    "stores",
    metadata,
    Column("id", String(ID), primary_key=True),
    Column("buckets", BigInteger, nullable=False),
    Column("made_us", BigInteger, nullable=False),
)

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
_partial_index("operators_email", "email <> ''", operators.c.email, unique=True)

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


VERSION = "0.3"
"""The newest migration of ``migrations/versions``."""
VERSION_TABLE = "records_version"
"""Not Alembic's usual name, which another application in the same database may use."""
OLD = frozenset(f"{number:04}" for number in range(1, 16))
"""Versions of the tables of smsgate 0.1 and 0.2, which are neither read nor changed."""
