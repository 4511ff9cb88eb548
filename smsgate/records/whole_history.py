"""The whole histories of many numbers: ``EventReader.of_number`` of each, asked together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import select

from smsgate.consent.events import numbers_of
from smsgate.records.asking import rows_of
from smsgate.records.contents import lookup
from smsgate.records.database import Database
from smsgate.records.reader import EVENTS, Recorded, part_of, recorded_of
from smsgate.records.tables import events, links, listed

_AT_ONCE = 400
"""Numbers in one question, below SQLite's bound of variables."""


class WholeHistory:
    """Reads the stories of numbers, hundreds at once. Raises as ``EventReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, numbers: Iterable[str]) -> Iterator[list[Recorded]]:
        """Of each of different numbers, in order, its events in the order of their chain."""
        waiting = iter(numbers)
        while some := [*islice(waiting, _AT_ONCE)]:
            stories: dict[str, list[Recorded]] = {lookup(number): [] for number in some}
            for one in self._alone([*stories]):
                stories[lookup(one.event.number)].append(one)
            for one in self._listed([*stories]):
                for number in stories.keys() & numbers_of(one.event):
                    stories[number].append(part_of(one, number))
            for number in some:
                yield sorted(stories[lookup(number)], key=lambda one: one.seq)

    def _alone(self, known: Sequence[str]) -> Iterator[Recorded]:
        asked = EVENTS.where(events.c.number.in_(known))
        return map(recorded_of, rows_of(self._database, asked))

    def _listed(self, known: Sequence[str]) -> Iterator[Recorded]:
        about = (listed.c.lane == links.c.lane) & (listed.c.seq == links.c.seq)
        ids = select(links.c.event_id).join(listed, about).where(listed.c.number.in_(known))
        return map(recorded_of, rows_of(self._database, EVENTS.where(events.c.id.in_(ids))))
