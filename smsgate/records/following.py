"""Following the records: what came behind a place, in an order in which nothing is ever skipped.

A place says for each partition how far it was read. A partition's sequence numbers have no holes
and become visible in their order, which no time does that several processes write down; so whoever
goes on from the place of the page before misses nothing, whatever is committed meanwhile.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from sqlalchemy import Connection, select

from smsgate.domain.errors import CursorRefused
from smsgate.records.asking import rows_of
from smsgate.records.contents import lookup
from smsgate.records.database import Database
from smsgate.records.reading import EVENTS, Recorded, recorded_of
from smsgate.records.schema import check
from smsgate.records.tables import events, heads, links

Place: TypeAlias = Mapping[int, int]
"""By partition the sequence number of the last event that was read; a partition that is missing is
at 0."""
START: Place = {}
_TEXT = re.compile(r"\d{1,3}-\d{1,18}(?:\.\d{1,3}-\d{1,18}){0,63}", re.ASCII)
_EMPTY = "0"


@dataclass(frozen=True, slots=True)
class Followed:
    """A page of events, and the place behind it."""

    events: list[Recorded]
    place: Place
    more: bool
    """Whether there was more behind it at that moment."""


def place_text(place: Place) -> str:
    """A place as text, to be handed out and taken back: ``0-17.3-204``."""
    return (
        ".".join(
            f"{partition}-{place[partition]}" for partition in sorted(place) if place[partition]
        )
        or _EMPTY
    )


def place_of(text: str) -> Place:
    """The place that a text stands for. Raises ``CursorRefused``."""
    if text == _EMPTY:
        return START
    if not _TEXT.fullmatch(text):
        raise CursorRefused("That is no place in the events: give the `next` of an earlier page.")
    parts = [part.partition("-") for part in text.split(".")]
    return {int(partition): int(seq) for partition, _, seq in parts}


class Following:
    """Reads pages. Everything here raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, database: Database) -> None:
        """Use the database; nothing is asked yet."""
        self._database = database

    def newest(self) -> Place:
        """The place behind everything that is recorded now."""
        if self._database.absent:
            return START
        with self._database.reading() as connection:
            check(connection)
            return _heads(connection)

    def after(self, place: Place, limit: int, until: Place | None = None) -> Followed:
        """At most ``limit`` events behind a place (up to another), each partition's in order.

        Contents that retention took away are passed over. Raises ``CursorRefused`` where the
        records end before the place: it is one of other records.
        """
        if self._database.absent:
            return Followed([], place, more=False)
        with self._database.reading() as connection:
            check(connection)
            ends: Place = _heads(connection)
            _refuse_ahead(place, ends)
            ends = ends if until is None else until
            chosen = _chosen(place, ends, limit)
            pages = {
                partition: _page(connection, partition, place.get(partition, 0), until)
                for partition, until in chosen.items()
            }
        moved = {**place, **chosen}
        more = any(moved.get(partition, 0) < end for partition, end in ends.items())
        return Followed([*_merged(pages)], moved, more)

    def spoken_of(self, partition: int, after: int, until: int, told: Iterable[str]) -> set[str]:
        """Which of these numbers have an event of their own (no list's) in that range."""
        asked = select(events.c.number).where(
            events.c.number.in_([lookup(number) for number in told]),
            events.c.lane == partition,
            events.c.seq > after,
            events.c.seq <= until,
        )
        return {row.number for row in rows_of(self._database, asked)}


def _heads(connection: Connection) -> dict[int, int]:
    return {row.lane: row.seq for row in connection.execute(select(heads.c.lane, heads.c.seq))}


def _refuse_ahead(place: Place, ends: Place) -> None:
    if any(seq > ends.get(partition, 0) for partition, seq in place.items()):
        raise CursorRefused(
            "The records end before that place: it is one of another database, or of a newer copy "
            "of this one. Begin anew without `after`, or from now on with `after=now`."
        )


def _chosen(place: Place, ends: Place, limit: int) -> dict[int, int]:
    """By partition up to where it is read now: partitions take turns at a short page."""
    fresh = sorted(partition for partition, end in ends.items() if end > place.get(partition, 0))
    if not fresh:
        return {}
    turn = sum(place.values()) % len(fresh)
    partitions = [*fresh[turn:], *fresh[:turn]][:limit]
    share = limit // len(partitions)
    return {
        partition: min(ends[partition], place.get(partition, 0) + share) for partition in partitions
    }


def _page(connection: Connection, partition: int, after: int, until: int) -> list[Recorded]:
    ids = select(links.c.event_id).where(
        links.c.lane == partition, links.c.seq > after, links.c.seq <= until
    )
    asked = EVENTS.where(events.c.id.in_(ids))
    return [*map(recorded_of, connection.execute(asked.order_by(events.c.seq)))]


def _merged(pages: Mapping[int, list[Recorded]]) -> Iterator[Recorded]:
    """By the time of their commits, as far as each partition's own order allows."""
    runs = (
        zip(accumulate((one.committed_us for one in page), max), page, strict=True)
        for page in pages.values()
    )
    for _, one in heapq.merge(*runs, key=lambda timed: timed[0]):
        yield one
