"""Operators as tests need them: with a password at once, and what was logged about them."""

from __future__ import annotations

from typing import Any

from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, update

from smsgate.features.operators.service import OperatorService
from smsgate.features.operators.storage import ActionAuthor, OperatorRow, token_digest
from smsgate.records import Records
from smsgate.records.console_tables import operator_actions, operators, passkeys


def set_operator(records: Records, name: str, **values: Any) -> None:
    """Change columns of an operator's row."""
    with records.database.writing() as connection:
        connection.execute(update(operators).where(operators.c.name == name).values(**values))


def add_operator(records: Records, name: str, role: str, password_hash: str) -> OperatorRow:
    """Add an operator who has a password."""
    people = OperatorService(records)
    people.add(name, role, ActionAuthor("the tests"))
    set_operator(records, name, password_hash=password_hash)
    return people.named(name)


def put_passkey(records: Records, row: OperatorRow) -> None:
    """Give somebody a passkey that no authenticator has."""
    values = (b"id", row.id, b"key", 1, "My phone", 1, 0)
    with records.database.writing() as connection:
        connection.execute(passkeys.insert().values(values))


def session_digest(cookie: str) -> bytes:
    """What is kept of the session whose token is in the console's cookie."""
    _, content = URLSafeTimedSerializer("").loads_unsafe(cookie)
    return token_digest(content["token"])


def newest_actions(records: Records, limit: int) -> list[Any]:
    """The newest lines of the log, newest first."""
    query = select(operator_actions).order_by(operator_actions.c.id.desc()).limit(limit)
    with records.database.reading() as connection:
        return list(connection.execute(query))


def put_action(records: Records, *, at_us: int, actor: str, what: str, **values: Any) -> None:
    """Add a line of the log at some time."""
    known = {"id": f"{at_us:016d}-{what}", "operator": actor, "note": "", "address": ""}
    row = known | {"at_us": at_us, "actor": actor, "what": what} | values
    with records.database.writing() as connection:
        connection.execute(operator_actions.insert().values(row))
