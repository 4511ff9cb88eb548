"""Ordinary texts that are kept longer than the store has them, where ``[retention]`` asks for it.

They are no events: nothing follows from them, they are in no chain, and they go when their time is
over or their number is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, delete, select, tuple_, update

from smsgate.domain.messages import Entry
from smsgate.records.database import DatabasePart, lookup, put, upsert
from smsgate.records.reader import rows_of
from smsgate.records.tables import ordinary_places, ordinary_texts

BATCH = 5_000
"""Texts in one removal."""
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Entry).decode
_place = ordinary_places


@dataclass(frozen=True, slots=True)
class OrdinaryText:
    """One text, with when it was received (us; of no two of a partition the same)."""

    at_us: int
    entry: Entry


TextCursors: TypeAlias = Mapping[int, str]
"""By partition the id in the sample log of the newest text that is kept; empty where none is."""
TextsOfPartitions: TypeAlias = Mapping[int, tuple[str, Sequence[OrdinaryText]]]
"""By partition its cursor behind new texts, and those."""


class OrdinaryTexts(DatabasePart):
    """Keeps and reads them. Raises ``RecordsUnavailable``."""

    def cursors(self) -> TextCursors:
        """How far each partition is kept."""
        return {row.partition: row.place for row in rows_of(self._database, select(_place))}

    def keep(self, read: Callable[[TextCursors], TextsOfPartitions]) -> int:
        """Keep what ``read`` gives for the cursors; gives how many texts.

        It is called with the partitions locked, so that a number that is
        forgotten meanwhile is forgotten before it reads, or after its texts are here.
        """
        with self._locked() as (connection, cursors):
            found = read(cursors)
            rows = [
                {"number": lookup(one.entry.number), "at_us": one.at_us,
                 "content": _encode(one.entry).decode()}
                for _, texts in found.values()
                for one in texts
            ]  # fmt: skip
            if rows:
                put(connection, upsert(connection, ordinary_texts).on_conflict_do_nothing(), rows)
            for partition, (cursor, _) in found.items():
                moving = update(_place).where(_place.c.partition == partition)
                connection.execute(moving.values(place=cursor))
        return len(rows)

    def of_number(self, number: str, before_us: int, limit: int) -> list[OrdinaryText]:
        """The newest of a number, at most ``limit``; only those before ``before_us``, unless 0."""
        asked = select(ordinary_texts.c.at_us, ordinary_texts.c.content)
        asked = asked.where(ordinary_texts.c.number == lookup(number))
        if before_us:
            asked = asked.where(ordinary_texts.c.at_us < before_us)
        asked = asked.order_by(ordinary_texts.c.at_us.desc()).limit(limit)
        return [
            OrdinaryText(row.at_us, _decode(row.content.encode()))
            for row in rows_of(self._database, asked)
        ]

    def forget(self, number: str) -> int:
        """Remove those of a number; gives how many."""
        with self._locked() as (connection, _):
            removing = delete(ordinary_texts).where(ordinary_texts.c.number == lookup(number))
            gone = connection.execute(removing).rowcount
        self._database.tidy()
        return int(gone)

    def remove_before(self, before_us: int) -> int:
        """Remove a batch of those received before then; gives how many."""
        key = (ordinary_texts.c.number, ordinary_texts.c.at_us)
        old = select(*key).where(ordinary_texts.c.at_us < before_us).limit(BATCH)
        with self._database.writing() as connection:
            gone = connection.execute(delete(ordinary_texts).where(tuple_(*key).in_(old))).rowcount
        if gone:
            self._database.tidy()
        return int(gone)

    def reset(self) -> None:
        """Begin anew: what is kept from now on does not continue what was kept before."""
        beginning = update(_place).where(_place.c.place != "").values(place="")
        with self._database.writing() as connection:
            connection.execute(beginning)

    @contextmanager
    def _locked(self) -> Iterator[tuple[Connection, TextCursors]]:
        """A transaction that holds the cursors of every partition."""
        with self._database.writing() as connection:
            asked = select(_place).order_by(_place.c.partition).with_for_update()
            yield connection, {row.partition: row.place for row in connection.execute(asked)}
