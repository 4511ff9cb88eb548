"""Who is signed in to the console, in which browser, and until when.

A browser's cookie holds 256 random bits; their SHA-256 is kept, so a copy of the database signs
nobody in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.operators.service import ActionAuthor, make_action, now_us, token_digest
from smsgate.features.operators.session_storage import SessionRow, SessionStorage
from smsgate.features.operators.storage import OperatorAction, OperatorRow
from smsgate.pipeline.readiness import Deadline, NoAnswerInTime
from smsgate.records import Records

IDLE_S = 2 * 3600
"""A session ends after so long without a request that a person made,"""
LASTS_S = 12 * 3600
"""and in any case after so long: a working day."""
HALF_S = 600
"""How long the second page of signing in may take."""
PROOF_S = 600
"""For how long a password that was given opens what asks for it again."""
_SEEN_S = 60
"""How exactly it is kept when a session was last seen: to spare writes."""
_MAX_REMEMBERED = 500
_PATIENCE_S = 5.0
"""How long the records are waited for where there is nothing to go on without them."""
_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """The browser that makes a request."""

    address: str
    """As far as it can be known, to be shown."""
    counted: str
    """The address that attempts are counted by; empty where visitors cannot be told apart."""
    browser: str
    device: str = field(default="", repr=False)
    """The device token that it sent, see ``sign_in_limits.py``."""


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """A session and its operator."""

    session: SessionRow
    operator: OperatorRow

    @property
    def proved(self) -> bool:
        """Whether the password was given a short while ago."""
        return now_us() < self.session.proved_us + PROOF_S * _S

    @property
    def active(self) -> bool:
        """Whether neither the session nor the operator has ended."""
        ends_us = min(self.session.ends_us, self.session.seen_us + IDLE_S * _S)
        return now_us() < ends_us and not self.operator.ended_us


class Sessions:
    """Who is signed in. Raises ``RecordsUnavailable``."""

    def __init__(self, records: Records) -> None:
        self._storage = SessionStorage(records.database)
        self._deadline, self._patient = Deadline(), Deadline(_PATIENCE_S)
        self._remembered: dict[bytes, OperatorSession] = {}
        """The newest few hundred, for an outage of the database."""

    def find(self, token: str) -> OperatorSession | None:
        """Return the session with that token, whole or half, unless it has ended.

        While the database is away or hangs, a session that this process has seen goes on: else an
        outage of the records would also hide what the console can say about it.
        """
        digest = token_digest(token)
        session = self._remembered.get(digest)
        deadline = self._deadline if session is not None else self._patient
        try:
            found = deadline.call(lambda: self._storage.find(digest))
        except (RecordsUnavailable, NoAnswerInTime) as error:
            if session is None:
                raise RecordsUnavailable(f"nobody can be recognised: {error}") from error
        else:
            session = OperatorSession(*found) if found else None
            self._remembered.pop(digest, None)
            if session is not None:
                self._remembered[digest] = session
                if len(self._remembered) > _MAX_REMEMBERED:
                    self._remembered.pop(next(iter(self._remembered)), None)
        return session if session is not None and session.active else None

    def mark_seen(self, current: OperatorSession) -> None:
        """Note that a person used the session just now."""
        now, digest = now_us(), current.session.digest
        if now - current.session.seen_us > _SEEN_S * _S:
            with suppress(RecordsUnavailable, NoAnswerInTime):
                self._deadline.call(lambda: self._storage.change(digest, {"seen_us": now}))

    def of(self, row: OperatorRow) -> list[SessionRow]:
        """Return the operator's current sessions."""
        return [one for one in self._storage.of(row.id) if OperatorSession(one, row).active]

    def end(self, current: OperatorSession, digest: bytes, visitor: Visitor) -> None:
        """End one of the operator's own sessions."""
        action = own_action("signed out", current.operator, visitor)
        self._storage.end(current.operator.id, digest, action)
        self._remembered.pop(digest, None)

    def end_others(self, current: OperatorSession, visitor: Visitor) -> None:
        """End all of the operator's own sessions but this one."""
        action = own_action("signed out", current.operator, visitor, "everywhere else")
        self._storage.end_others(current.operator.id, current.session.digest, action)


def own_action(
    what: str, row: OperatorRow | None, visitor: Visitor, note: str = ""
) -> OperatorAction:
    """Return an operator's action about themselves; without a name if no operator has it."""
    name = row.name if row else ""
    return make_action(what, name, ActionAuthor(name, visitor.address), note)
