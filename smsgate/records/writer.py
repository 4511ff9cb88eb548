"""Writing: lines of the ledgers become links and events, each once, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from smsgate.records import tables
from smsgate.records.contents import FIRST, EventContent, Row, content_of, link_hash, number_row
from smsgate.records.database import Database, put, upsert
from smsgate.records.projections import MembershipChanges, origins_of

_UNDER_WAY = 5_000
"""Ids in one question, below SQLite's bound of variables."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of the lines."""

    done: bool
    """False where another mover was faster: read the ledgers again."""
    new: int = 0
    """How many were not kept before."""
    heads: Mapping[int, int] = field(default_factory=dict)
    """By partition the sequence number of its newest link now."""


@dataclass(slots=True)
class _Rows:
    """What is to be written, as it grows."""

    links: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    numbers: dict[str, Row] = field(default_factory=dict)
    listed: list[Row] = field(default_factory=list)
    memberships: MembershipChanges = field(default_factory=MembershipChanges)


class EventWriter:
    """Writes the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self,
        lines: Mapping[int, Sequence[bytes]],
        committed_us: Mapping[int, Sequence[int]] | None = None,
    ) -> WriteResult:
        """Keep the lines of each partition (an event's JSON each), in their order.

        ``committed_us``: when each came into its ledger, on Redis's clock, where that is known.
        What is kept already is left out; so it does no harm to hand lines in again. Nothing is
        written where another mover wrote into one of the partitions meanwhile. Raises
        ``RecordsUnavailable``.
        """
        times = committed_us or {}
        contents = {
            partition: [
                *map(
                    content_of,
                    lines[partition],
                    times.get(partition) or [0] * len(lines[partition]),
                )
            ]
            for partition in sorted(lines)
        }
        try:
            with self._database.writing() as connection:
                return self._keep(connection, contents)
        except _HeadMoved:
            return WriteResult(done=False)

    def seqs(self) -> dict[int, int]:
        """By partition the sequence number of its newest link."""
        asked = select(tables.heads.c.partition, tables.heads.c.seq)
        with self._database.reading() as connection:
            return {row.partition: row.seq for row in connection.execute(asked)}

    def _keep(
        self, connection: Connection, contents: Mapping[int, Sequence[EventContent]]
    ) -> WriteResult:
        known = _known(connection, [one.id for partition in contents.values() for one in partition])
        rows, heads = _Rows(), {}
        for partition, all_ in contents.items():
            fresh = {one.id: one for one in reversed(all_) if one.id not in known}
            new = [fresh[id_] for id_ in dict.fromkeys(one.id for one in all_) if id_ in fresh]
            heads[partition] = _continue(connection, partition, new, rows)
        try:
            _write(connection, rows)
        except IntegrityError as error:
            raise _HeadMoved from error
        return WriteResult(done=True, new=len(rows.links), heads=heads)


class _HeadMoved(Exception):
    """Another mover wrote into the partition; the transaction is rolled back."""


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(ids), _UNDER_WAY):
        some = ids[at : at + _UNDER_WAY]
        asked = select(tables.links.c.event_id).where(tables.links.c.event_id.in_(some))
        found.update(connection.scalars(asked))
    return found


def _continue(
    connection: Connection, partition: int, new: Iterable[EventContent], rows: _Rows
) -> int:
    """Chain the contents to the partition's last link; gives its newest sequence number."""
    heads = tables.heads
    found = connection.execute(
        select(heads.c.seq, heads.c.hash).where(heads.c.partition == partition)
    )
    start, previous = found.one_or_none() or (0, FIRST)
    seq = start
    for one in new:
        seq += 1
        previous = link_hash(previous, partition, seq, one.id, one.hash)
        rows.links.append(
            {
                "partition": partition,
                "seq": seq,
                "event_id": one.id,
                "content_hash": one.hash,
                "hash": previous,
            }
        )
        rows.events.append({**one.event, "partition": partition, "seq": seq})
        if one.text is not None:
            rows.texts.append(one.text)
        origins = origins_of(one.decoded, partition, seq) if one.consent_states else {}
        for number, consent_state in one.consent_states.items():
            rows.numbers[number] = number_row(partition, seq, number, consent_state)
            rows.memberships.note(number, consent_state, origins[number])
        rows.listed += [
            {"number": number, "partition": partition, "seq": seq}
            for number in dict.fromkeys(one.listed)
        ]
    if seq > start:
        _advance(connection, partition, start, seq, previous)
    return seq


def _advance(connection: Connection, partition: int, before: int, seq: int, hash_: bytes) -> None:
    """Move the partition's head. Raises ``_HeadMoved`` if it has moved since it was read."""
    heads = tables.heads
    if not before:
        try:
            connection.execute(insert(heads).values(partition=partition, seq=seq, hash=hash_))
        except IntegrityError as error:
            raise _HeadMoved from error
        return
    moved = connection.execute(
        update(heads)
        .where(heads.c.partition == partition, heads.c.seq == before)
        .values(seq=seq, hash=hash_)
    )
    if moved.rowcount != 1:
        raise _HeadMoved


def _write(connection: Connection, rows: _Rows) -> None:
    for table, some in (
        (tables.links, rows.links),
        (tables.events, rows.events),
        (tables.texts, rows.texts),
        (tables.listed, rows.listed),
    ):
        if some:
            put(connection, insert(table), some)
    if rows.numbers:
        _note_numbers(connection, [rows.numbers[one] for one in sorted(rows.numbers)])
        rows.memberships.write(connection)


def _note_numbers(connection: Connection, rows: Sequence[Row]) -> None:
    """How numbers stand, unless something newer is noted of them."""
    table = tables.numbers
    adding = upsert(connection, table)
    newer = {one.name: adding.excluded[one.name] for one in table.columns if not one.primary_key}
    noting = adding.on_conflict_do_update(
        index_elements=["number"], set_=newer, where=table.c.seq < adding.excluded.seq
    )
    put(connection, noting, rows)
