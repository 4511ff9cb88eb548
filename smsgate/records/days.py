"""How often a thing happened on each day: sums for people, no evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from sqlalchemy import select

from smsgate.records.asking import rows_of
from smsgate.records.console_tables import days
from smsgate.records.database import Database, upsert
from smsgate.records.schema import check

Counts = dict[str, int]
"""By what happened, how often."""


class Days:
    """Keeps the sums. Raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, counted: Mapping[date, Mapping[str, int]]) -> None:
        """Keep the sums of days (UTC); one that is kept already only grows.

        So a store that was flushed, and counts anew, takes nothing away.
        """
        rows = [
            {"day": day.toordinal(), "what": what, "count": count}
            for day, counts in counted.items()
            for what, count in counts.items()
        ]
        if not rows:
            return
        with self._database.writing() as connection:
            check(connection)
            adding = upsert(connection, days)
            grown = adding.excluded["count"]
            adding = adding.on_conflict_do_update(
                index_elements=["day", "what"], set_={"count": grown}, where=grown > days.c.count
            )
            connection.execute(adding, rows)

    def since(self, first: date) -> dict[date, Counts]:
        """The sums of each day from that one on; days without any are left out."""
        asked = select(days.c.day, days.c.what, days.c.count).where(days.c.day >= first.toordinal())
        found: dict[date, Counts] = defaultdict(dict)
        for day, what, count in rows_of(self._database, asked):
            found[date.fromordinal(day)][what] = count
        return dict(found)
