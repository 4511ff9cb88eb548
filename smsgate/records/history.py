"""Parts of the records, as pages show them: always a bounded number of events, newest first.

Everything here raises ``RecordsUnavailable`` and ``RecordsNotReady``; where the SQLite file was
never made there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy import text as sql

from smsgate.consent.events import told_of
from smsgate.records.asking import rows_of
from smsgate.records.contents import lookup
from smsgate.records.database import Database
from smsgate.records.reader import EVENTS, Recorded, recorded_of
from smsgate.records.tables import BY_HAND, TOLD, events, links, listed, texts

_PAIRS = 400
"""Numbers in one question, below SQLite's bound of variables."""
_words = msgspec.json.Decoder(dict[str, Any]).decode
_NEWEST = (events.c.received_us.desc(), events.c.seq.desc())


class HistoryPlace(NamedTuple):
    """Where a page of a number's story ends: receipt and sequence number of its last event."""

    received_us: int
    seq: int


class EventText(NamedTuple):
    """One text of many, without the rest of its event."""

    program: str
    number: str
    received_us: int
    text: str


class EventHistory:
    """Reads what pages show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_number(self, number: str, before: HistoryPlace | None, limit: int) -> list[Recorded]:
        """The newest events of a number behind a place; of a list its part only."""
        alone = EVENTS.where(events.c.number == lookup(number))
        found = [*self._page(alone, before, limit), *self.of_lists(number, before, limit)]
        return sorted(found, key=place_of, reverse=True)[:limit]

    def of_lists(self, number: str, before: HistoryPlace | None, limit: int) -> list[Recorded]:
        """The newest lists behind a place that a number stood in, each with its part only."""
        asked = (
            EVENTS.join(links, links.c.event_id == events.c.id)
            .join(listed, (listed.c.lane == links.c.lane) & (listed.c.seq == links.c.seq))
            .where(listed.c.number == lookup(number))
        )
        return [_told(one, number) for one in self._page(asked, before, limit)]

    def replies(self, number: str, since_us: int, until_us: int, limit: int) -> list[Recorded]:
        """Replies to a number between two moments, and what providers told of them."""
        asked = EVENTS.where(
            events.c.number == lookup(number),
            events.c.received_us.between(since_us, until_us),
            events.c.kind.in_(("reply", "receipt")),
        )
        return self._page(asked, None, limit)

    def of_kinds(self, number: str, kinds: Sequence[str], limit: int) -> list[Recorded]:
        """The newest events of a number that are of some kinds."""
        asked = EVENTS.where(events.c.number == lookup(number), events.c.kind.in_(kinds))
        return self._page(asked, None, limit)

    def told(self, number: str, kinds: Sequence[str], limit: int) -> list[Recorded]:
        """As ``of_kinds``, for consents, opt-ins and locks: without looking at all the others."""
        # Word for word the condition of the index, or it is not used.
        asked = EVENTS.where(events.c.number == lookup(number), sql(TOLD), events.c.kind.in_(kinds))
        return self._page(asked, None, limit)

    def around(self, number: str, received_us: int, count: int) -> list[Recorded]:
        """The events of a number up to a moment and behind it, ``count`` each."""
        mine = EVENTS.where(events.c.number == lookup(number))
        later = mine.where(events.c.received_us > received_us).order_by(events.c.received_us)
        found = [*map(recorded_of, rows_of(self._database, later.limit(count)))]
        earlier = mine.where(events.c.received_us <= received_us)
        return sorted([*found, *self._page(earlier, None, count)], key=place_of)

    def newest(self, limit: int, kind: str = "") -> list[Recorded]:
        """The newest events of all numbers (of one kind)."""
        return self._page(EVENTS.where(events.c.kind == kind) if kind else EVENTS, None, limit)

    def by_hand(self, since_us: int, limit: int) -> list[Recorded]:
        """What operators did since a moment."""
        # Word for word the condition of the index, or it is not used.
        asked = EVENTS.where(sql(BY_HAND), events.c.received_us >= since_us)
        return self._page(asked, None, limit)

    def at(self, places: Sequence[tuple[str, int]]) -> list[Recorded]:
        """The events that were received from a number at a moment, of many such pairs."""
        found: list[Recorded] = []
        for at in range(0, len(places), _PAIRS):
            some = [(lookup(number), us) for number, us in places[at : at + _PAIRS]]
            asked = EVENTS.where(tuple_(events.c.number, events.c.received_us).in_(some))
            found += map(recorded_of, rows_of(self._database, asked))
        return found

    def worded(self, kind: str, since_us: int, limit: int) -> list[EventText]:
        """The texts of the newest events of a kind since a moment."""
        asked = (
            select(events.c.program, events.c.number, events.c.received_us, texts.c.words)
            .join(texts, texts.c.event_id == events.c.id)
            .where(events.c.kind == kind, events.c.received_us >= since_us)
            .order_by(events.c.received_us.desc())
            .limit(limit)
        )
        return [
            EventText(program, number, received_us, _words(words.encode()).get("text", ""))
            for program, number, received_us, words in rows_of(self._database, asked)
        ]

    def counts(self, numbers: Sequence[str]) -> dict[str, int]:
        """How many events each of some numbers has, imported lists aside."""
        known = {lookup(number): number for number in numbers}
        asked = (
            select(events.c.number, func.count())
            .where(events.c.number.in_([*known]))
            .group_by(events.c.number)
        )
        return {known[number]: count for number, count in rows_of(self._database, asked)}

    def _page(self, asked: Select[Any], before: HistoryPlace | None, limit: int) -> list[Recorded]:
        if before is not None:
            asked = asked.where(_behind(before))
        return [*map(recorded_of, rows_of(self._database, asked.order_by(*_NEWEST).limit(limit)))]


def place_of(one: Recorded) -> HistoryPlace:
    """Where an event stands in the story of its number."""
    return HistoryPlace(one.event.received_us or one.event.applied_us, one.seq)


def _behind(before: HistoryPlace) -> ColumnElement[bool]:
    at, seq = before
    same = and_(events.c.received_us == at, events.c.seq < seq)
    # The first condition is implied; the index can use it.
    return and_(events.c.received_us <= at, or_(events.c.received_us < at, same))


def _told(one: Recorded, number: str) -> Recorded:
    told = told_of(one.event, number)
    return (
        one
        if told is None
        else Recorded(told, one.partition, one.seq, one.erased, one.committed_us)
    )
