"""Who may sign in to the console, who is signed in where, and what was done about it.

No records of consent: rows change here. But an operator is never removed, since the ledger names
them; they are deactivated. Everything raises ``RecordsUnavailable`` and ``RecordsNotReady``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, exists, select, update
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
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert
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
class SessionRow:
    """One browser in which an operator is signed in."""

    digest: bytes
    """SHA-256 of the token in the browser's cookie."""
    operator_id: str
    made_us: int
    seen_us: int
    ends_us: int
    proved_us: int
    """When the password was given last."""
    half: bool
    """The password was right, the code of the second factor is not given yet."""
    browser: str
    address: str


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
_OPERATOR = (
    *(operators.c[name] for name in _COLUMNS),
    exists().where(passkeys.c.operator_id == operators.c.id).label("has_passkey"),
)
_SESSION = tuple(sessions.c[name] for name in SessionRow.__slots__)


class _Storage:
    def __init__(self, database: Database) -> None:
        """Connects on first use."""
        self._database = database

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._database.writing() as connection:
            yield connection


class ActionLog(_Storage):
    """What was done about signing in and about operators; it only grows.

    It is no part of the ledger, which is about numbers and their consent, and it has no chain.
    """

    def add(self, action: OperatorAction) -> None:
        """Add an action."""
        with self._writing() as connection:
            log_action(connection, action)

    def newest(self, before: str, limit: int) -> list[OperatorAction]:
        """Return actions, newest first, older than the one with the id ``before`` (if any)."""
        query = select(*[operator_actions.c[name] for name in OperatorAction.__slots__])
        if before:
            query = query.where(operator_actions.c.id < before)
        query = query.order_by(operator_actions.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [OperatorAction(*row) for row in connection.execute(query)]


class OperatorStorage(_Storage):
    """The operators, and their links for passwords."""

    def all(self) -> list[OperatorRow]:
        """Return every operator by name, those who are deactivated last."""
        query = select(*_OPERATOR).order_by(operators.c.ended_us > 0, operators.c.folded)
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
        with self._writing() as connection:
            change = update(operators).where(free).values(subject=subject)
            if connection.execute(change).rowcount != 1:
                return False
            log_action(connection, action)
        return True

    def _one(self, which: ColumnElement[bool]) -> OperatorRow | None:
        with self._reading() as connection:
            row = connection.execute(select(*_OPERATOR).where(which)).first()
        return OperatorRow(*row) if row else None

    def swap(self, id_: str, column: str, before: str, after: str) -> None:
        """Put a better hash or cipher text of the same in place, unless that was changed."""
        same = (operators.c.id == id_) & (operators.c[column] == before)
        with self._writing() as connection:
            connection.execute(update(operators).where(same).values({column: after}))

    def update(self, id_: str, values: Mapping[str, Any]) -> None:
        """Change what needs no action in the log, such as a count."""
        with self._writing() as connection:
            connection.execute(update(operators).where(operators.c.id == id_).values(**values))

    def add(self, row: OperatorRow, action: OperatorAction, link: PasswordLink) -> bool:
        """Add an operator and their link; return False where name or e-mail address is taken."""
        with self._writing() as connection:
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
        with self._writing() as connection:
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
        with self._writing() as connection:
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
        with self._writing() as connection:
            admins = {*connection.scalars(select(operators.c.id).where(able).with_for_update())}
            if admins == {id_}:
                return False
            connection.execute(update(operators).where(operators.c.id == id_).values(**values))
            connection.execute(delete(sessions).where(sessions.c.operator_id == id_))
            log_action(connection, action)
        return True

    def offer_first(self, link: PasswordLink) -> bool:
        """Replace the link for the first operator; return False where there is an operator."""
        with self._writing() as connection:
            if _any(connection):
                return False
            _replace_link(connection, link)
        return True

    def linked(self, digest: bytes, now_us: int) -> str | None:
        """Return the id of the link's operator, or ``FIRST``; None where the link is invalid."""
        link = operator_links.c
        query = select(link.operator_id).where(link.digest == digest, link.ends_us > now_us)
        with self._reading() as connection:
            return connection.scalar(query)


class SessionStorage(_Storage):
    """The sessions, and the attempts at a second factor."""

    def start(
        self,
        row: SessionRow,
        action: OperatorAction | None,
        *,
        kept: str,
        instead: bytes,
        idle_us: int,
    ) -> bool:
        """Begin a session in place of the one with the digest ``instead``, if there is one.

        Returns False where the operator was deactivated meanwhile, or has another password than
        the hash ``kept`` was made of. A whole session resets the count of attempts. Sessions that
        have ended by time are removed.
        """
        mine = operators.c.id == row.operator_id
        same = mine & (operators.c.password_hash == kept) & (operators.c.ended_us == 0)
        over = (sessions.c.ends_us <= row.made_us) | (sessions.c.seen_us <= row.made_us - idle_us)
        reset = {} if row.half else {"failed": 0, "locked_until_us": 0}
        with self._writing() as connection:
            # An update locks the operator's row against changes at the same time.
            locking = update(operators).where(same).values(id=row.operator_id, **reset)
            if connection.execute(locking).rowcount != 1:
                return False
            connection.execute(delete(sessions).where(over | (sessions.c.digest == instead)))
            connection.execute(sessions.insert().values(asdict(row)))
            if action is not None:
                log_action(connection, action)
        return True

    def find(self, digest: bytes) -> tuple[SessionRow, OperatorRow] | None:
        """Return a session and its operator; the caller checks that it has not ended."""
        query = select(*_SESSION, *_OPERATOR).join_from(
            sessions, operators, sessions.c.operator_id == operators.c.id
        )
        with self._reading() as connection:
            row = connection.execute(query.where(sessions.c.digest == digest)).first()
        if row is None:
            return None
        return SessionRow(*row[: len(_SESSION)]), OperatorRow(*row[len(_SESSION) :])

    def change(self, digest: bytes, values: Mapping[str, Any]) -> None:
        """Update when it was seen, or when the password was given."""
        with self._writing() as connection:
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(**values))

    def of(self, operator_id: str) -> list[SessionRow]:
        """Return an operator's whole sessions, newest first; some may have ended by time."""
        mine = (sessions.c.operator_id == operator_id) & ~sessions.c.half
        query = select(*_SESSION).where(mine).order_by(sessions.c.made_us.desc())
        with self._reading() as connection:
            return [SessionRow(*row) for row in connection.execute(query)]

    def end(self, operator_id: str, digest: bytes, action: OperatorAction) -> None:
        """End one session of an operator."""
        self._end(operator_id, sessions.c.digest == digest, action)

    def end_others(self, operator_id: str, digest: bytes, action: OperatorAction) -> None:
        """End every session of an operator but one."""
        self._end(operator_id, sessions.c.digest != digest, action)

    def _end(self, operator_id: str, which: ColumnElement[bool], action: OperatorAction) -> None:
        ending = delete(sessions).where(which & (sessions.c.operator_id == operator_id))
        with self._writing() as connection:
            if connection.execute(ending).rowcount:
                log_action(connection, action)

    def claim_attempt(
        self, operator_id: str, now_us: int, most: int, lock_us: int, otherwise: OperatorAction
    ) -> bool:
        """Count an attempt before it is checked; return False where the operator has to wait.

        Attempt number ``most`` without a sign-in locks for ``lock_us``. Since each is counted
        first, a hundred at once are a hundred. Where nothing is counted, because nobody has the
        id or they have to wait, ``otherwise`` is logged: to write takes as long as to count.
        """
        count, until = operators.c.failed + 1, operators.c.locked_until_us
        again = until > 0  # a lock that is over: counting begins anew
        values = {
            "failed": case((again, 1), else_=count),
            "locked_until_us": case((again, 0), (count >= most, now_us + lock_us), else_=0),
        }
        mine = (operators.c.id == operator_id) & (until <= now_us)
        with self._writing() as connection:
            counted = connection.execute(update(operators).where(mine).values(**values))
            if counted.rowcount != 1:
                log_action(connection, otherwise)
            return counted.rowcount == 1

    def take_step(self, operator_id: str, step: int) -> bool:
        """Accept a code of the second factor; False where it or a later one was accepted before."""
        return self._take(operators.c.totp_step < step, operator_id, {"totp_step": step})

    def take_recovery(self, operator_id: str, before: str, after: str) -> bool:
        """Store the recovery codes that are left; False where one was used meanwhile."""
        return self._take(operators.c.recovery == before, operator_id, {"recovery": after})

    def _take(self, free: ColumnElement[bool], operator_id: str, values: Mapping[str, Any]) -> bool:
        taking = update(operators).where(free & (operators.c.id == operator_id)).values(**values)
        with self._writing() as connection:
            return connection.execute(taking).rowcount == 1


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
