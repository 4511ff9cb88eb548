"""How much happened on each day, in the records' database: sums for people, no evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import TypeAlias

from sqlalchemy import select

from smsgate.records.database import DatabasePart, upsert
from smsgate.records.reader import rows_of
from smsgate.records.tables import days

DayCounts: TypeAlias = dict[str, int]
"""By measure, how often it happened on a day."""


class DailyCountStorage(DatabasePart):
    """Keeps the sums of days (UTC).

    Every method raises ``RecordsUnavailable``.
    """

    def save(self, counts: Mapping[date, Mapping[str, int]]) -> None:
        """Save sums. A saved sum only grows, so that a flushed store takes nothing away."""
        rows = [
            {"day": day.toordinal(), "what": measure, "count": count}
            for day, of_day in counts.items()
            for measure, count in of_day.items()
        ]
        if not rows:
            return
        with self._database.writing() as connection:
            insert = upsert(connection, days)
            grown = insert.excluded["count"]
            insert = insert.on_conflict_do_update(
                index_elements=["day", "what"], set_={"count": grown}, where=grown > days.c.count
            )
            connection.execute(insert, rows)

    def since(self, first: date) -> dict[date, DayCounts]:
        """The sums of each day from that one on; days without any are left out."""
        asked = select(days.c.day, days.c.what, days.c.count).where(days.c.day >= first.toordinal())
        found: dict[date, DayCounts] = defaultdict(dict)
        for day, measure, count in rows_of(self._database, asked):
            found[date.fromordinal(day)][measure] = count
        return dict(found)
