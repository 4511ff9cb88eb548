"""Writing: lines of the ledgers become links and events, each once, in one transaction.

The facts are the line as it was written, less its texts, so that what a newer smsgate wrote is
kept whole by an older one. What cannot be read as an event is kept as kind ``damaged``, whole.

A link's hash covers the hash before it, its place, the event's id and the hash of the event's
contents; so nobody can change, remove or reorder what was kept without changing every hash after
it. Texts enter by a salted digest, so that they can be erased and the chain still be checked, and
so that nobody can guess them back from what stays.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import repeat
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from smsgate.consent.events import ConsentState, Event
from smsgate.records import tables
from smsgate.records.database import DatabasePart, Row, batches, lookup, put, upsert
from smsgate.records.projections import MembershipChange, origins_of, write_memberships
from smsgate.records.tables import ID

FIRST = bytes(32)
"""The hash before a partition's first link."""
NO_TEXT = b""
"""The digest of an event without texts."""


def text_digest(salt: bytes, words: str) -> bytes:
    """Digest of an event's texts: ``sha256(salt + words)``."""
    return sha256(salt + words.encode()).digest()


def content_hash(columns: tuple[str | int, ...], facts: str, digest: bytes) -> bytes:
    """Hash of an event's contents: its columns, its facts as they are stored, its texts' digest."""
    return sha256((digest or FIRST) + _encode(columns) + b"\n" + facts.encode()).digest()


def link_hash(previous: bytes, partition: int, seq: int, event_id: str, content: bytes) -> bytes:
    """Hash of a link: ``sha256(previous + content + "<partition> <seq> <event id>")``."""
    return sha256(previous + content + f"{partition} {seq} {event_id}".encode()).digest()


DAMAGED = "damaged"
COLUMNS = (
    "id", "kind", "outcome", "number", "source", "actor", "account", "message_id", "received_us",
    "committed_us", "sets_state",
)  # fmt: skip
"""Columns of ``events`` that the content hash covers, in this order."""

TEXT_PATHS = (
    ("text", ("entry", "text")),
    ("reason", ("entry", "decision", "note")),
    ("reply", ("reply", "text")),
    ("media", ("entry", "forward_content", "media")),
)
"""Where an event has words of people: theirs, an operator's reason, ours, and their pictures."""

_of_row = itemgetter(*COLUMNS)
_encode = msgspec.json.encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
_event = msgspec.json.Decoder(Event).decode
decode_facts = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class EventContent:
    """One event as it is kept, without its place in the chain."""

    event: Event
    """With its texts."""
    row: Row
    """The row of ``events``, without partition and seq."""
    text: Row | None
    """The row of ``texts``, where it has any."""
    hash: bytes


def content_of(line: bytes, committed_us: int = 0) -> EventContent:
    """The rows of a line of the ledger (the JSON of an event); 0 where its commit is not known."""
    event = _event_or_damaged(line)
    facts = msgspec.to_builtins(event) if event.kind == DAMAGED else decode_facts(line)
    words = _take_words(facts)
    text, digest = None, NO_TEXT
    if words:
        salt, kept = secrets.token_bytes(16), _encode(words).decode()
        digest = text_digest(salt, kept)
        text = {"event_id": event.id, "salt": salt, "words": kept}
    row = _columns(event) | {"committed_us": committed_us, "text_digest": digest}
    row["facts"] = _encode(facts).decode()
    return EventContent(event, row, text, content_hash(_of_row(row), row["facts"], digest))


def consent_states_of(event: Event) -> dict[str, ConsentState]:
    """By number, its consent state from the event on, where the event has one."""
    if event.listed:
        return {
            lookup(number): group.consent_state
            for group in event.listed
            if group.consent_state is not None
            for number in group.numbers
        }
    number = lookup(event.number)
    return {number: event.consent_state} if event.consent_state is not None and number else {}


def listed_in(event: Event) -> set[str]:
    """The numbers of an imported list that the event is about, as they are kept."""
    return {lookup(number) for group in event.listed for number in group.numbers}


def id_of(line: bytes) -> str:
    """The id under which a line of the ledger is kept."""
    return _event_or_damaged(line).id


def numbers_of(line: bytes) -> set[str]:
    """The numbers of which a line of the ledger says how they stand, as they are kept."""
    return {*consent_states_of(_event_or_damaged(line))}


def number_row(partition: int, seq: int, number: str, consent_state: ConsentState) -> Row:
    """The row of ``numbers`` for a consent state."""
    text = _encode_sorted(consent_state).decode()
    return {"number": number, "partition": partition, "seq": seq, "consent_state": text}


def _columns(event: Event) -> Row:
    entry, reply = event.entry, event.reply
    return {
        "id": event.id,
        "kind": lookup(event.kind),
        "outcome": lookup(event.outcome),
        "number": lookup(event.number),
        "source": lookup(entry.source if entry else ""),
        "actor": lookup(entry.actor if entry else ""),
        "account": lookup(entry.account if entry else reply.account if reply else ""),
        "message_id": lookup(entry.message_id if entry else ""),
        # Nobody received a reply of ours; it is looked for by when it was settled.
        "received_us": event.received_us or event.applied_us,
        "sets_state": event.consent_state is not None
        or bool(event.listed and consent_states_of(event)),
    }


def _take_words(facts: Row) -> Row:
    words = {}
    for name, (*way, last) in TEXT_PATHS:
        place: Any = facts
        for step in way:
            place = place.get(step) if isinstance(place, dict) else None
        text = place.pop(last, "") if isinstance(place, dict) else ""
        if text:
            words[name] = text
    return words


def _event_or_damaged(line: bytes) -> Event:
    try:
        event = _event(line)
    except msgspec.DecodeError:
        return _damaged(line)
    return _damaged(line) if len(event.id) > ID or "\0" in event.id else event


def _damaged(line: bytes) -> Event:
    """The event for a line that cannot be read as one: it must not stop those behind it."""
    digest = sha256(line).hexdigest()
    return Event(
        id=f"{DAMAGED}-{digest[:40]}",
        kind=DAMAGED,
        outcome="recorded",
        number="",
        note=line.decode(errors="backslashreplace"),
    )


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

    forwards: Mapping[str, Row]
    new: defaultdict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))
    numbers: dict[str, Row] = field(default_factory=dict)
    memberships: list[MembershipChange] = field(default_factory=list)


class EventWriter(DatabasePart):
    """Writes the records."""

    def keep(
        self,
        lines: Mapping[int, Sequence[bytes]],
        committed_us: Mapping[int, Sequence[int]] | None = None,
        forwards: Mapping[str, Row] | None = None,
    ) -> WriteResult:
        """Keep the lines of each partition (an event's JSON each), in their order.

        ``committed_us``: when each came into its ledger, on Redis's clock, where that is known.
        ``forwards``: by event deliveries of texts, which are kept with them.
        What is kept already is left out; so it does no harm to hand lines in again. Nothing is
        written where another mover wrote into one of the partitions meanwhile. Raises
        ``RecordsUnavailable``.
        """
        times = committed_us or {}
        contents = {
            partition: [*map(content_of, lines[partition], times.get(partition) or repeat(0))]
            for partition in sorted(lines)
        }
        try:
            with self._database.writing() as connection:
                return self._keep(connection, contents, _Rows(forwards or {}))
        except _HeadMoved:
            return WriteResult(done=False)

    def seqs(self) -> dict[int, int]:
        """By partition the sequence number of its newest link."""
        with self._database.reading() as connection:
            return {row.partition: row.seq for row in connection.execute(select(tables.heads))}

    def _keep(
        self, connection: Connection, contents: Mapping[int, Sequence[EventContent]], rows: _Rows
    ) -> WriteResult:
        known = recorded_ids(
            connection, [one.event.id for partition in contents.values() for one in partition]
        )
        heads: dict[int, int] = {}
        for partition, all_ in contents.items():
            new: dict[str, EventContent] = {}
            for one in all_:
                if one.event.id not in known:
                    new.setdefault(one.event.id, one)
            heads[partition] = _continue(connection, partition, new.values(), rows)
        last = connection.scalar(select(func.max(tables.events.c.position))) or 0
        for position, row in enumerate(rows.new[tables.events], last + 1):
            row["position"] = position  # taken by another mover too, it is refused
        try:
            _write(connection, rows)
        except IntegrityError as error:
            raise _HeadMoved from error
        return WriteResult(done=True, new=len(rows.new[tables.links]), heads=heads)


class _HeadMoved(Exception):
    """Another mover wrote into the partition; the transaction is rolled back."""


def recorded_ids(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Which ids of events are in the chain."""
    id_ = tables.links.c.event_id
    asked = (select(id_).where(id_.in_(some)) for some in batches(ids))
    return {one for some in asked for one in connection.scalars(some)}


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
        seq, event = seq + 1, one.event
        previous = link_hash(previous, partition, seq, event.id, one.hash)
        place = {"partition": partition, "seq": seq}
        link = {"event_id": event.id, "content_hash": one.hash, "hash": previous}
        rows.new[tables.links].append(place | link)
        rows.new[tables.events].append(one.row | place)
        if event.id in rows.forwards:
            rows.new[tables.deliveries].append({**rows.forwards[event.id], **place})
        if one.text is not None:
            rows.new[tables.texts].append(one.text)
        consent_states = consent_states_of(event)
        origins = origins_of(event, partition, seq) if consent_states else {}
        for number, consent_state in consent_states.items():
            rows.numbers[number] = number_row(partition, seq, number, consent_state)
            change = MembershipChange(number, consent_state.memberships(), origins[number])
            rows.memberships.append(change)
        rows.new[tables.listed] += [{"number": number} | place for number in listed_in(event)]
    if seq > start:
        _advance(connection, partition, start, seq, previous)
    return seq


def _advance(connection: Connection, partition: int, before: int, seq: int, hash_: bytes) -> None:
    """Move the partition's head. Raises ``_HeadMoved`` if it has moved since it was read."""
    adding = upsert(connection, tables.heads).values(partition=partition, seq=seq, hash=hash_)
    is_unmoved = tables.heads.c.seq == before
    moving = adding.on_conflict_do_update(
        index_elements=["partition"], set_={"seq": seq, "hash": hash_}, where=is_unmoved
    )
    if connection.scalar(moving.returning(tables.heads.c.seq)) is None:
        raise _HeadMoved


def _write(connection: Connection, rows: _Rows) -> None:
    for table, some in rows.new.items():
        if some:
            put(connection, insert(table), some)
    if rows.numbers:
        # Unless something newer is noted of a number.
        adding, seq = upsert(connection, tables.numbers), tables.numbers.c.seq
        newer = {
            one.name: adding.excluded[one.name]
            for one in tables.numbers.columns
            if not one.primary_key
        }
        noting = adding.on_conflict_do_update(
            index_elements=["number"], set_=newer, where=seq < adding.excluded.seq
        )
        put(connection, noting, [rows.numbers[one] for one in sorted(rows.numbers)])
        write_memberships(connection, rows.memberships)
