"""The log of what people and their programs did, on pages, at terminals and by ``/v1``."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection

from smsgate.records.database import Database, lookup, upsert
from smsgate.records.tables import operator_actions

_HOUR_US = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class ActionAuthor:
    """Who does something, and from where."""

    name: str
    address: str = ""


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
    at_us = time.time_ns() // 1000
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
