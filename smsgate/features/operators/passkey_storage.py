"""The passkeys of operators, and the challenge that a session is to answer.

Everything raises ``RecordsUnavailable``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select, update

from smsgate.features.operators.storage import OperatorAction, log_action
from smsgate.records.console_tables import operators, passkeys, sessions
from smsgate.records.database import Database, upsert
from smsgate.records.reader import rows_of


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One passkey of an operator."""

    credential_id: bytes
    operator_id: str
    public_key: bytes = field(repr=False)
    """As COSE."""
    sign_count: int
    """How many signatures its authenticator had made, as it says; 0 where it does not count."""
    name: str
    made_us: int
    used_us: int = 0
    """When it signed in last; 0 for never."""


_PASSKEY = tuple(passkeys.c[name] for name in PasskeyRow.__slots__)


class PasskeyStorage:
    """The table of passkeys."""

    def __init__(self, database: Database) -> None:
        """Connects on first use."""
        self._database = database

    def of(self, operator_id: str) -> list[PasskeyRow]:
        """Return an operator's passkeys, oldest first."""
        mine = passkeys.c.operator_id == operator_id
        query = select(*_PASSKEY).where(mine).order_by(passkeys.c.made_us)
        return [PasskeyRow(*row) for row in rows_of(self._database, query)]

    def add(self, row: PasskeyRow, values: Mapping[str, Any], action: OperatorAction) -> bool:
        """Add a passkey, and change its operator; return False where somebody has it already."""
        owner = operators.c.id == row.operator_id
        with self._database.writing() as connection:
            adding = upsert(connection, passkeys).on_conflict_do_nothing().values(asdict(row))
            if connection.execute(adding.returning(passkeys.c.made_us)).first() is None:
                return False
            if values:
                connection.execute(update(operators).where(owner).values(**values))
            log_action(connection, action)
        return True

    def rename(self, row: PasskeyRow, name: str, action: OperatorAction) -> None:
        """Give a passkey another name."""
        with self._database.writing() as connection:
            change = update(passkeys).where(_is(row)).values(name=name)
            if connection.execute(change).rowcount:
                log_action(connection, action)

    def remove(self, row: PasskeyRow, action: OperatorAction) -> None:
        """Remove a passkey; with the last second factor the recovery codes go as well."""
        left = exists().where(passkeys.c.operator_id == row.operator_id)
        bare = (operators.c.id == row.operator_id) & (operators.c.totp_secret == "") & ~left
        with self._database.writing() as connection:
            if connection.execute(delete(passkeys).where(_is(row))).rowcount:
                connection.execute(update(operators).where(bare).values(recovery=""))
                log_action(connection, action)

    def use(self, row: PasskeyRow, sign_count: int, now_us: int) -> bool:
        """Note a use; return False where the count is not above the one that is stored.

        Two zeros are allowed: that authenticator does not count. Of two answers with one count
        only the first is accepted.
        """
        uncounted = (passkeys.c.sign_count == 0) & (sign_count == 0)
        forward = (passkeys.c.sign_count < sign_count) | uncounted
        using = update(passkeys).where(_is(row) & forward)
        with self._database.writing() as connection:
            done = connection.execute(using.values(sign_count=sign_count, used_us=now_us))
            return done.rowcount == 1

    def set_challenge(self, session: bytes, challenge: bytes, ends_us: int) -> None:
        """Store what the session with that digest is to answer; it replaces the one before."""
        values = {"challenge": challenge, "challenge_ends_us": ends_us}
        mine = sessions.c.digest == session
        with self._database.writing() as connection:
            connection.execute(update(sessions).where(mine).values(**values))

    def take_challenge(self, session: bytes, now_us: int) -> bytes | None:
        """Return the session's challenge and forget it; None where there is none or it expired."""
        mine = (sessions.c.digest == session) & (sessions.c.challenge_ends_us > now_us)
        with self._database.writing() as connection:
            found: bytes | None = connection.scalar(select(sessions.c.challenge).where(mine))
            if found is None:
                return None
            taking = update(sessions).where(mine & (sessions.c.challenge == found))
            taken = connection.execute(taking.values(challenge=None, challenge_ends_us=None))
            return found if taken.rowcount == 1 else None


def _is(row: PasskeyRow) -> ColumnElement[bool]:
    same = passkeys.c.credential_id == row.credential_id
    return same & (passkeys.c.operator_id == row.operator_id)
