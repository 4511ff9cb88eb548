"""Rows of operators, and the log of what was done. Everything raises ``RecordsUnavailable``.

An operator is never removed, since the ledger names them; they are deactivated.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import ColumnElement, Connection, exists, select

from smsgate.domain.errors import SmsGateError
from smsgate.records.console_tables import operator_actions, operators, passkeys
from smsgate.records.database import Database, lookup, upsert
from smsgate.records.reader import rows_of

_HOUR_US = 3600 * 1_000_000
_HAS_PASSKEY = exists().where(passkeys.c.operator_id == operators.c.id).label("has_passkey")
OPERATOR_COLUMNS = (*operators.c, _HAS_PASSKEY)


ROLES = ("viewer", "agent", "admin")
"""Each may do what those before it may.

A viewer sees. An agent decides, opts out and in, and imports. An admin configures, forgets, and
looks after keys and people.
"""


class OperatorError(SmsGateError):
    """What was asked about an operator cannot be done; the text says why."""

    status = 409


class NoSuchOperator(OperatorError):
    """No operator of that name may sign in to the console."""

    status = 404


class SignInRefused(SmsGateError):
    """Name, password or code are not right, or have to wait. The text does not say which."""

    status = 403


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator: the table's columns in their order. A time of 0 means never."""

    id: str
    name: str
    folded: str
    """The name as names are compared: no two differ by case or spelling alone."""
    role: str
    password_hash: str = field(repr=False)
    totp_secret: str = field(repr=False)
    """Encrypted; see ``second_factor.py``."""
    totp_step: int
    """The half minute since 1970 of the newest code that was accepted; none is accepted twice."""
    recovery: str = field(repr=False)
    """The SHA-256 of each recovery code that is left, as JSON."""
    made_us: int
    made_by: str
    ended_us: int
    email: str
    """For links and notices, and by which single sign-on finds the operator; folded."""
    subject: str = field(repr=False)
    """A hash of who the operator is at the provider of single sign-on, once bound."""
    zone: str
    """The time zone of the pages, by its IANA name; empty for the browser's."""
    has_passkey: bool = False

    @property
    def has_second_factor(self) -> bool:
        """Whether sign-in asks for more than the password."""
        return bool(self.totp_secret) or self.has_passkey

    def may(self, role: str) -> bool:
        """Whether their role is at least that."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True, slots=True)
class ActionAuthor:
    """Who does something, and from where."""

    name: str
    address: str = ""


def now_us() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


def token_digest(token: str) -> bytes:
    """Return what is kept of the token of a link or a session."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def find_operators(database: Database, *where: ColumnElement[bool]) -> list[OperatorRow]:
    """Return the operators that fulfil all conditions, those who are deactivated last."""
    query = select(*OPERATOR_COLUMNS).where(*where)
    query = query.order_by(operators.c.ended_us > 0, operators.c.folded)
    return [OperatorRow(*row) for row in rows_of(database, query)]


def log_action(
    connection: Connection,
    what: str,
    operator: str,
    author: ActionAuthor,
    note: str = "",
    *,
    hourly: str = "",
) -> None:
    """Log an action about an operator, in the transaction that does it.

    With ``hourly``, all that has the same text within an hour is one action, the newest: so
    attackers do not fill the log.
    """
    at_us = now_us()
    hour_us = at_us - at_us % _HOUR_US
    row = {
        "id": f"{hour_us:016d}-{hourly}" if hourly else f"{at_us:016d}-{secrets.token_hex(4)}",
        "at_us": at_us,
        "operator": lookup(operator),
        "actor": lookup(author.name),
        "what": what,
        "note": note.replace("\0", "\N{REPLACEMENT CHARACTER}"),  # of a sender's name
        "address": author.address,
    }
    newer = {"at_us": at_us, "address": author.address}
    adding = upsert(connection, operator_actions)
    connection.execute(adding.on_conflict_do_update(index_elements=["id"], set_=newer), [row])


def add_action(database: Database, what: str, author: ActionAuthor, note: str = "") -> None:
    """Log what somebody did on a page or at a terminal."""
    with database.writing() as connection:
        log_action(connection, what, author.name, author, note)
