"""Who may sign in to the console, and what was done about it.

No records of consent: rows change here. But an operator is never removed, since the ledger names
them; they are deactivated. Everything raises ``RecordsUnavailable``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update
from sqlalchemy.exc import IntegrityError

from smsgate.domain.errors import Unfit
from smsgate.records.console_tables import (
    operator_actions,
    operator_links,
    operators,
    passkeys,
    sessions,
    shown_action,
)
from smsgate.records.database import Database, lookup, upsert
from smsgate.records.reader import rows_of

FIRST = ""
"""In a link instead of an operator's id: it lets its holder become the first operator."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator. A time of 0 means never, an empty text means no value."""

    id: str
    name: str
    folded: str
    """The name as names are compared: no two differ by case or spelling alone."""
    role: str
    made_us: int
    made_by: str
    password_hash: str = field(default="", repr=False)
    totp_secret: str = field(default="", repr=False)
    """Encrypted; see ``second_factor.py``."""
    totp_step: int = 0
    """The half minute since 1970 of the newest code that was accepted; none is accepted twice."""
    recovery: str = field(default="", repr=False)
    """The SHA-256 of each recovery code that is left, as JSON."""
    ended_us: int = 0
    failed: int = 0
    locked_until_us: int = 0
    email: str = ""
    """By which a provider of single sign-on may name the operator; folded."""
    subject: str = field(default="", repr=False)
    """A hash of who the operator is at that provider, from the first sign-in there on."""
    zone: str = ""
    """The time zone of the pages, by its IANA name; empty for the browser's."""
    has_passkey: bool = False
    """Looked up with the row; no column of it."""

    @property
    def has_second_factor(self) -> bool:
        """Whether sign-in asks for more than the password."""
        return bool(self.totp_secret) or self.has_passkey


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A link by which a password may be set, once."""

    digest: bytes
    operator_id: str
    ends_us: int


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One thing that was done, by whom, and about whom."""

    id: str
    """Sorts by time; one that is added twice is one action, which moved to its newest time."""
    at_us: int
    operator: str
    """Whom it is about, by name; empty where nobody has that name."""
    actor: str
    what: str
    note: str = ""
    address: str = ""

    @property
    def shown(self) -> str:
        """What was done, as pages say it."""
        return shown_action(self.what)


_COLUMNS = tuple(name for name in OperatorRow.__slots__ if name != "has_passkey")
OPERATOR_COLUMNS = (
    *(operators.c[name] for name in _COLUMNS),
    exists().where(passkeys.c.operator_id == operators.c.id).label("has_passkey"),
)


class ActionLog:
    """What was done about signing in and about operators; it only grows.

    It is no part of the ledger, which is about numbers and their consent, and it has no chain.
    """

    def __init__(self, database: Database) -> None:
        """Connects on first use."""
        self._database = database

    def add(self, action: OperatorAction) -> None:
        """Add an action."""
        with self._database.writing() as connection:
            log_action(connection, action)

    def newest(self, before: str, limit: int) -> list[OperatorAction]:
        """Return actions, newest first, older than the one with the id ``before`` (if any)."""
        query = select(*[operator_actions.c[name] for name in OperatorAction.__slots__])
        if before:
            query = query.where(operator_actions.c.id < before)
        query = query.order_by(operator_actions.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [OperatorAction(*row) for row in connection.execute(query)]


class OperatorStorage:
    """The operators, and their links for passwords."""

    def __init__(self, database: Database) -> None:
        """Connects on first use."""
        self._database = database

    def all(self) -> list[OperatorRow]:
        """Return every operator by name, those who are deactivated last."""
        query = select(*OPERATOR_COLUMNS).order_by(operators.c.ended_us > 0, operators.c.folded)
        return [OperatorRow(*row) for row in rows_of(self._database, query)]

    def find(self, folded: str) -> OperatorRow | None:
        """Return the operator with that folded name."""
        return self._one(operators.c.folded == lookup(folded))

    def by_id(self, id_: str) -> OperatorRow | None:
        """Return the operator with that id."""
        return self._one(operators.c.id == id_)

    def by_subject(self, subject: str) -> OperatorRow | None:
        """Return the operator who is bound to a subject of the provider."""
        return self._one(operators.c.subject == subject)

    def by_email(self, email: str) -> OperatorRow | None:
        """Return the operator with that e-mail address (folded, not empty)."""
        return self._one(operators.c.email == lookup(email))

    def bind(self, id_: str, subject: str, action: OperatorAction) -> bool:
        """Bind an operator to a subject; return False where they are bound to another one."""
        free = (operators.c.id == id_) & (operators.c.subject == "")
        with self._database.writing() as connection:
            change = update(operators).where(free).values(subject=subject)
            if connection.execute(change).rowcount != 1:
                return False
            log_action(connection, action)
        return True

    def _one(self, which: ColumnElement[bool]) -> OperatorRow | None:
        with self._database.reading() as connection:
            row = connection.execute(select(*OPERATOR_COLUMNS).where(which)).first()
        return OperatorRow(*row) if row else None

    def swap(self, id_: str, column: str, before: str, after: str) -> None:
        """Put a better hash or cipher text of the same in place, unless that was changed."""
        same = (operators.c.id == id_) & (operators.c[column] == before)
        with self._database.writing() as connection:
            connection.execute(update(operators).where(same).values({column: after}))

    def update(self, id_: str, values: Mapping[str, Any]) -> None:
        """Change what needs no action in the log, such as a count."""
        with self._database.writing() as connection:
            connection.execute(update(operators).where(operators.c.id == id_).values(**values))

    def add(self, row: OperatorRow, action: OperatorAction, link: PasswordLink) -> bool:
        """Add an operator and their link; return False where name or e-mail address is taken."""
        with self._database.writing() as connection:
            adding = upsert(connection, operators).on_conflict_do_nothing().values(_values(row))
            if connection.execute(adding.returning(operators.c.id)).first() is None:
                return False
            _replace_link(connection, link)
            log_action(connection, action)
        return True

    def make_first(self, row: OperatorRow, digest: bytes, action: OperatorAction) -> bool:
        """Add the first operator of all, and use up the link.

        Returns False where the link is invalid, or there is an operator already.
        """
        with self._database.writing() as connection:
            if not _use_link(connection, digest, FIRST, row.made_us) or _any(connection):
                return False
            connection.execute(operators.insert().values(_values(row)))
            log_action(connection, action)
        return True

    def change(
        self,
        id_: str,
        values: Mapping[str, Any],
        action: OperatorAction,
        *,
        spend: bytes = b"",
        link: PasswordLink | None = None,
        end_sessions: bool = True,
        drop_passkeys: bool = False,
    ) -> bool:
        """Change an operator; they are signed out everywhere, unless ``end_sessions`` is False.

        ``spend`` is the digest of a link that is used up by it: where that is invalid, nothing is
        changed and False is returned. ``link`` takes the place of those before. Raises ``Unfit``
        for an e-mail address that somebody else has.
        """
        with self._database.writing() as connection:
            if spend and not _use_link(connection, spend, id_, action.at_us):
                return False
            if values:
                changing = update(operators).where(operators.c.id == id_).values(**values)
                try:
                    connection.execute(changing)
                except IntegrityError as error:
                    raise email_taken("Somebody else") from error
            if link is not None:
                _replace_link(connection, link)
            if drop_passkeys:
                connection.execute(delete(passkeys).where(passkeys.c.operator_id == id_))
            if end_sessions:
                connection.execute(delete(sessions).where(sessions.c.operator_id == id_))
            log_action(connection, action)
        return True

    def step_down(self, id_: str, values: Mapping[str, Any], action: OperatorAction) -> bool:
        """Make a change that may remove an admin; return False if there is no other admin.

        Of two admins who do so to each other at once only one succeeds.
        """
        able = (operators.c.role == "admin") & (operators.c.ended_us == 0)
        able &= (operators.c.password_hash != "") | (operators.c.subject != "")
        with self._database.writing() as connection:
            admins = {*connection.scalars(select(operators.c.id).where(able).with_for_update())}
            if admins == {id_}:
                return False
            connection.execute(update(operators).where(operators.c.id == id_).values(**values))
            connection.execute(delete(sessions).where(sessions.c.operator_id == id_))
            log_action(connection, action)
        return True

    def offer_first(self, link: PasswordLink) -> bool:
        """Replace the link for the first operator; return False where there is an operator."""
        with self._database.writing() as connection:
            if _any(connection):
                return False
            _replace_link(connection, link)
        return True

    def linked(self, digest: bytes, now_us: int) -> str | None:
        """Return the id of the link's operator, or ``FIRST``; None where the link is invalid."""
        link = operator_links.c
        query = select(link.operator_id).where(link.digest == digest, link.ends_us > now_us)
        with self._database.reading() as connection:
            return connection.scalar(query)


def email_taken(whose: str) -> Unfit:
    """Return the error for an e-mail address that an operator (by name) has already."""
    return Unfit(
        f"{whose} has that e-mail address: use another one, since single sign-on tells people "
        "apart by it.",
        field="email",
    )


def log_action(connection: Connection, action: OperatorAction) -> None:
    """Add an action within the transaction that does what it says."""
    row = asdict(action)
    row["operator"], row["actor"] = lookup(action.operator), lookup(action.actor)
    row["note"] = action.note.replace("\0", "\N{REPLACEMENT CHARACTER}")  # of a sender's name
    newer = {"at_us": action.at_us, "address": action.address}
    adding = upsert(connection, operator_actions)
    connection.execute(adding.on_conflict_do_update(index_elements=["id"], set_=newer), [row])


def _values(row: OperatorRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS}


def _any(connection: Connection) -> bool:
    return connection.execute(select(operators.c.id).limit(1)).first() is not None


def _use_link(connection: Connection, digest: bytes, operator_id: str, now_us: int) -> bool:
    """Use a link up: of several at once the one that deletes it succeeds."""
    link = operator_links.c
    mine = (link.digest == digest) & (link.operator_id == operator_id) & (link.ends_us > now_us)
    return connection.execute(delete(operator_links).where(mine)).rowcount == 1


def _replace_link(connection: Connection, link: PasswordLink) -> None:
    same = operator_links.c.operator_id == link.operator_id
    connection.execute(delete(operator_links).where(same))
    connection.execute(operator_links.insert().values(asdict(link)))
