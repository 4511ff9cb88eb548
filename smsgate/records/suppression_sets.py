"""The suppression set of a scope as the records have it, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from smsgate.domain.messages import ALL
from smsgate.records.asking import Row
from smsgate.records.contents import standing_of
from smsgate.records.database import Database
from smsgate.records.reader import NumberStanding
from smsgate.records.schema import check
from smsgate.records.tables import numbers

SCANNED = 20_000
"""Numbers that one page looks at; so a page takes as long in a small scope as in a large one."""


@dataclass(frozen=True, slots=True)
class SuppressionPage:
    """Some numbers of a set, in order."""

    numbers: list[NumberStanding]
    next: str
    """Behind which number the next page begins; empty at the end of the set."""


class SuppressionSets:
    """Reads the sets. Raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, scope: str, after: str, limit: int) -> SuppressionPage:
        """At most ``limit`` numbers of the set of a scope (``all`` or a program's name).

        A page may have fewer where the set is much smaller than others; ``next`` tells whether
        there is another.
        """
        if self._database.absent:
            return SuppressionPage([], "")
        asked = select(numbers).where(numbers.c.number > after).order_by(numbers.c.number)
        with self._database.reading() as connection:
            check(connection)
            streamed = connection.execution_options(yield_per=1_000)
            with streamed.execute(asked.limit(SCANNED)) as rows:
                return _page(rows, scope, limit)


def _page(rows: Iterable[Row], scope: str, limit: int) -> SuppressionPage:
    found: list[NumberStanding] = []
    seen, last = 0, ""
    for row in rows:
        if _is_in(row, scope):
            if len(found) == limit:
                return SuppressionPage(found, found[-1].number)
            number, partition, seq, *rest = row
            found.append(NumberStanding(number, partition, seq, standing_of(*rest)))
        seen, last = seen + 1, row.number
    return SuppressionPage(found, last if seen == SCANNED else "")


def _is_in(row: Row, scope: str) -> bool:
    return bool(row.everywhere) if scope == ALL else scope in row.own.split()
