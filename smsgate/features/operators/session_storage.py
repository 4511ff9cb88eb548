"""Who is signed in to the console, and where. Everything raises as in ``storage.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, select, update

from smsgate.features.operators.storage import (
    OPERATOR_COLUMNS,
    OperatorAction,
    OperatorRow,
    log_action,
)
from smsgate.records.console_tables import operators, sessions
from smsgate.records.database import Database


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


_SESSION = tuple(sessions.c[name] for name in SessionRow.__slots__)


class SessionStorage:
    """The sessions, and the attempts at a second factor."""

    def __init__(self, database: Database) -> None:
        """Connects on first use."""
        self._database = database

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
        with self._database.writing() as connection:
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
        query = select(*_SESSION, *OPERATOR_COLUMNS).join_from(
            sessions, operators, sessions.c.operator_id == operators.c.id
        )
        with self._database.reading() as connection:
            row = connection.execute(query.where(sessions.c.digest == digest)).first()
        if row is None:
            return None
        return SessionRow(*row[: len(_SESSION)]), OperatorRow(*row[len(_SESSION) :])

    def change(self, digest: bytes, values: Mapping[str, Any]) -> None:
        """Update when it was seen, or when the password was given."""
        with self._database.writing() as connection:
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(**values))

    def of(self, operator_id: str) -> list[SessionRow]:
        """Return an operator's whole sessions, newest first; some may have ended by time."""
        mine = (sessions.c.operator_id == operator_id) & ~sessions.c.half
        query = select(*_SESSION).where(mine).order_by(sessions.c.made_us.desc())
        with self._database.reading() as connection:
            return [SessionRow(*row) for row in connection.execute(query)]

    def end(self, operator_id: str, digest: bytes, action: OperatorAction) -> None:
        """End one session of an operator."""
        self._end(operator_id, sessions.c.digest == digest, action)

    def end_others(self, operator_id: str, digest: bytes, action: OperatorAction) -> None:
        """End every session of an operator but one."""
        self._end(operator_id, sessions.c.digest != digest, action)

    def _end(self, operator_id: str, which: ColumnElement[bool], action: OperatorAction) -> None:
        ending = delete(sessions).where(which & (sessions.c.operator_id == operator_id))
        with self._database.writing() as connection:
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
        with self._database.writing() as connection:
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
        with self._database.writing() as connection:
            return connection.execute(taking).rowcount == 1
