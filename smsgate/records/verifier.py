"""Verification: the chain is whole, and nothing that is kept was changed.

Every link's hash is computed anew, every event's contents are compared with what its link says of
them, and what is missing must have been announced. Then tables are held against each other: how
numbers stand, the numbers of lists, and removals. Reads one state of the database.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, select, text

from smsgate.consent.events import Event
from smsgate.records.database import DatabasePart, lookup
from smsgate.records.partition_check import ChainFinding, PartitionCheck
from smsgate.records.projections import MembershipKey, keys_of
from smsgate.records.reader import event_of, number_consent_state_of
from smsgate.records.removal import ANNOUNCING, fits
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
from smsgate.records.writer import COLUMNS, consent_states_of, content_hash, number_row, text_digest

_CROSS_PAGE = 1_000
_NOWHERE = -1


def crosschecks(connection: Connection) -> Iterator[ChainFinding]:
    """Everything that is wrong outside the chains themselves."""
    streamed = connection.execution_options(yield_per=_CROSS_PAGE)
    yield from _unlinked(streamed)
    yield from _removals(streamed)
    changed: set[str] = set()
    yield from _numbers(streamed, changed)
    yield from _outdated(streamed)
    yield from _lists(streamed)
    yield from _memberships(streamed, changed)


def _unlinked(connection: Connection) -> Iterator[ChainFinding]:
    for table, column, what in (
        (events, events.c.id, "contents"),
        (texts, texts.c.event_id, "texts"),
        (removals, removals.c.event_id, "a removal"),
    ):
        linked = exists().where(links.c.event_id == column)
        for id_ in connection.scalars(select(column).select_from(table).where(~linked)):
            yield ChainFinding(_NOWHERE, 0, id_, f"there is {what}, and no link")


def _removals(connection: Connection) -> Iterator[ChainFinding]:
    gone = defaultdict[tuple[str, str], list[str]](list)
    for row in connection.execute(select(removals)):
        gone[row.removed_by, row.part].append(row.event_id)
    for (by, part), ids in gone.items():
        asked = select(events.c.kind, events.c.facts).where(events.c.id == by)
        said = connection.execute(asked).one_or_none()
        note = _read(said.facts).note if said and said.kind in ANNOUNCING else ""
        if not fits(note, part, ids):
            problem = f"it does not announce what was taken away: the {part}s of {len(ids)} records"
            yield ChainFinding(_NOWHERE, 0, by, problem)


def _numbers(connection: Connection, changed: set[str]) -> Iterator[ChainFinding]:
    """The consent state of a number must be the one of the event that its row names.

    Numbers of which it is not go into ``changed``.
    """
    asked = select(numbers, events.c.facts).select_from(
        numbers.outerjoin(
            links, (links.c.partition == numbers.c.partition) & (links.c.seq == numbers.c.seq)
        ).outerjoin(events, events.c.id == links.c.event_id)
    )
    for row in connection.execute(asked):
        problem = _number_problem(row)
        if problem:
            changed.add(row.number)
            yield ChainFinding(row.partition, row.seq, "", f"how {row.number} stands {problem}")


def _number_problem(row: Row) -> str:
    holds = row.everywhere or row.locked or row.opted_out or row.exceptions or row.consents
    if row.facts is None:
        return "rests on an event that is gone" if holds else ""
    consent_state = consent_states_of(_read(row.facts)).get(row.number)
    if consent_state is None:
        return "rests on an event that does not say so"
    should = number_row(row.partition, row.seq, row.number, consent_state)
    differs = [name for name, value in should.items() if getattr(row, name) != value]
    return f"was changed: {', '.join(differs)}" if differs else ""


@functools.lru_cache(8)  # a list has hundreds of numbers in one event
def _read(facts: str) -> Event:
    try:
        return event_of(facts, None)
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError):
        return Event(
            id="", kind="", outcome="", number=""
        )  # that it was changed is reported elsewhere


def _outdated(connection: Connection) -> Iterator[ChainFinding]:
    """No event with a consent state may be newer than its number's row in ``numbers``."""
    consent_state: ColumnElement[bool] = events.c.sets_state
    covered = (
        exists()
        .select_from(numbers)
        .where(numbers.c.number == events.c.number, numbers.c.seq >= links.c.seq)
    )
    asked = (
        select(links.c.partition, links.c.seq, events.c.id, events.c.number)
        .join(links, links.c.event_id == events.c.id)
        .where(consent_state, events.c.number != "", ~covered)
    )
    for row in connection.execute(asked):
        problem = f"how {row.number} stands since then is not what is noted of the number"
        yield ChainFinding(row.partition, row.seq, row.id, problem)


def _lists(connection: Connection) -> Iterator[ChainFinding]:
    """The numbers of an imported list must be noted as its numbers, in its state or a newer one."""
    asked = select(events.c.id, events.c.partition, events.c.seq, events.c.facts).where(
        events.c.kind.in_(("import", "import_undone"))
    )
    for row in connection.execute(asked):
        event = _read(row.facts)
        here = select(listed.c.number).where(
            listed.c.partition == row.partition, listed.c.seq == row.seq
        )
        noted = {*connection.scalars(here)}
        if noted != {lookup(number) for group in event.listed for number in group.numbers}:
            yield ChainFinding(
                row.partition, row.seq, row.id, "its numbers are not those that are noted"
            )
        newer = select(numbers.c.number).where(
            numbers.c.number.in_(here.scalar_subquery()), numbers.c.seq >= row.seq
        )
        for number in sorted({*consent_states_of(event)} - {*connection.scalars(newer)}):
            problem = f"how {number} stands since then is not what is noted of the number"
            yield ChainFinding(row.partition, row.seq, row.id, problem)


def _memberships(connection: Connection, changed: set[str]) -> Iterator[ChainFinding]:
    """The rows of ``memberships`` must say what ``numbers`` says, where that was not changed."""
    with connection.execute(select(numbers)) as streamed:
        for rows in streamed.partitions():
            should = {row.number: keys_of(number_consent_state_of(row).consent_state)
                      for row in rows}  # fmt: skip
            there: dict[str, set[MembershipKey]] = {number: set() for number in should}
            asked = select(memberships.c.number, memberships.c.state, memberships.c.scope)
            for row in connection.execute(asked.where(memberships.c.number.in_([*should]))):
                there[row.number].add(MembershipKey(row.state, row.scope))
            for row in rows:
                if row.number not in changed and there[row.number] != should[row.number]:
                    problem = f"what is listed of {row.number} is not how it stands"
                    yield ChainFinding(row.partition, row.seq, "", problem)
    known = exists().where(numbers.c.number == memberships.c.number)
    for row in connection.execute(select(memberships).where(~known)):
        problem = f"{row.number} is listed, and no event says so"
        yield ChainFinding(row.partition, row.seq, "", problem)


Progress: TypeAlias = Callable[[int], None]
"""Called with the number of links that were checked since the last call."""
Row: TypeAlias = Any
_PAGE = 1_000
_covered = attrgetter(*COLUMNS)
_gone_event = removals.alias("gone_event")
_gone_text = removals.alias("gone_text")


class Verifier(DatabasePart):
    """Checks the records."""

    def verify(self, progress: Progress = lambda _: None) -> Iterator[ChainFinding]:
        """Everything that is wrong, by partition; nothing where the records are as they were.

        Raises ``RecordsUnavailable``.
        """
        self._database.refuse_absent()
        with self._database.checking() as connection:
            yield from _file_findings(connection)
            try:
                yield from _partitions(connection, progress)
                yield from crosschecks(connection)
            except (TypeError, ValueError, AttributeError) as error:
                yield ChainFinding(
                    -1, 0, "", f"a value is of another kind than its column: {error}"
                )

    def verify_partition(self, partition: int) -> list[ChainFinding]:
        """Everything that is wrong with one partition's chain. Raises as ``verify``."""
        self._database.refuse_absent()
        with self._database.checking() as connection:
            end = connection.execute(
                select(heads).where(heads.c.partition == partition)
            ).one_or_none()
            return [*_partition(connection, partition, end, lambda _: None)]


def _partitions(connection: Connection, progress: Progress) -> Iterator[ChainFinding]:
    ends = {row.partition: row for row in connection.execute(select(heads))}
    found = {row.partition for row in connection.execute(select(links.c.partition).distinct())}
    for partition in sorted(found | set(ends)):
        yield from _partition(connection, partition, ends.get(partition), progress)


def _file_findings(connection: Connection) -> Iterator[ChainFinding]:
    """What SQLite itself says against its file: its indexes could hide rows."""
    if connection.dialect.name != "sqlite":
        return
    for said in connection.execute(text("PRAGMA integrity_check(20)")).scalars():
        if said != "ok":
            yield ChainFinding(-1, 0, "", f"the file is damaged: {said}")


def _partition(
    connection: Connection, partition: int, end: Row | None, progress: Progress
) -> Iterator[ChainFinding]:
    chain = PartitionCheck(partition)
    streamed = connection.execution_options(yield_per=_PAGE)
    for page in streamed.execute(_chain_query(partition)).partitions(_PAGE):
        for row in page:
            yield from chain.add(row.link_seq, row.event_id, row.content_hash, row.hash)
            if problem := _problem(row):
                yield ChainFinding(partition, row.link_seq, row.event_id, problem)
        progress(len(page))
    yield from chain.end((end.seq, end.hash) if end is not None else None)


def _chain_query(partition: int) -> Select[Any]:
    return (
        select(
            links.c.partition.label("link_partition"),
            links.c.seq.label("link_seq"),
            links.c.event_id,
            links.c.content_hash,
            links.c.hash,
            events,
            texts.c.salt,
            texts.c.words,
            _gone_event.c.removed_by.label("event_gone"),
            _gone_text.c.removed_by.label("text_gone"),
        )
        .select_from(
            links.outerjoin(events, events.c.id == links.c.event_id)
            .outerjoin(texts, texts.c.event_id == links.c.event_id)
            .outerjoin(_gone_event, _gone(_gone_event, "event"))
            .outerjoin(_gone_text, _gone(_gone_text, "text"))
        )
        .where(links.c.partition == partition)
        .order_by(links.c.seq)
    )


def _gone(table: Any, part: str) -> Any:  # noqa: ANN401 - SQL expressions
    return and_(table.c.event_id == links.c.event_id, table.c.part == part)


def _problem(row: Row) -> str:
    try:
        return _content_problem(row)
    except (TypeError, ValueError, AttributeError):
        return "its contents were changed: they cannot be read any more"


def _content_problem(row: Row) -> str:
    """What is wrong with an event's contents; empty where nothing is."""
    if row.id is None:
        return "" if row.event_gone else "its contents are missing, and no removal was recorded"
    if row.event_gone:
        return "its contents are there, although a removal was recorded"
    if (row.partition, row.seq) != (row.link_partition, row.link_seq):
        return f"its contents say that they belong to link {row.seq} of partition {row.partition}"
    if content_hash(_covered(row), row.facts, bytes(row.text_digest)) != bytes(row.content_hash):
        return "its contents were changed"
    return _text_problem(row)


def _text_problem(row: Row) -> str:
    if row.words is None:
        missing = row.text_digest and not row.text_gone
        return "its texts are missing, and no removal was recorded" if missing else ""
    if text_digest(bytes(row.salt), row.words) != bytes(row.text_digest):
        return "its texts were changed"
    return ""
