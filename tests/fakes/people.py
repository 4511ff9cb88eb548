"""Operators as tests need them: with a password at once, and what was logged about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, update

from smsgate.api_keys import Caller
from smsgate.features.operators import operations as people
from smsgate.features.operators.factors import add_credential
from smsgate.features.operators.service import (
    OperatorRow,
    OperatorService,
    find_operators,
    first_link,
    token_digest,
)
from smsgate.interface.operation import Context
from smsgate.records import Records
from smsgate.records.operator_actions import ActionAuthor
from smsgate.records.tables import operator_actions, operators
from tests.fakes.browser import Browser


class People(OperatorService):
    """Operators, and what an admin does about them, by the operations."""

    def __init__(self, records: Records) -> None:
        super().__init__(records.database)
        self._records = records

    def _run(self, operation: Any, request: Any, author: ActionAuthor) -> Any:
        web = SimpleNamespace(mail=None)
        settings: Any = SimpleNamespace(web=web, public_url="http://localhost", port=80)
        context = Context(Caller(author.name, "admin"), is_person=True)
        return operation.run(context, request, self._records, settings)

    def all(self) -> list[OperatorRow]:
        return find_operators(self.database)

    def make_first_link(self) -> str | None:
        return first_link(self.database, ActionAuthor("tests"))

    def add(self, name: str, role: Any, author: ActionAuthor, email: str = "") -> str:
        """Give the path of the link."""
        asked = people.NewPerson(name=name, role=role, email=email)
        return urlsplit(self._run(people.add_person, asked, author).link).path

    def reset(self, name: str, author: ActionAuthor, **values: Any) -> str:
        """Give the path of the link."""
        asked = people.PersonReset(name=name, **values)
        return urlsplit(self._run(people.reset_person, asked, author).link).path

    def set_role(self, name: str, role: Any, author: ActionAuthor) -> None:
        self._run(people.set_role, people.PersonRole(name=name, role=role), author)

    def deactivate(self, name: str, author: ActionAuthor) -> None:
        self._run(people.deactivate_person, people.PersonChoice(name=name), author)


_FORMS = {"reset": "reset-password", "role": "change-role", "end": "deactivate"}


def change_people(one: Browser, deed: str, data: Mapping[str, str], **more: Any) -> Any:
    """Send a form of the page People, which is about somebody of a name."""
    form = dict(data)
    if deed in _FORMS:
        form["filters"] = ""
        form["row"] = json.dumps({"name": form.pop("name", "")}, separators=(",", ":"))
    return one.post(f"/console/people/{_FORMS.get(deed, deed)}", form, **more)


def set_operator(records: Records, name: str, **values: Any) -> None:
    """Change columns of an operator's row."""
    with records.database.writing() as connection:
        connection.execute(update(operators).where(operators.c.name == name).values(**values))


def add_operator(records: Records, name: str, role: str, password_hash: str) -> OperatorRow:
    """Add an operator who has a password; the one of the first link is there already."""
    made = People(records)
    if name not in [one.name for one in made.all()]:
        made.add(name, role, ActionAuthor("the tests"))
    set_operator(records, name, password_hash=password_hash)
    return made.named(name)


def put_factor(
    records: Records, row: OperatorRow, kind: str = "passkey", secret: bytes = b"key"
) -> None:
    """Give somebody a factor that no device has."""
    with records.database.writing() as connection:
        values = {"id": b"id", "secret": secret, "counter": 1, "name": "My phone", "kind": kind}
        add_credential(connection, row, values)


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
