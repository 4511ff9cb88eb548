"""What pages and features read of the records, always bounded or streamed.

Events of a number page by page, whole histories of many numbers, received texts, and suppression
sets. Raises as ``RecordReader``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy import text as sql

from smsgate.consent.list_import import numbers_of
from smsgate.domain.messages import ALL
from smsgate.records.database import Database, lookup
from smsgate.records.reader import (
    EVENTS,
    NumberConsentState,
    Recorded,
    number_consent_state_of,
    part_of,
    recorded_of,
    rows_of,
    stream_of,
)
from smsgate.records.tables import (
    MANUAL_EVENTS,
    events,
    links,
    listed,
    numbers,
    texts,
)

_PAIRS = 400
"""Numbers in one question, below SQLite's bound of variables."""
_NEWEST = (events.c.received_us.desc(), events.c.seq.desc())


class HistoryPlace(NamedTuple):
    """Where a page of a number's story ends: receipt and sequence number of its last event."""

    received_us: int
    seq: int


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
        """The newest lists behind a place that contain a number, each with its part only."""
        asked = (
            EVENTS.join(links, links.c.event_id == events.c.id)
            .join(listed, (listed.c.partition == links.c.partition) & (listed.c.seq == links.c.seq))
            .where(listed.c.number == lookup(number))
        )
        return [part_of(one, number) for one in self._page(asked, before, limit)]

    def replies(self, number: str, since_us: int, until_us: int, limit: int) -> list[Recorded]:
        """Replies to a number between two moments, and their delivery receipts."""
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

    def _page(self, asked: Select[Any], before: HistoryPlace | None, limit: int) -> list[Recorded]:
        if before is not None:
            asked = asked.where(_behind(before))
        return [*map(recorded_of, rows_of(self._database, asked.order_by(*_NEWEST).limit(limit)))]


def place_of(one: Recorded) -> HistoryPlace:
    """The place of an event in the history of its number."""
    return HistoryPlace(one.event.received_us or one.event.applied_us, one.seq)


def _behind(before: HistoryPlace) -> ColumnElement[bool]:
    at, seq = before
    same = and_(events.c.received_us == at, events.c.seq < seq)
    # The first condition is implied; the index can use it.
    return and_(events.c.received_us <= at, or_(events.c.received_us < at, same))


_AT_ONCE = 400
"""Numbers in one question, below SQLite's bound of variables."""


class WholeHistory:
    """Reads the stories of numbers, hundreds at once. Raises as ``RecordReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, numbers: Iterable[str]) -> Iterator[list[Recorded]]:
        """Of each of different numbers, in order, its events in the order of their chain."""
        waiting = iter(numbers)
        while some := [*islice(waiting, _AT_ONCE)]:
            stories: dict[str, list[Recorded]] = {lookup(number): [] for number in some}
            alone = EVENTS.where(events.c.number.in_([*stories]))
            for one in map(recorded_of, rows_of(self._database, alone)):
                stories[lookup(one.event.number)].append(one)
            about = (listed.c.partition == links.c.partition) & (listed.c.seq == links.c.seq)
            ids = select(links.c.event_id).join(listed, about)
            ids = ids.where(listed.c.number.in_([*stories]))
            of_lists = EVENTS.where(events.c.id.in_(ids))
            for one in map(recorded_of, rows_of(self._database, of_lists)):
                for number in stories.keys() & numbers_of(one.event):
                    stories[number].append(part_of(one, number))
            for number in some:
                yield sorted(stories[lookup(number)], key=lambda one: one.seq)


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


class ReceivedTexts:
    """Reads what subscribers texted. Raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, behind: TextPlace | None, most: int) -> list[Recorded]:
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


def _texts_behind(asked: Select[Any], behind: TextPlace | None) -> Select[Any]:
    asked = asked.where(events.c.source == "text")
    if behind is not None:
        at, id_ = behind
        same = and_(events.c.received_us == at, events.c.id < id_)
        # The first condition is implied; the index can use it.
        asked = asked.where(events.c.received_us <= at, or_(events.c.received_us < at, same))
    return asked.order_by(events.c.received_us.desc(), events.c.id.desc())


def _contains(word: str) -> ColumnElement[bool]:
    """SQLite knows the case of ASCII letters only, so that others are asked for in each case."""
    ways = {word, word.lower(), word.upper(), word.capitalize()}
    return or_(*(texts.c.words.icontains(way, autoescape=True) for way in sorted(ways)))


def _has(one: Recorded, words: Sequence[str]) -> bool:
    """Whether the text itself has the words, and not a reason or a reply beside it."""
    said = one.event.entry.text.casefold() if one.event.entry else ""
    return all(word.casefold() in said for word in words)


SCANNED = 20_000
"""Numbers that one page looks at; so a page takes as long in a small scope as in a large one."""


@dataclass(frozen=True, slots=True)
class SuppressionSetPage:
    """Some numbers of a set, in order."""

    numbers: list[NumberConsentState]
    next: str
    """Behind which number the next page begins; empty at the end of the set."""


class SuppressionSets:
    """Reads the sets. Raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, scope: str, after: str, limit: int) -> SuppressionSetPage:
        """At most ``limit`` numbers of the set of a scope (``all`` or a program's name).

        A page may have fewer where the set is much smaller than others; ``next`` tells whether
        there is another.
        """
        asked = select(numbers).where(numbers.c.number > after).order_by(numbers.c.number)
        found: list[NumberConsentState] = []
        seen, last = 0, ""
        with closing(stream_of(self._database, asked.limit(SCANNED))) as rows:
            for row in rows:
                if row.everywhere if scope == ALL else scope in row.opted_out.split():
                    if len(found) == limit:
                        return SuppressionSetPage(found, found[-1].number)
                    found.append(number_consent_state_of(row))
                seen, last = seen + 1, row.number
        return SuppressionSetPage(found, last if seen == SCANNED else "")
