"""Sessions of the console: who is signed in where, and until when.

A browser's cookie holds 256 random bits; their SHA-256 is kept, so a copy of the database signs
nobody in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.operators.service import By, action_of, digest_of, now_us
from smsgate.pipeline.readiness import Deadline, NoAnswerInTime
from smsgate.records import Records
from smsgate.records.operator_actions import Action
from smsgate.records.operators import OperatorRow
from smsgate.records.sessions import SessionRow

IDLE_S = 2 * 3600
"""A session ends after so long without a request that a person made,"""
LASTS_S = 12 * 3600
"""and in any case after so long: a working day."""
PROOF_S = 600
"""For how long a password that was given opens what asks for it again."""
_SEEN_S = 60
"""How exactly it is kept when a session was last seen: to spare writes."""
_REMEMBERED = 500
_PATIENCE_S = 5.0
"""How long the records are waited for where there is nothing to go on without them."""
_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """The browser that asks."""

    address: str
    """As far as it can be known, to be shown."""
    counted: str
    """The address that attempts are counted by; empty where visitors cannot be told apart."""
    browser: str
    device: str = field(default="", repr=False)
    """What it says by which it is known, see ``devices.py``."""


@dataclass(frozen=True, slots=True)
class Known:
    """A session and whose it is."""

    session: SessionRow
    operator: OperatorRow

    @property
    def proved(self) -> bool:
        """Whether the password was given a short while ago."""
        return now_us() < self.session.proved_us + PROOF_S * _S


class Sessions:
    """Who is signed in. Raises ``RecordsUnavailable`` and ``RecordsNotReady`` wherever it asks."""

    def __init__(self, records: Records) -> None:
        """Use the records; nothing is asked yet."""
        self._sessions = records.sessions
        self._deadline, self._patient = Deadline(), Deadline(_PATIENCE_S)
        self._remembered: dict[bytes, Known] = {}

    def who(self, token: str) -> Known | None:
        """The session with that token, whole or half, unless it has ended.

        While the database is away or hangs, a session that this process has seen goes on: else an
        outage of the records would also hide what the console can say about it.
        """
        digest = digest_of(token)
        known = self._remembered.get(digest)
        deadline = self._deadline if known is not None else self._patient
        try:
            found = deadline.call(lambda: self._sessions.find(digest))
            known = Known(*found) if found else None
            self._remember(digest, known)
        except (RecordsUnavailable, RecordsNotReady, NoAnswerInTime) as error:
            if known is None:
                raise RecordsUnavailable(f"nobody can be recognised: {error}") from error
        return known if known is not None and _holds(known) else None

    def seen(self, known: Known) -> None:
        """Note that a person used the session just now."""
        now = now_us()
        if now - known.session.seen_us > _SEEN_S * _S:
            digest = known.session.digest
            with suppress(RecordsUnavailable, RecordsNotReady, NoAnswerInTime):
                self._deadline.call(lambda: self._sessions.change(digest, {"seen_us": now}))

    def of(self, row: OperatorRow) -> list[SessionRow]:
        """Where somebody is signed in now."""
        found = self._sessions.of(row.id)
        return [one for one in found if _holds(Known(one, row))]

    def end(self, known: Known, digest: bytes, visitor: Visitor) -> None:
        """End one of one's own sessions."""
        action = visited("signed out", known.operator, visitor)
        self._sessions.end(known.operator.id, digest, action)
        self._remembered.pop(digest, None)

    def end_others(self, known: Known, visitor: Visitor) -> None:
        """End all of one's own sessions but this one."""
        action = visited("signed out", known.operator, visitor, "everywhere else")
        self._sessions.end_others(known.operator.id, known.session.digest, action)

    def _remember(self, digest: bytes, known: Known | None) -> None:
        """Keep the newest few hundred, for an outage of the database."""
        self._remembered.pop(digest, None)
        if known is not None:
            self._remembered[digest] = known
            if len(self._remembered) > _REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)), None)


def _holds(known: Known) -> bool:
    session, now = known.session, now_us()
    in_time = now < min(session.ends_us, session.seen_us + IDLE_S * _S)
    return in_time and not known.operator.ended_us


def visited(what: str, row: OperatorRow | None, visitor: Visitor, note: str = "") -> Action:
    """An action of somebody about themselves; without a name where nobody has it."""
    name = row.name if row else ""
    return action_of(what, name, By(name, visitor.address), note)
