"""Verification: the chain is whole, and nothing that is kept was changed.

Every link's hash is computed anew, every event's contents are compared with what its link says of
them, and what is missing must have been announced. Then tables are held against each other: how
numbers stand, the numbers of lists, and removals. Reads one state of the database.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, and_, exists, select, text

from smsgate.consent.events import Event, MembershipKey
from smsgate.records.database import DatabasePart
from smsgate.records.reader import event_of, number_consent_state_of
from smsgate.records.removal import ANNOUNCING, announcement
from smsgate.records.tables import (
    events,
    heads,
    links,
    listed,
    memberships,
    numbers,
    removals,
    texts,
)
from smsgate.records.writer import (
    COLUMNS,
    FIRST,
    consent_states_of,
    content_hash,
    link_hash,
    listed_in,
    number_row,
    text_digest,
)

Progress: TypeAlias = Callable[[int], None]
"""Called with the number of links that were checked since the last call."""
Row: TypeAlias = Any
_PAGE = 1_000
_NOWHERE = -1
_covered = attrgetter(*COLUMNS)
_gone_event = removals.alias("gone_event")
_gone_text = removals.alias("gone_text")


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """One thing that is wrong with the records."""

    partition: int
    seq: int
    """Of the link; 0 where none is meant."""
    event_id: str
    problem: str

    def __str__(self) -> str:
        """Where it is and what is wrong, on one line."""
        place = f"partition {self.partition}" if self.partition >= 0 else ""
        link = f"link {self.seq}" if self.seq else ""
        event = f"event {self.event_id}" if self.event_id else ""
        return f"{', '.join(part for part in (place, link, event) if part)}: {self.problem}"


class Verifier(DatabasePart):
    """Checks the records."""

    def verify(self, progress: Progress = lambda _: None) -> Iterator[ChainFinding]:
        """Everything that is wrong, by partition; nothing where the records are as they were.

        Raises ``RecordsUnavailable``.
        """
        self._database.refuse_absent()
        with self._database.reading() as connection:
            _read_damaged_texts(connection)
            yield from _file_findings(connection)
            try:
                asked = select(links.c.partition).distinct().union(select(heads.c.partition))
                for partition in sorted(connection.scalars(asked)):
                    yield from _partition(connection, partition, progress)
                streamed = connection.execution_options(yield_per=_PAGE)
                yield from _unlinked(streamed)
                yield from _removals(streamed)
                changed: set[str] = set()
                yield from _numbers(streamed, changed)
                yield from _outdated(streamed)
                yield from _lists(streamed)
                yield from _memberships(streamed, changed)
            except (TypeError, ValueError, AttributeError) as error:
                problem = f"a value is of another kind than its column: {error}"
                yield ChainFinding(_NOWHERE, 0, "", problem)

    def verify_partition(self, partition: int) -> list[ChainFinding]:
        """Everything that is wrong with one partition's chain. Raises as ``verify``."""
        self._database.refuse_absent()
        with self._database.reading() as connection:
            _read_damaged_texts(connection)
            return [*_partition(connection, partition, lambda _: None)]


def _read_damaged_texts(connection: Connection) -> None:
    """Let texts that are not valid UTF-8 be read too, so that they are found and named."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        connection.detach()  # it goes back to no pool
        driver.text_factory = lambda raw: raw.decode(errors="replace")


def _file_findings(connection: Connection) -> Iterator[ChainFinding]:
    """What SQLite itself says against its file: its indexes could hide rows."""
    if connection.dialect.name == "sqlite":
        for said in connection.execute(text("PRAGMA integrity_check(20)")).scalars():
            if said != "ok":
                yield ChainFinding(_NOWHERE, 0, "", f"the file is damaged: {said}")


def _partition(
    connection: Connection, partition: int, progress: Progress
) -> Iterator[ChainFinding]:
    def rows() -> Iterator[Row]:
        streamed = connection.execution_options(yield_per=_PAGE)
        for page in streamed.execute(_chain_query(partition)).partitions(_PAGE):
            yield from page
            progress(len(page))

    asked = select(heads.c.seq, heads.c.hash).where(heads.c.partition == partition)
    head = connection.execute(asked).one_or_none() or (0, FIRST)
    yield from check_chain(partition, rows(), (head[0], bytes(head[1])), _content_problem)


def check_chain(
    partition: int,
    chain: Iterable[Row],
    head: tuple[int, bytes],
    problem_of: Callable[[Row], str] = lambda _: "",
) -> Iterator[ChainFinding]:
    """What is wrong with the links of a partition, in their order, as they are stored.

    ``head`` is the newest one that was noted. ``problem_of`` says what is wrong with the contents
    of a link; empty where nothing is.
    """
    last, previous = 0, FIRST
    for link in chain:
        if link.seq == last + 1:
            should = link_hash(previous, partition, link.seq, link.event_id, link.content_hash)
            if should != link.hash:
                problem = "the link, or the hash of the one before it, was changed"
                yield ChainFinding(partition, link.seq, link.event_id, problem)
        else:  # behind a gap nothing says what a hash should be
            yield _missing(partition, last + 1, link.seq - 1)
        if problem := problem_of(link):
            yield ChainFinding(partition, link.seq, link.event_id, problem)
        last, previous = link.seq, bytes(link.hash)
    seq, hash_ = head
    if seq > last:
        yield _missing(partition, last + 1, seq, " at the end")
    elif seq < last:
        problem = f"links were added behind the head, link {seq}"
        yield ChainFinding(partition, seq + 1, "", problem)
    elif hash_ != previous:
        problem = "the hash of the newest link, or of the partition's head, was changed"
        yield ChainFinding(partition, seq, "", problem)


def _missing(partition: int, first: int, last: int, where: str = "") -> ChainFinding:
    which = f"link {first} is" if first == last else f"links {first} to {last} are"
    return ChainFinding(partition, first, "", f"{which} missing{where}")


def _chain_query(partition: int) -> Select[Any]:
    """Each link with the contents, the texts and the removals of its event."""
    gone_event = and_(_gone_event.c.event_id == links.c.event_id, _gone_event.c.part == "event")
    gone_text = and_(_gone_text.c.event_id == links.c.event_id, _gone_text.c.part == "text")
    return (
        select(
            links,
            *(events.c[name] for name in (*COLUMNS, "facts", "text_digest")),
            events.c.partition.label("said_partition"),
            events.c.seq.label("said_seq"),
            texts.c.salt,
            texts.c.words,
            _gone_event.c.removed_by.label("event_gone"),
            _gone_text.c.removed_by.label("text_gone"),
        )
        .select_from(
            links.outerjoin(events, events.c.id == links.c.event_id)
            .outerjoin(texts, texts.c.event_id == links.c.event_id)
            .outerjoin(_gone_event, gone_event)
            .outerjoin(_gone_text, gone_text)
        )
        .where(links.c.partition == partition)
        .order_by(links.c.seq)
    )


def _content_problem(row: Row) -> str:
    """What is wrong with an event's contents; empty where nothing is."""
    if row.id is None:
        return "" if row.event_gone else "its contents are missing, and no removal was recorded"
    if row.event_gone:
        return "its contents are there, although a removal was recorded"
    if (row.said_partition, row.said_seq) != (row.partition, row.seq):
        return (
            f"its contents say that they belong to link {row.said_seq} of partition "
            f"{row.said_partition}"
        )
    try:
        digest = bytes(row.text_digest)
        if content_hash(_covered(row), row.facts, digest) != bytes(row.content_hash):
            return "its contents were changed"
        if row.words is not None:
            is_kept = text_digest(bytes(row.salt), row.words) == digest
            return "" if is_kept else "its texts were changed"
    except (TypeError, ValueError, AttributeError):
        return "its contents were changed: they cannot be read any more"
    is_missing = digest and not row.text_gone
    return "its texts are missing, and no removal was recorded" if is_missing else ""


def _unlinked(connection: Connection) -> Iterator[ChainFinding]:
    for column, what in (
        (events.c.id, "contents"),
        (texts.c.event_id, "texts"),
        (removals.c.event_id, "a removal"),
    ):
        linked = exists().where(links.c.event_id == column)
        for id_ in connection.scalars(select(column).where(~linked)):
            yield ChainFinding(_NOWHERE, 0, id_, f"there is {what}, and no link")


def _removals(connection: Connection) -> Iterator[ChainFinding]:
    gone = defaultdict[tuple[str, str], list[str]](list)
    for row in connection.execute(select(removals)):
        gone[row.removed_by, row.part].append(row.event_id)
    for (by, part), ids in gone.items():
        asked = select(events.c.kind, events.c.facts).where(events.c.id == by)
        said = connection.execute(asked).one_or_none()
        note = _read(said.facts).note if said and said.kind in ANNOUNCING else ""
        if note != announcement(part, ids):
            problem = f"it does not announce what was taken away: the {part}s of {len(ids)} records"
            yield ChainFinding(_NOWHERE, 0, by, problem)


def _numbers(connection: Connection, changed: set[str]) -> Iterator[ChainFinding]:
    """The consent state of a number must be the one of the event that its row names.

    Numbers of which it is not go into ``changed``.
    """
    here = (links.c.partition == numbers.c.partition) & (links.c.seq == numbers.c.seq)
    named = numbers.outerjoin(links, here).outerjoin(events, events.c.id == links.c.event_id)
    for row in connection.execute(select(numbers, events.c.facts).select_from(named)):
        if problem := _number_problem(row):
            changed.add(row.number)
            yield ChainFinding(row.partition, row.seq, "", f"how {row.number} stands {problem}")


def _number_problem(row: Row) -> str:
    if row.facts is None:
        holds = number_consent_state_of(row).consent_state.memberships()
        return "rests on an event that is gone" if holds else ""
    consent_state = consent_states_of(_read(row.facts)).get(row.number)
    if consent_state is None:
        return "rests on an event that does not say so"
    should = number_row(row.partition, row.seq, row.number, consent_state)["consent_state"]
    return "was changed" if row.consent_state != should else ""


@functools.lru_cache(8)  # a list has hundreds of numbers in one event
def _read(facts: str) -> Event:
    """The event; an empty one where it was changed, which is reported elsewhere."""
    try:
        return event_of(facts, None)
    except (TypeError, ValueError, AttributeError):
        return Event(id="", kind="", outcome="", number="")


def _outdated(connection: Connection) -> Iterator[ChainFinding]:
    """No event with a consent state may be newer than its number's row in ``numbers``."""
    covered = exists().where(numbers.c.number == events.c.number, numbers.c.seq >= links.c.seq)
    asked = (
        select(links.c.partition, links.c.seq, events.c.id, events.c.number)
        .join(links, links.c.event_id == events.c.id)
        .where(events.c.sets_state, events.c.number != "", ~covered.correlate(events, links))
    )
    for row in connection.execute(asked):
        yield ChainFinding(row.partition, row.seq, row.id, _outdated_text(row.number))


def _outdated_text(number: str) -> str:
    return f"how {number} stands since then is not what is noted of the number"


def _lists(connection: Connection) -> Iterator[ChainFinding]:
    """The numbers of an imported list must be noted as its numbers, in its state or a newer one."""
    of_lists = events.c.kind.in_(("import", "import_undone"))
    for row in connection.execute(select(events).where(of_lists)):
        event = _read(row.facts)
        place = (listed.c.partition == row.partition) & (listed.c.seq == row.seq)
        here = select(listed.c.number).where(place)
        if {*connection.scalars(here)} != listed_in(event):
            problem = "its numbers are not those that are noted"
            yield ChainFinding(row.partition, row.seq, row.id, problem)
        newer = select(numbers.c.number).where(
            numbers.c.number.in_(here.scalar_subquery()), numbers.c.seq >= row.seq
        )
        for number in sorted({*consent_states_of(event)} - {*connection.scalars(newer)}):
            yield ChainFinding(row.partition, row.seq, row.id, _outdated_text(number))


def _memberships(connection: Connection, changed: set[str]) -> Iterator[ChainFinding]:
    """The rows of ``memberships`` must say what ``numbers`` says, where that was not changed."""
    for rows in connection.execute(select(numbers)).partitions():
        there: dict[str, set[MembershipKey]] = {row.number: set() for row in rows}
        asked = select(memberships.c.number, memberships.c.state, memberships.c.scope)
        for number, *key in connection.execute(asked.where(memberships.c.number.in_([*there]))):
            there[number].add(MembershipKey(*key))
        for row in (one for one in rows if one.number not in changed):
            if there[row.number] != number_consent_state_of(row).consent_state.memberships():
                problem = f"what is listed of {row.number} is not how it stands"
                yield ChainFinding(row.partition, row.seq, "", problem)
    known = exists().where(numbers.c.number == memberships.c.number)
    for row in connection.execute(select(memberships).where(~known)):
        problem = f"{row.number} is listed, and no event says so"
        yield ChainFinding(row.partition, row.seq, "", problem)
