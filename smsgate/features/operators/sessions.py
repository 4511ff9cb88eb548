"""Who is signed in to the console, in which browser, and until when.

A browser's cookie holds 256 random bits; their SHA-256 is kept, so a copy of the database signs
nobody in. A half session has the right password, and lacks the second factor.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, select, update

from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.operators.service import (
    OPERATOR_COLUMNS,
    OperatorRow,
    lock_unchanged,
    now_us,
    token_digest,
)
from smsgate.monitoring.deadlines import Deadline, NoAnswerInTime
from smsgate.records.database import Database
from smsgate.records.operator_actions import ActionAuthor, log_action
from smsgate.records.tables import operators, sessions

IDLE_S = 30 * 60
"""A session ends after so long without a request that a person made,"""
LASTS_S = 12 * 3600
"""and in any case after so long: a working day."""
HALF_S = 600
"""How long the second page of signing in may take."""
FRESH_S = 600
"""For how long a sign-in opens what is dangerous at a screen that was left open."""
_SEEN_S = 60
"""How exactly it is kept when a session was last seen: to spare writes."""
_MAX_REMEMBERED = 500
_PATIENCE_S = 5.0
_S = 1_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visitor:
    """The browser that makes a request."""

    address: str
    """As far as it can be known, to be shown."""
    counted: str
    """The address that attempts are counted by; empty where visitors cannot be told apart."""
    browser: str
    device: str = field(default="", repr=False)
    """A random name that the browser got when somebody signed in with it; it opens nothing."""
    operator_id: str = ""
    """Whose browser it is by that: who signed in with it last."""

    def known_as(self, row: OperatorRow | None) -> str:
        """Return by which the browser is known for an operator; empty where it is not."""
        return self.device if row is not None and row.id == self.operator_id else ""


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """A session and its operator."""

    operator: OperatorRow
    digest: bytes
    made_us: int
    seen_us: int
    ends_us: int
    half: bool
    browser: str
    address: str

    @property
    def is_fresh(self) -> bool:
        """Whether the operator signed in a short while ago."""
        return now_us() < self.made_us + FRESH_S * _S

    @property
    def active(self) -> bool:
        """Whether neither the session nor the operator has ended."""
        ends_us = min(self.ends_us, self.seen_us + IDLE_S * _S)
        return now_us() < ends_us and not self.operator.ended_us


_COLUMNS = tuple(
    sessions.c[name] for name in OperatorSession.__dataclass_fields__ if name != "operator"
)


class Sessions:
    """The rows of sessions. Everything raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database, self._deadline = database, Deadline(_PATIENCE_S)
        self._remembered: dict[bytes, OperatorSession] = {}
        """The newest few hundred, for an outage of the database."""

    def start(
        self, row: OperatorRow, visitor: Visitor, instead: bytes = b"", note: str | None = ""
    ) -> str:
        """Begin a session in place of the one with the digest ``instead``; return its token.

        ``note`` says for the log by what; None begins a half one. Raises ``SignInRefused`` where
        the operator was changed since ``row`` was read. Removes sessions that ended by time.
        """
        token, now = secrets.token_urlsafe(32), now_us()
        over = (sessions.c.ends_us <= now) | (sessions.c.seen_us <= now - IDLE_S * _S)
        values = {
            "digest": token_digest(token),
            "operator_id": row.id,
            "made_us": now,
            "seen_us": now,
            "ends_us": now + (HALF_S if note is None else LASTS_S) * _S,
            "half": note is None,
            "browser": visitor.browser,
            "address": visitor.address,
        }
        with self._database.writing() as connection:
            lock_unchanged(connection, row)
            connection.execute(delete(sessions).where(over | (sessions.c.digest == instead)))
            connection.execute(sessions.insert().values(values))
            if note is not None:
                author = ActionAuthor(row.name, visitor.address)
                log_action(connection, "signed in", row.name, author, note)
        return token

    def find(self, token: str) -> OperatorSession | None:
        """Return the session with that token, whole or half, unless it has ended.

        While the database is away or hangs, a session that this process has seen goes on as a
        viewer's: an outage of the records does not hide what the console can say about it, and
        who was deactivated meanwhile changes nothing.
        """
        digest = token_digest(token)
        session = self._remembered.pop(digest, None)
        try:
            rows = self._in_time(lambda: self._select(sessions.c.digest == digest))
            session = rows[0] if rows else None
        except RecordsUnavailable as error:
            if session is None:
                raise RecordsUnavailable(f"nobody can be recognised: {error}") from error
            session = replace(session, operator=replace(session.operator, role="viewer"))
        if session is None or not session.active:
            return None
        self._remembered[digest] = session
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)), None)
        return session

    def of(self, row: OperatorRow) -> list[OperatorSession]:
        """Return the operator's current sessions, newest first."""
        mine = (sessions.c.operator_id == row.id) & ~sessions.c.half
        return [one for one in self._select(mine) if one.active]

    def mark_seen(self, current: OperatorSession) -> None:
        """Note that a person used the session just now."""
        now = now_us()
        seeing = update(sessions).where(sessions.c.digest == current.digest).values(seen_us=now)

        def mark() -> None:
            with self._database.writing() as connection:
                connection.execute(seeing)

        if now - current.seen_us > _SEEN_S * _S:
            with suppress(RecordsUnavailable):
                self._in_time(mark)

    def end(self, current: OperatorSession, digest: bytes) -> None:
        """End one of the sessions of an operator."""
        self._remembered.pop(digest, None)
        mine = (sessions.c.digest == digest) & (sessions.c.operator_id == current.operator.id)

        def remove() -> None:
            with self._database.writing() as connection:
                if connection.execute(delete(sessions).where(mine)).rowcount:
                    author = ActionAuthor(current.operator.name, current.address)
                    log_action(connection, "signed out", current.operator.name, author)

        self._in_time(remove)

    def _in_time(self, question: Callable[[], T]) -> T:
        """Ask the database. Raises ``RecordsUnavailable`` also where it hangs."""
        try:
            return self._deadline.call(question)
        except NoAnswerInTime as error:
            raise RecordsUnavailable(str(error)) from error

    def _select(self, where: ColumnElement[bool]) -> list[OperatorSession]:
        query = select(*_COLUMNS, *OPERATOR_COLUMNS).join_from(
            sessions, operators, sessions.c.operator_id == operators.c.id
        )
        count = len(_COLUMNS)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(where).order_by(sessions.c.made_us.desc())).all()
        return [OperatorSession(OperatorRow(*row[count:]), *row[:count]) for row in rows]
