"""Attempts at the quiz: who answered which version of the guide, when, and how well.

47 CFR 64.1200(d) asks for trained staff. Rows are added, and never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_

from smsgate.records.console_tables import trainings
from smsgate.records.contents import lookup
from smsgate.records.database import Database, upsert

_PAGE_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One attempt at the quiz."""

    id: str
    operator: str
    version: str
    taken_us: int
    right_count: int
    asked_count: int
    passed: bool


_COLUMNS = tuple(trainings.c[name] for name in TrainingRow.__slots__)


class TrainingStorage:
    """The attempts. Every method raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        """Connects on first use."""
        self._database = database

    def add(self, row: TrainingRow) -> None:
        """Record an attempt; one that is recorded already stays as it is."""
        values = {name: getattr(row, name) for name in TrainingRow.__slots__}
        with self._database.writing() as connection:
            asked = upsert(connection, trainings).on_conflict_do_nothing()
            connection.execute(asked, [values | {"operator": lookup(row.operator)}])

    def newest(self, before: tuple[int, str] | None, most: int) -> list[TrainingRow]:
        """Return up to ``most`` attempts, newest first, those older than ``before`` (time, id)."""
        asked = select(*_COLUMNS)
        if before is not None:
            place = tuple_(trainings.c.taken_us, trainings.c.id)
            asked = asked.where(place < before)
        asked = asked.order_by(trainings.c.taken_us.desc(), trainings.c.id.desc()).limit(most)
        with self._database.reading() as connection:
            return [TrainingRow(*row) for row in connection.execute(asked)]

    def all(self) -> Iterator[TrainingRow]:
        """Every attempt, newest first."""
        page = self.newest(None, _PAGE_SIZE)
        while page:
            yield from page
            page = self.newest((page[-1].taken_us, page[-1].id), _PAGE_SIZE)

    def passed(self, version: str) -> Mapping[str, int]:
        """When each operator last passed a version, in microseconds since 1970."""
        asked = (
            select(trainings.c.operator, func.max(trainings.c.taken_us))
            .where(trainings.c.version == version, trainings.c.passed)
            .group_by(trainings.c.operator)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(asked)}
