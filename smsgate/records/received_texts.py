"""The texts of the records, page by page, the newest first: what keyword sets are tried on."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, or_

from smsgate.records.database import Database
from smsgate.records.reader import EVENTS, Recorded, recorded_of
from smsgate.records.schema import check
from smsgate.records.tables import events


class TextPlace(NamedTuple):
    """Where a page ends: receipt and id of its last event."""

    received_us: int
    event_id: str


class ReceivedTexts:
    """Reads what subscribers texted. Raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, behind: TextPlace | None, most: int) -> list[Recorded]:
        """The newest events that tell of a text, behind a place; some have lost it since."""
        if self._database.absent:
            return []
        asked = EVENTS.where(events.c.source == "text")
        if behind is not None:
            at, id_ = behind
            same = and_(events.c.received_us == at, events.c.id < id_)
            # The first condition is implied; the index can use it.
            asked = asked.where(events.c.received_us <= at, or_(events.c.received_us < at, same))
        asked = asked.order_by(events.c.received_us.desc(), events.c.id.desc()).limit(most)
        with self._database.reading() as connection:
            check(connection)
            return [*map(recorded_of, connection.execute(asked))]
