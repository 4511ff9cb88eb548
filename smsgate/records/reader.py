"""Reading the records: events of a number or a time, how numbers stand, the chain's links.

Everything here raises ``RecordsUnavailable``, and ``RecordsNotReady`` where the tables are not of
our version; where the SQLite file was never made there is nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Select, bindparam, exists, func, select, tuple_

from smsgate.consent.events import OPTED_OUT, ConsentState, Event
from smsgate.consent.list_import import event_for, numbers_of
from smsgate.domain.errors import CursorRefused, RecordsUnavailable
from smsgate.records.database import Database, DatabasePart, batches, lookup
from smsgate.records.tables import events, heads, links, listed, memberships, numbers, stores, texts
from smsgate.records.values import (
    ChainLink,
    HistoryPlace,
    NumberConsentState,
    Recorded,
    RecordedMessage,
    StoreKnown,
    TextSearchPage,
)
from smsgate.records.writer import TEXT_PATHS, decode_facts, recorded_ids

Row: TypeAlias = Any
"""A row of the database; its types are the query's."""
_PAGE = 2_000
"""Rows that are fetched at once."""
SEARCHED = 20_000
"""Texts that one page of a search looks through."""
_NUMBERS_AT_ONCE = 400
"""Numbers whose events are read at once."""

_words = msgspec.json.Decoder(dict[str, Any]).decode
_consent_state = msgspec.json.Decoder(ConsentState).decode


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


EVENTS = select(
    events.c.facts,
    texts.c.words,
    events.c.partition,
    events.c.seq,
    events.c.text_digest,
    events.c.committed_us,
    events.c.position,
).select_from(events.outerjoin(texts, texts.c.event_id == events.c.id))


class RecordReader(DatabasePart):
    """Reads the records. Iterators hold a read transaction until they are exhausted or closed."""

    def of_number(self, number: str) -> list[Recorded]:
        """Everything recorded of a number, in the order of its chain; of a list its part only."""
        return next(self.of_numbers([number]))

    def of_numbers(self, numbers: Iterable[str]) -> Iterator[list[Recorded]]:
        """The same of each of different numbers, in order; hundreds are read at once."""
        waiting = iter(numbers)
        while some := [*islice(waiting, _NUMBERS_AT_ONCE)]:
            stories: dict[str, list[Recorded]] = {lookup(number): [] for number in some}
            for one in self._read(EVENTS.where(events.c.number.in_([*stories]))):
                stories[lookup(one.event.number)].append(one)
            for one in self._read(EVENTS.where(events.c.id.in_(lists_with([*stories])))):
                for number in stories.keys() & numbers_of(one.event):
                    stories[number].append(_part_of(one, number))
            for number in some:
                yield sorted(stories[lookup(number)], key=lambda one: one.seq)

    def page_of_number(
        self, number: str, before: HistoryPlace | None, limit: int
    ) -> list[Recorded]:
        """The newest events of a number behind a place; of a list its part only."""
        found = self.newest(limit, number=number, before=before)
        of_lists = EVENTS.where(events.c.id.in_(lists_with([lookup(number)])))
        for one in self._read(_newest(of_lists, before).limit(limit)):
            found.append(_part_of(one, number))
        return sorted(found, key=lambda one: one.place, reverse=True)[:limit]

    def newest(
        self,
        limit: int,
        *kinds: str,
        number: str = "",
        source: str = "",
        since_us: int = 0,
        before: HistoryPlace | None = None,
    ) -> list[Recorded]:
        """The newest events behind a place: of some kinds, of one number, of one source."""
        asked = _newest(EVENTS, before).limit(limit)
        if kinds:
            asked = asked.where(events.c.kind.in_(kinds))
        if number:
            asked = asked.where(events.c.number == lookup(number))
        if source:
            asked = asked.where(_is_of(source))
        if since_us:
            asked = asked.where(events.c.received_us >= since_us)
        return self._read(asked)

    def search(
        self, words: Sequence[str], before: HistoryPlace | None, limit: int
    ) -> TextSearchPage:
        """At most ``limit`` texts behind a place that contain all words, whatever their case.

        No index of words is kept, which would have to forget what is erased.
        """
        wanted = [word.casefold() for word in words]
        asked = _newest(EVENTS.where(_is_of("text")), before).limit(SEARCHED)
        found: list[Recorded] = []
        looked = 0
        with closing(stream_of(self._database, asked)) as rows:
            for row in rows:
                looked += 1
                said = _words(row.words).get("text", "").casefold() if row.words else ""
                if all(word in said for word in wanted):
                    found.append(recorded_of(row))
                    if len(found) == limit:
                        return TextSearchPage(found, found[-1].place)
        if looked < SEARCHED:
            return TextSearchPage(found, None)
        return TextSearchPage(found, recorded_of(row).place)

    def at(self, places: Sequence[tuple[str, int]]) -> list[Recorded]:
        """The events that were received from a number at a moment, of many such pairs."""
        place = tuple_(events.c.number, events.c.received_us)
        known = [(lookup(number), at_us) for number, at_us in places]
        return [one for some in batches(known) for one in self._read(EVENTS.where(place.in_(some)))]

    def counts(self, numbers: Sequence[str]) -> dict[str, int]:
        """How many events each of some numbers has, imported lists aside."""
        known = {lookup(number): number for number in numbers}
        asked = select(events.c.number, func.count()).where(events.c.number.in_([*known]))
        rows = rows_of(self._database, asked.group_by(events.c.number))
        return {known[number]: count for number, count in rows}

    def between(
        self, since_us: int = 0, until_us: int | None = None, kinds: Sequence[str] = ()
    ) -> Iterator[Recorded]:
        """Everything (of some kinds) received from a moment until before another, oldest first."""
        asked = EVENTS.where(events.c.received_us >= since_us)
        if until_us is not None:
            asked = asked.where(events.c.received_us < until_us)
        if kinds:
            asked = asked.where(events.c.kind.in_(kinds))
        ordered = asked.order_by(events.c.received_us, events.c.id)
        return map(recorded_of, stream_of(self._database, ordered))

    def after(self, position: int, limit: int) -> list[Recorded]:
        """At most ``limit`` events behind a position, in the order in which they were recorded.

        Positions have no holes and become visible in their order, unlike times that several
        processes write. So a reader that goes on from the newest one that it has read misses
        nothing, whatever is committed meanwhile. What retention removed is passed over. Raises
        ``CursorRefused`` where the records end before the position, which is one of other records.
        """
        asked = EVENTS.where(events.c.position > position).order_by(events.c.position)
        found = self._read(asked.limit(limit))
        if not found and position > self.newest_position():
            raise CursorRefused(
                "The records end before that cursor: it is from another database, or from a "
                "newer copy of this one. Begin again without `after`, or from now on with "
                "`after=now`."
            )
        return found

    def newest_position(self) -> int:
        """The position of the newest event, which is never removed; 0 where there is none."""
        return self._scalar(select(func.coalesce(func.max(events.c.position), 0)))

    def of_message(self, account: str, message_id: str) -> list[Recorded]:
        """The events of a provider's message."""
        is_of_account = events.c.account == lookup(account)
        return self._read(EVENTS.where(is_of_account, events.c.message_id == lookup(message_id)))

    def messages(self, since_us: int, kind: str = "") -> Iterator[RecordedMessage]:
        """The providers' messages received since then (of one kind only), oldest first."""
        columns = (events.c[name] for name in RecordedMessage._fields)
        is_wanted = (events.c.received_us >= since_us) & (events.c.message_id != "")
        asked = select(*columns).where(is_wanted).order_by(events.c.received_us)
        if kind:
            asked = asked.where(events.c.kind == kind)
        return map(RecordedMessage._make, stream_of(self._database, asked))

    def has(self, event_ids: Sequence[str]) -> set[str]:
        """Which of the ids are in the chain."""
        with self._database.reading() as connection:
            return recorded_ids(connection, event_ids)

    def count_events(self) -> int:
        """How many links the chains have."""
        return self._scalar(select(func.coalesce(func.sum(heads.c.seq), 0)))

    def numbers(self, partition: int | None = None) -> Iterator[NumberConsentState]:
        """The consent state of every number (of a partition), in no particular order."""
        asked = select(numbers)
        if partition is not None:
            asked = asked.where(numbers.c.partition == partition)
        return map(number_consent_state_of, stream_of(self._database, asked))

    def numbers_of(self, some: Sequence[str]) -> list[NumberConsentState]:
        """The consent states of some numbers, as far as an event has one; unordered."""
        asked = (select(numbers).where(numbers.c.number.in_(names)) for names in batches(some))
        rows = (row for one in asked for row in rows_of(self._database, one))
        return [*map(number_consent_state_of, rows)]

    def suppressed(self, scope: str, after: str, limit: int) -> list[NumberConsentState]:
        """At most ``limit`` numbers of the set of a scope (``all`` or a program's name), in order.

        Only those behind the number ``after``.
        """
        member = memberships.c
        is_in_set = (member.state == OPTED_OUT) & (member.scope == scope)
        is_in_set &= member.number == numbers.c.number
        asked = select(numbers).where(numbers.c.number > after, exists().where(is_in_set))
        asked = asked.order_by(numbers.c.number).limit(limit)
        return [*map(number_consent_state_of, rows_of(self._database, asked))]

    def count_numbers(self) -> int:
        """How many numbers ``numbers`` will give."""
        return self._scalar(select(func.count()).select_from(numbers))

    def heads(self) -> dict[int, ChainLink]:
        """The newest link of each partition that has one."""
        asked = select(links).join(
            heads, (heads.c.partition == links.c.partition) & (heads.c.seq == links.c.seq)
        )
        return {row.partition: ChainLink(*row) for row in rows_of(self._database, asked)}

    def links(
        self, partition: int, after: int = 0, until: int | None = None
    ) -> Iterator[ChainLink]:
        """The links of a partition behind a sequence number, in order."""
        asked = select(links).where(links.c.partition == partition, links.c.seq > after)
        if until is not None:
            asked = asked.where(links.c.seq <= until)
        return map(ChainLink._make, stream_of(self._database, asked.order_by(links.c.seq)))

    def links_at(self, partition: int, seqs: Sequence[int]) -> dict[int, ChainLink]:
        """Links of a partition, by sequence number."""
        of_partition = select(links).where(links.c.partition == partition)
        asked = (of_partition.where(links.c.seq.in_(some)) for some in batches(seqs))
        rows = (row for one in asked for row in rows_of(self._database, one))
        return {row.seq: ChainLink(*row) for row in rows}

    def stores(self) -> list[StoreKnown]:
        """The stores whose events these are, oldest first."""
        rows = rows_of(self._database, select(stores).order_by(stores.c.made_us))
        return [StoreKnown(*row) for row in rows]

    def _read(self, asked: Select[Any]) -> list[Recorded]:
        return [*map(recorded_of, rows_of(self._database, asked))]

    def _scalar(self, asked: Select[Any]) -> int:
        rows = rows_of(self._database, asked)
        return int(rows[0][0]) if rows else 0


def _newest(asked: Select[Any], before: HistoryPlace | None) -> Select[Any]:
    if before is not None:
        asked = asked.where(tuple_(events.c.received_us, events.c.seq) < tuple_(*before))
    return asked.order_by(events.c.received_us.desc(), events.c.seq.desc())


def _is_of(source: str) -> Any:  # noqa: ANN401 - an SQL expression
    """Written out, since SQLite uses an index with a condition only where it sees the value."""
    return events.c.source == bindparam("source", source, literal_execute=True)


def lists_with(some: Sequence[str]) -> Select[Any]:
    """The ids of the events of lists that have one of the numbers."""
    about = (listed.c.partition == links.c.partition) & (listed.c.seq == links.c.seq)
    return select(links.c.event_id).join(listed, about).where(listed.c.number.in_(some))


def recorded_of(row: Row) -> Recorded:
    """The event of a row of ``EVENTS``. Raises ``RecordsUnavailable`` where it was damaged."""
    facts, words, partition, seq, digest, committed_us, position = row
    erased = bool(digest) and words is None
    try:
        event = event_of(facts, words)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise RecordsUnavailable(
            f"partition {partition}, link {seq} of the records cannot be read any more: "
            "`smsgate records verify` says what was changed"
        ) from error
    return Recorded(event, partition, seq, erased, committed_us, position)


def number_consent_state_of(row: Row) -> NumberConsentState:
    """The consent state of a number, from its row of ``numbers``."""
    return NumberConsentState(row.number, row.partition, row.seq, _consent_state(row.consent_state))


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


def _part_of(one: Recorded, number: str) -> Recorded:
    """Of an event of a list what it says of one number."""
    told = event_for(one.event, number)
    return one if told is None else replace(one, event=told)
