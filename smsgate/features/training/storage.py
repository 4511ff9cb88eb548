"""Who answered the questions about which version of the guide, when, and how well.

47 CFR 64.1200(d) asks for trained staff. Rows are added, and never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_

from smsgate.records.console_tables import trainings
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert
from smsgate.records.schema import check

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One attempt."""

    id: str
    operator: str
    version: str
    taken_us: int
    right_count: int
    asked_count: int
    passed: bool


_COLUMNS = tuple(trainings.c[name] for name in TrainingRow.__slots__)


class Trainings:
    """Keeps the attempts. All of it raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        """Use the database; nothing is asked yet."""
        self._database = database

    def add(self, row: TrainingRow) -> None:
        """Keep an attempt; of one that is kept already nothing changes."""
        values = {name: getattr(row, name) for name in TrainingRow.__slots__}
        with self._database.writing() as connection:
            check(connection)
            asked = upsert(connection, trainings).on_conflict_do_nothing()
            connection.execute(asked, [values | {"operator": lookup(row.operator)}])

    def newest(self, before: tuple[int, str] | None, most: int) -> list[TrainingRow]:
        """Attempts from the newest on, or those behind ``before`` (its time and id)."""
        asked = select(*_COLUMNS)
        if before is not None:
            place = tuple_(trainings.c.taken_us, trainings.c.id)
            asked = asked.where(place < before)
        asked = asked.order_by(trainings.c.taken_us.desc(), trainings.c.id.desc()).limit(most)
        with self._database.reading() as connection:
            check(connection)
            return [TrainingRow(*row) for row in connection.execute(asked)]

    def all(self) -> Iterator[TrainingRow]:
        """Every attempt, the newest first."""
        some = self.newest(None, _PAGE)
        while some:
            yield from some
            some = self.newest((some[-1].taken_us, some[-1].id), _PAGE)

    def passed(self, version: str) -> Mapping[str, int]:
        """By operator when they last passed a version (us)."""
        asked = (
            select(trainings.c.operator, func.max(trainings.c.taken_us))
            .where(trainings.c.version == version, trainings.c.passed)
            .group_by(trainings.c.operator)
        )
        with self._database.reading() as connection:
            check(connection)
            return {row[0]: row[1] for row in connection.execute(asked)}
