"""An e-mail address belongs to one operator."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NOTE = (
    "the address {email} was also given to {others}. It stays with the one person who has signed "
    "in with it, if any; give it again to the right one by a reset"
)


def upgrade() -> None:
    """Take addresses that several people have from all but the one who is bound by it.

    With such an address nobody could sign in for the first time: it did not say who they are. To
    leave it with one of them would let them in as somebody whom nobody chose.
    """
    connection = op.get_bind()
    operators = sa.table(
        "operators", *(sa.column(name) for name in ("id", "name", "email", "subject"))
    )
    with_email = sa.select(operators).where(operators.c.email != "").order_by(operators.c.name)
    people = defaultdict(list)
    for row in connection.execute(with_email):
        people[row.email.strip().casefold()].append(row)
    for email, rows in people.items():
        bound = [row for row in rows if row.subject]
        keeps = rows[0] if len(rows) == 1 else bound[0] if len(bound) == 1 else None
        for row in rows:
            kept = email if row is keeps else ""
            change = sa.update(operators).where(operators.c.id == row.id).values(email=kept)
            connection.execute(change)
            if not kept:
                others = ", ".join(one.name for one in rows if one is not row)
                _log(connection, row.name, _NOTE.format(email=email, others=others))
    given = sa.text("email <> ''")
    op.create_index(
        "operators_email",
        "operators",
        ["email"],
        unique=True,
        sqlite_where=given,
        postgresql_where=given,
    )


def _log(connection: sa.Connection, name: str, note: str) -> None:
    columns = ("id", "at_us", "operator", "actor", "what", "note", "address")
    at_us = time.time_ns() // 1000
    values = (
        f"{at_us:016d}-{secrets.token_hex(4)}",
        at_us,
        name,
        "smsgate records migrate",
        "e-mail address removed",
        note,
        "",
    )
    actions = sa.table("operator_actions", *map(sa.column, columns))
    connection.execute(sa.insert(actions).values(dict(zip(columns, values, strict=True))))
