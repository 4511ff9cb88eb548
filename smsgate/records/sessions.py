"""Who is signed in where, and the counting of attempts to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, select, update

from smsgate.records import operator_actions as trail
from smsgate.records.console_tables import operators, sessions
from smsgate.records.database import Database
from smsgate.records.operator_actions import Action
from smsgate.records.operators import COLUMNS, OperatorRow
from smsgate.records.schema import check


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One browser in which somebody is signed in."""

    digest: bytes
    """SHA-256 of what the browser's cookie holds."""
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


_COLUMNS = tuple(sessions.c[name] for name in SessionRow.__slots__)


class Sessions:
    """Keeps the sessions. All of it raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(
        self,
        row: SessionRow,
        action: Action | None,
        *,
        kept: str,
        instead: bytes,
        idle_us: int,
    ) -> bool:
        """Begin a session, in the place of one (may be none).

        False where the operator ended meanwhile, or has another password than ``kept`` was made
        of. A whole session sets the count of attempts back. Those that ended by themselves are
        removed.
        """
        mine = operators.c.id == row.operator_id
        same = mine & (operators.c.password_hash == kept) & (operators.c.ended_us == 0)
        over = (sessions.c.ends_us <= row.made_us) | (sessions.c.seen_us <= row.made_us - idle_us)
        forgiven = {} if row.half else {"failed": 0, "locked_until_us": 0}
        with self._database.writing() as connection:
            check(connection)
            # An update holds the operator's row: who changes it at the same time waits, or did.
            forgiving = update(operators).where(same).values(id=row.operator_id, **forgiven)
            if connection.execute(forgiving).rowcount != 1:
                return False
            connection.execute(delete(sessions).where(over | (sessions.c.digest == instead)))
            values = {name: getattr(row, name) for name in SessionRow.__slots__}
            connection.execute(sessions.insert().values(values))
            if action is not None:
                trail.keep(connection, action)
        return True

    def find(self, digest: bytes) -> tuple[SessionRow, OperatorRow] | None:
        """A session and whose it is; whether it still holds is for the caller to see."""
        asked = select(*_COLUMNS, *COLUMNS).join_from(
            sessions, operators, sessions.c.operator_id == operators.c.id
        )
        with self._database.reading() as connection:
            check(connection)
            row = connection.execute(asked.where(sessions.c.digest == digest)).first()
        if row is None:
            return None
        return SessionRow(*row[: len(_COLUMNS)]), OperatorRow(*row[len(_COLUMNS) :])

    def change(self, digest: bytes, values: Mapping[str, Any]) -> None:
        """Note when it was seen, or when the password was given."""
        with self._database.writing() as connection:
            check(connection)
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(**values))

    def of(self, operator_id: str) -> list[SessionRow]:
        """The whole sessions of an operator, the newest first; some may have ended by time."""
        mine = (sessions.c.operator_id == operator_id) & ~sessions.c.half
        asked = select(*_COLUMNS).where(mine).order_by(sessions.c.made_us.desc())
        with self._database.reading() as connection:
            check(connection)
            return [SessionRow(*row) for row in connection.execute(asked)]

    def end(self, operator_id: str, digest: bytes, action: Action) -> None:
        """End one session of an operator."""
        one = (sessions.c.operator_id == operator_id) & (sessions.c.digest == digest)
        self._end(one, action)

    def end_others(self, operator_id: str, digest: bytes, action: Action) -> None:
        """End every session of an operator but one."""
        others = (sessions.c.operator_id == operator_id) & (sessions.c.digest != digest)
        self._end(others, action)

    def _end(self, which: ColumnElement[bool], action: Action) -> None:
        with self._database.writing() as connection:
            check(connection)
            if connection.execute(delete(sessions).where(which)).rowcount:
                trail.keep(connection, action)

    # --- attempts ---------------------------------------------------------------------------

    def claim_attempt(
        self, operator_id: str, now_us: int, most: int, lock_us: int, otherwise: Action
    ) -> bool:
        """Count an attempt before it is looked at; False where the operator has to wait.

        Attempt number ``most`` without a sign-in locks for ``lock_us``. Since each is counted
        first, a hundred at once are a hundred. Where nothing is counted, because nobody has the
        id or they have to wait, ``otherwise`` is kept: to write takes as long as to count.
        """
        count, until = operators.c.failed + 1, operators.c.locked_until_us
        again = until > 0  # a lock that is over: counting begins anew
        values = {
            "failed": case((again, 1), else_=count),
            "locked_until_us": case((again, 0), (count >= most, now_us + lock_us), else_=0),
        }
        mine = (operators.c.id == operator_id) & (until <= now_us)
        with self._database.writing() as connection:
            check(connection)
            done = connection.execute(update(operators).where(mine).values(**values))
            if done.rowcount != 1:
                trail.keep(connection, otherwise)
            return done.rowcount == 1

    def take_step(self, operator_id: str, step: int) -> bool:
        """Take a code of the second factor; False where it or a later one was taken before."""
        return self._take(operators.c.totp_step < step, operator_id, {"totp_step": step})

    def take_recovery(self, operator_id: str, before: str, after: str) -> bool:
        """Put the recovery codes that are left in place; False where one was taken meanwhile."""
        return self._take(operators.c.recovery == before, operator_id, {"recovery": after})

    def _take(self, free: ColumnElement[bool], operator_id: str, values: Mapping[str, Any]) -> bool:
        with self._database.writing() as connection:
            check(connection)
            mine = free & (operators.c.id == operator_id)
            return connection.execute(update(operators).where(mine).values(**values)).rowcount == 1
