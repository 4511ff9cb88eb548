"""What pages and features read of the records, always bounded. Raises as ``RecordReader``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy import text as sql

from smsgate.records.database import DatabasePart, lookup
from smsgate.records.reader import (
    EVENTS,
    Recorded,
    ids_of_lists,
    part_of,
    recorded_of,
    rows_of,
    stream_of,
)
from smsgate.records.tables import MANUAL_EVENTS, events, texts

_PAIRS = 400
"""Numbers in one question, below SQLite's bound of variables."""
_NEWEST = (events.c.received_us.desc(), events.c.seq.desc())


class HistoryPlace(NamedTuple):
    """Where a page of a number's story ends: receipt and sequence number of its last event."""

    received_us: int
    seq: int


class TextPlace(NamedTuple):
    """Where a page ends: receipt and id of its last event."""

    received_us: int
    event_id: str


SEARCHED = 20_000
"""Texts that one page of a search looks through."""


@dataclass(frozen=True, slots=True)
class TextSearchPage:
    """Texts that contain every word, newest first."""

    found: Sequence[Recorded]
    older: TextPlace | None
    """Where the next page begins; None where every text was looked through."""


class EventHistory(DatabasePart):
    """Reads what pages show."""

    def of_number(self, number: str, before: HistoryPlace | None, limit: int) -> list[Recorded]:
        """The newest events of a number behind a place; of a list its part only."""
        alone = EVENTS.where(events.c.number == lookup(number))
        of_lists = EVENTS.where(events.c.id.in_(ids_of_lists([number])))
        found = self._page(alone, before, limit)
        found += [part_of(one, number) for one in self._page(of_lists, before, limit)]
        return sorted(found, key=place_of, reverse=True)[:limit]

    def newest(self, limit: int, *kinds: str, number: str = "") -> list[Recorded]:
        """The newest events (of some kinds, of one number)."""
        asked = EVENTS.where(events.c.kind.in_(kinds)) if kinds else EVENTS
        asked = asked.where(events.c.number == lookup(number)) if number else asked
        return self._page(asked, None, limit)

    def manual(self, since_us: int, limit: int) -> list[Recorded]:
        """Manual actions of operators since a moment."""
        # Word for word the condition of the index, or it is not used.
        asked = EVENTS.where(sql(MANUAL_EVENTS), events.c.received_us >= since_us)
        return self._page(asked, None, limit)

    def at(self, places: Sequence[tuple[str, int]]) -> list[Recorded]:
        """The events that were received from a number at a moment, of many such pairs."""
        found: list[Recorded] = []
        for at in range(0, len(places), _PAIRS):
            some = [(lookup(number), us) for number, us in places[at : at + _PAIRS]]
            asked = EVENTS.where(tuple_(events.c.number, events.c.received_us).in_(some))
            found += map(recorded_of, rows_of(self._database, asked))
        return found

    def counts(self, numbers: Sequence[str]) -> dict[str, int]:
        """How many events each of some numbers has, imported lists aside."""
        known = {lookup(number): number for number in numbers}
        asked = (
            select(events.c.number, func.count())
            .where(events.c.number.in_([*known]))
            .group_by(events.c.number)
        )
        return {known[number]: count for number, count in rows_of(self._database, asked)}

    def texts(self, behind: TextPlace | None, most: int) -> list[Recorded]:
        """The newest events that tell of a text, behind a place; some have lost it since."""
        asked = _texts_behind(EVENTS, behind).limit(most)
        return [*map(recorded_of, rows_of(self._database, asked))]

    def search(self, words: Sequence[str], behind: TextPlace | None, limit: int) -> TextSearchPage:
        """At most ``limit`` texts behind a place that contain all words, whatever their case.

        No index of words is kept, which would have to forget what is erased.
        """
        places = _texts_behind(select(events.c.received_us, events.c.id), behind)
        newest = places.limit(SEARCHED).subquery()
        asked = (
            EVENTS.join(newest, newest.c.id == events.c.id)
            .where(*map(_contains, words))
            .order_by(newest.c.received_us.desc(), newest.c.id.desc())
        )
        with closing(stream_of(self._database, asked)) as rows:
            texts_found = (one for one in map(recorded_of, rows) if _has(one, words))
            found = [*islice(texts_found, limit)]
        if len(found) == limit:
            last = found[-1].event
            return TextSearchPage(found, TextPlace(last.received_us, last.id))
        end = rows_of(self._database, places.offset(SEARCHED - 1).limit(1))
        return TextSearchPage(found, TextPlace(*end[0]) if end else None)

    def _page(self, asked: Select[Any], before: HistoryPlace | None, limit: int) -> list[Recorded]:
        if before is not None:
            asked = asked.where(_behind(before, events.c.seq))
        return [*map(recorded_of, rows_of(self._database, asked.order_by(*_NEWEST).limit(limit)))]


def place_of(one: Recorded) -> HistoryPlace:
    """The place of an event in the history of its number."""
    return HistoryPlace(one.event.received_us or one.event.applied_us, one.seq)


def _behind(place: HistoryPlace | TextPlace, column: ColumnElement[Any]) -> ColumnElement[bool]:
    at, last = place
    same = and_(events.c.received_us == at, column < last)
    # The first condition is implied; the index can use it.
    return and_(events.c.received_us <= at, or_(events.c.received_us < at, same))


def _texts_behind(asked: Select[Any], behind: TextPlace | None) -> Select[Any]:
    asked = asked.where(events.c.source == "text")
    if behind is not None:
        asked = asked.where(_behind(behind, events.c.id))
    return asked.order_by(events.c.received_us.desc(), events.c.id.desc())


def _contains(word: str) -> ColumnElement[bool]:
    """SQLite knows the case of ASCII letters only, so that others are asked for in each case."""
    ways = {word, word.lower(), word.upper(), word.capitalize()}
    return or_(*(texts.c.words.icontains(way, autoescape=True) for way in sorted(ways)))


def _has(one: Recorded, words: Sequence[str]) -> bool:
    """Whether the text itself has the words, and not a reason or a reply beside it."""
    said = one.event.entry.text.casefold() if one.event.entry else ""
    return all(word.casefold() in said for word in words)
