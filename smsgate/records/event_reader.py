"""Reads recorded events behind a position.

A position says for each partition how far it was read. A partition's sequence numbers have no holes
and become visible in their order, unlike times that several processes write. So a reader that goes
on from the position of its last batch misses nothing, whatever is committed meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, select

from smsgate.domain.errors import CursorRefused
from smsgate.records.database import DatabasePart
from smsgate.records.reader import EVENTS, recorded_of, rows_of
from smsgate.records.tables import events, heads, links
from smsgate.records.values import Recorded

Position: TypeAlias = Mapping[int, int]
"""By partition the sequence number of the last event read; a missing partition is at 0."""
START: Position = {}
_POSITION = re.compile(r"\d{1,3}-\d{1,18}(?:\.\d{1,3}-\d{1,18}){0,63}", re.ASCII)
_START_TEXT = "0"
_HEADS = select(heads.c.partition, heads.c.seq)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events, and the position behind them."""

    events: list[Recorded]
    position: Position
    more: bool
    """Whether there was more behind it at that moment."""


def format_position(position: Position) -> str:
    """A position as text, for other programs: ``0-17.3-204``."""
    parts = (f"{partition}-{seq}" for partition, seq in sorted(position.items()) if seq)
    return ".".join(parts) or _START_TEXT


def parse_position(text: str) -> Position:
    """Parse a cursor. Raises ``CursorRefused``."""
    if text == _START_TEXT:
        return START
    if not _POSITION.fullmatch(text):
        raise CursorRefused("That is no place in the events: give the `next` of an earlier page.")
    parts = [part.partition("-") for part in text.split(".")]
    return {int(partition): int(seq) for partition, _, seq in parts}


class EventReader(DatabasePart):
    """Reads events. Every method raises ``RecordsUnavailable``."""

    def newest(self) -> Position:
        """The position behind everything that is recorded now."""
        return {row.partition: row.seq for row in rows_of(self._database, _HEADS)}

    def after(self, position: Position, limit: int) -> EventBatch:
        """At most ``limit`` events behind a position.

        They come partition by partition, each in its order. What retention removed is passed over.
        Raises ``CursorRefused`` if the records end before the position: it is one of other records.
        """
        if self._database.absent:
            return EventBatch([], position, more=False)
        with self._database.reading() as connection:
            ends: Position = {row.partition: row.seq for row in connection.execute(_HEADS)}
            if any(seq > ends.get(partition, 0) for partition, seq in position.items()):
                raise CursorRefused(
                    "The records end before that cursor: it is from another database, or from a "
                    "newer copy of this one. Begin again without `after`, or from now on with "
                    "`after=now`."
                )
            chosen = _choose(position, ends, limit)
            found = [
                one
                for partition, end in chosen.items()
                for one in _read(connection, partition, position.get(partition, 0), end)
            ]
        moved = {**position, **chosen}
        more = any(moved.get(partition, 0) < end for partition, end in ends.items())
        return EventBatch(found, moved, more)


def _choose(position: Position, ends: Position, limit: int) -> dict[int, int]:
    """By partition how far to read now; where ``limit`` is small, partitions take turns."""
    unread = sorted(
        partition for partition, end in ends.items() if end > position.get(partition, 0)
    )
    if not unread:
        return {}
    first = sum(position.values()) % len(unread)
    partitions = [*unread[first:], *unread[:first]][:limit]
    share = limit // len(partitions)
    return {
        partition: min(ends[partition], position.get(partition, 0) + share)
        for partition in partitions
    }


def _read(connection: Connection, partition: int, after: int, until: int) -> list[Recorded]:
    ids = select(links.c.event_id).where(
        links.c.partition == partition, links.c.seq > after, links.c.seq <= until
    )
    asked = EVENTS.where(events.c.id.in_(ids)).order_by(events.c.seq)
    return [*map(recorded_of, connection.execute(asked))]
