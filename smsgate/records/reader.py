"""Reading the records: events of a number or a time, how numbers stand, the chain's links.

Everything here raises ``RecordsUnavailable``, and ``RecordsNotReady`` where the tables are not of
our version; where the SQLite file was never made there is nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Select, func, literal, select

from smsgate.consent.events import (
    NOTHING_REMEMBERED,
    ConsentState,
    ConsentStateRow,
    Event,
    NumberState,
)
from smsgate.consent.list_import import event_for, numbers_of
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import ALL
from smsgate.records.database import Database, DatabasePart, lookup
from smsgate.records.tables import events, heads, links, listed, numbers, stores, texts
from smsgate.records.writer import TEXT_PATHS, decode_facts

Row: TypeAlias = Any
"""A row of the database; its types are the query's."""
_PAGE = 2_000
"""Rows that are fetched at once."""

_words = msgspec.json.Decoder(dict[str, Any]).decode
_state = msgspec.json.Decoder(NumberState).decode


def rows_of(database: Database, asked: Select[Any]) -> list[Row]:
    """All rows of an answer, for one that is short."""
    if database.absent:
        return []
    with database.reading() as connection:
        return [*connection.execute(asked)]


def stream_of(database: Database, asked: Select[Any]) -> Generator[Row]:
    """The rows of an answer as they come, for one that may be long; all of one state."""
    if database.absent:
        return
    with database.reading() as connection:
        streamed = connection.execution_options(yield_per=_PAGE)
        with streamed.execute(asked) as found:
            yield from found


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event of the records, and its place in the chain."""

    event: Event
    partition: int
    seq: int
    erased: bool
    """Whether it had texts that were erased since."""
    committed_us: int = 0
    """When it came into the ledger, in one step with what it changed; 0 where that is unknown."""


@dataclass(frozen=True, slots=True)
class NumberConsentState:
    """The consent state of a number, by the newest event that has one."""

    number: str
    partition: int
    seq: int
    """Of that event."""
    consent_state: ConsentState


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link of a partition's chain."""

    partition: int
    seq: int
    event_id: str
    content_hash: bytes
    hash: bytes


class RecordedMessage(NamedTuple):
    """A provider's message that was recorded."""

    partition: int
    account: str
    message_id: str
    received_us: int


@dataclass(frozen=True, slots=True)
class StoreKnown:
    """A store whose events these are."""

    id: str
    buckets: int
    made_us: int


EVENTS = select(
    events.c.facts,
    texts.c.words,
    events.c.partition,
    events.c.seq,
    events.c.text_digest,
    events.c.committed_us,
).select_from(events.outerjoin(texts, texts.c.event_id == events.c.id))


_AT_ONCE, _NUMBERS_AT_ONCE = 5_000, 400
"""Values in one question, below SQLite's bound of variables; numbers whose events are read."""


class RecordReader(DatabasePart):
    """Reads the records. Everything here raises ``RecordsUnavailable``.

    Where the SQLite file was never made there is nothing: nothing was ever recorded.
    Iterators hold a read transaction until they are exhausted or closed.
    """

    def of_number(self, number: str) -> list[Recorded]:
        """Everything recorded of a number, in the order of its chain; of a list its part only."""
        return next(self.of_numbers([number]))

    def of_numbers(self, numbers: Iterable[str]) -> Iterator[list[Recorded]]:
        """The same of each of different numbers, in order; hundreds are read at once."""
        waiting = iter(numbers)
        while some := [*islice(waiting, _NUMBERS_AT_ONCE)]:
            stories: dict[str, list[Recorded]] = {lookup(number): [] for number in some}
            for row in rows_of(self._database, EVENTS.where(events.c.number.in_([*stories]))):
                one = recorded_of(row)
                stories[lookup(one.event.number)].append(one)
            ids = ids_of_lists([*stories])
            for row in rows_of(self._database, EVENTS.where(events.c.id.in_(ids))):
                one = recorded_of(row)
                for number in stories.keys() & numbers_of(one.event):
                    stories[number].append(part_of(one, number))
            for number in some:
                yield sorted(stories[lookup(number)], key=lambda one: one.seq)

    def of_kind(self, kind: str) -> Iterator[Recorded]:
        """Every event of a kind, oldest first."""
        asked = EVENTS.where(events.c.kind == kind).order_by(events.c.received_us)
        return map(recorded_of, stream_of(self._database, asked))

    def between(self, since_us: int = 0, until_us: int | None = None) -> Iterator[Recorded]:
        """Everything received from ``since_us`` until before ``until_us``, oldest first."""
        asked = EVENTS.where(events.c.received_us >= since_us)
        if until_us is not None:
            asked = asked.where(events.c.received_us < until_us)
        ordered = asked.order_by(events.c.received_us, events.c.id)
        return map(recorded_of, stream_of(self._database, ordered))

    def of_message(self, account: str, message_id: str) -> list[Recorded]:
        """The events of a provider's message."""
        asked = EVENTS.where(
            events.c.account == lookup(account), events.c.message_id == lookup(message_id)
        )
        return [*map(recorded_of, rows_of(self._database, asked))]

    def messages(self, since_us: int, kind: str = "") -> Iterator[RecordedMessage]:
        """The providers' messages received since then (of one kind only), oldest first."""
        columns = (events.c[name] for name in RecordedMessage._fields)
        is_wanted = (events.c.received_us >= since_us) & (events.c.message_id != "")
        asked = select(*columns).where(is_wanted).order_by(events.c.received_us)
        if kind:
            asked = asked.where(events.c.kind == kind)
        return map(RecordedMessage._make, stream_of(self._database, asked))

    def consent_states(self, partition: int) -> Iterator[ConsentStateRow]:
        """The consent states of a partition's numbers, unordered, as a rebuild reads them."""
        columns = [numbers.c[name] for name in ConsentStateRow._fields]
        asked = select(*columns).where(numbers.c.partition == partition)
        return map(ConsentStateRow._make, stream_of(self._database, asked))

    def numbers(self, partition: int | None = None) -> Iterator[NumberConsentState]:
        """The consent state of every number (of a partition), in no particular order."""
        asked = select(numbers)
        if partition is not None:
            asked = asked.where(numbers.c.partition == partition)
        return (number_consent_state_of(row) for row in stream_of(self._database, asked))

    def numbers_of(self, some: Sequence[str]) -> list[NumberConsentState]:
        """The consent states of some numbers, as far as an event has one; unordered."""
        found: list[NumberConsentState] = []
        for at in range(0, len(some), _AT_ONCE):
            asked = select(numbers).where(numbers.c.number.in_(some[at : at + _AT_ONCE]))
            found += map(number_consent_state_of, rows_of(self._database, asked))
        return found

    def links_at(self, partition: int, seqs: Sequence[int]) -> dict[int, ChainLink]:
        """Links of a partition, by sequence number."""
        found: dict[int, ChainLink] = {}
        for at in range(0, len(seqs), _AT_ONCE):
            some = links.c.seq.in_(seqs[at : at + _AT_ONCE])
            asked = select(links).where(links.c.partition == partition, some)
            found |= {row.seq: ChainLink(*row) for row in rows_of(self._database, asked)}
        return found

    def count_numbers(self) -> int:
        """How many numbers ``numbers`` will give."""
        return self._scalar(select(func.count()).select_from(numbers))

    def count_events(self) -> int:
        """How many links the chains have."""
        return self._scalar(select(func.coalesce(func.sum(heads.c.seq), 0)))

    def heads(self) -> dict[int, ChainLink]:
        """The newest link of each partition that has one."""
        asked = select(links).join(
            heads, (heads.c.partition == links.c.partition) & (heads.c.seq == links.c.seq)
        )
        return {row.partition: ChainLink(*row) for row in rows_of(self._database, asked)}

    def newest_us(self) -> int:
        """When the newest event was applied; 0 without events."""
        return self._scalar(select(func.coalesce(func.max(events.c.applied_us), 0)))

    def links(
        self, partition: int, after: int = 0, until: int | None = None
    ) -> Iterator[ChainLink]:
        """The links of a partition behind a sequence number, in order."""
        asked = select(links).where(links.c.partition == partition, links.c.seq > after)
        if until is not None:
            asked = asked.where(links.c.seq <= until)
        return (ChainLink(*row) for row in stream_of(self._database, asked.order_by(links.c.seq)))

    def has(self, event_ids: Sequence[str]) -> set[str]:
        """Which of the ids are in the chain."""
        asked = select(links.c.event_id).where(links.c.event_id.in_(event_ids))
        return {row.event_id for row in rows_of(self._database, asked)}

    def suppressed(self, scope: str, after: str, limit: int) -> list[NumberConsentState]:
        """At most ``limit`` numbers of the set of a scope (``all`` or a program's name), in order.

        Only those behind the number ``after``.
        """
        names = literal(" ") + numbers.c.opted_out + " "
        is_in_set = (
            numbers.c.everywhere if scope == ALL else names.contains(f" {scope} ", autoescape=True)
        )
        asked = select(numbers).where(numbers.c.number > after, is_in_set)
        asked = asked.order_by(numbers.c.number).limit(limit)
        return [*map(number_consent_state_of, rows_of(self._database, asked))]

    def stores(self) -> list[StoreKnown]:
        """The stores whose events these are, oldest first."""
        asked = select(stores).order_by(stores.c.made_us)
        return [StoreKnown(*row) for row in rows_of(self._database, asked)]

    def _scalar(self, asked: Select[Any]) -> int:
        rows = rows_of(self._database, asked)
        return int(rows[0][0]) if rows else 0


def ids_of_lists(some: Sequence[str]) -> Select[Any]:
    """The ids of the events of lists that have one of the numbers."""
    about = (listed.c.partition == links.c.partition) & (listed.c.seq == links.c.seq)
    known = [lookup(number) for number in some]
    return select(links.c.event_id).join(listed, about).where(listed.c.number.in_(known))


def recorded_of(row: Row) -> Recorded:
    """The event of a row of ``EVENTS``. Raises ``RecordsUnavailable`` where it was damaged."""
    facts, words, partition, seq, digest, committed_us = row
    erased = bool(digest) and words is None
    try:
        event = event_of(facts, words)
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise RecordsUnavailable(
            f"partition {partition}, link {seq} of the records cannot be read any more: "
            "`smsgate records verify` says what was changed"
        ) from error
    return Recorded(event, partition, seq, erased, committed_us)


def number_consent_state_of(row: Row) -> NumberConsentState:
    """The consent state of a number, from its row of ``numbers``."""
    number, partition, seq, *rest = row
    return NumberConsentState(number, partition, seq, consent_state_of(*rest))


def event_of(facts: str, words: str | None) -> Event:
    """The event that was kept; without its texts where they were erased."""
    raw = decode_facts(facts.encode())
    for name, text in _words(words.encode()).items() if words else ():
        *steps, last = dict(TEXT_PATHS)[name]
        place = raw
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = text
    if "reply" in raw:
        raw["reply"].setdefault("text", "")  # erased
    return msgspec.convert(raw, Event)


def consent_state_of(
    everywhere: bool, opted_out: str, exceptions: str, locked: bool, consents: str, state: str
) -> ConsentState:
    """The consent state in a row of ``numbers``."""
    consent_state = _plain(bool(everywhere), opted_out, exceptions, bool(locked), consents)
    if state == NOTHING_REMEMBERED:
        return consent_state
    return msgspec.structs.replace(consent_state, state=_state(state.encode()))


@functools.lru_cache(4096)
def _plain(
    everywhere: bool, opted_out: str, exceptions: str, locked: bool, consents: str
) -> ConsentState:
    """How most numbers stand: as many others do."""
    return ConsentState(
        everywhere=everywhere,
        opted_out=frozenset(opted_out.split()),
        exceptions=frozenset(exceptions.split()),
        locked=locked,
        consents=frozenset(consents.split()),
    )


def part_of(one: Recorded, number: str) -> Recorded:
    """Of an event of a list what it says of one number."""
    told = event_for(one.event, number)
    return one if told is None else replace(one, event=told)


def chain_digest(heads: Mapping[int, ChainLink]) -> str:
    """A digest of chains by their newest links. It has each ``PARTITION:SEQ``, for a later check.

    `smsgate records verify --digest` takes it.
    """
    places = "-".join(f"{partition}:{heads[partition].seq}" for partition in sorted(heads))
    hashes = b"".join(heads[partition].hash for partition in sorted(heads))
    return f"{places}-{sha256(hashes).hexdigest()[:32]}" if heads else "none"
