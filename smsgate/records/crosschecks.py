"""Do the other tables fit the chain: contents without a link, removals, how numbers stand?"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, select

from smsgate.consent.events import Event
from smsgate.records.announcing import ANNOUNCING, fits
from smsgate.records.broken import ChainFinding
from smsgate.records.contents import event_of, lookup, number_row, standings_of
from smsgate.records.removal import by_removal
from smsgate.records.tables import events, links, listed, numbers, removals, texts

Row: TypeAlias = Any
_PAGE = 1_000
_NOWHERE = -1


def crosschecks(connection: Connection) -> Iterator[ChainFinding]:
    """Everything that is wrong outside the chains themselves."""
    streamed = connection.execution_options(yield_per=_PAGE)
    yield from _unlinked(streamed)
    yield from _removals(streamed)
    yield from _numbers(streamed)
    yield from _outdated(streamed)
    yield from _lists(streamed)


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
    rows = connection.execute(select(removals.c.event_id, removals.c.part, removals.c.removed_by))
    for (by, part), ids in by_removal((row[0], row[1], row[2]) for row in rows).items():
        asked = select(events.c.kind, events.c.facts).where(events.c.id == by)
        said = connection.execute(asked).one_or_none()
        note = _read(said.facts).note if said and said.kind in ANNOUNCING else ""
        if not fits(note, part, ids):
            problem = f"it does not announce what was taken away: the {part}s of {len(ids)} records"
            yield ChainFinding(_NOWHERE, 0, by, problem)


def _numbers(connection: Connection) -> Iterator[ChainFinding]:
    """How a number stands must be what the event says that it rests on."""
    asked = select(numbers, events.c.facts).select_from(
        numbers.outerjoin(
            links, (links.c.lane == numbers.c.lane) & (links.c.seq == numbers.c.seq)
        ).outerjoin(events, events.c.id == links.c.event_id)
    )
    for row in connection.execute(asked):
        problem = _number_problem(row)
        if problem:
            yield ChainFinding(row.lane, row.seq, "", f"how {row.number} stands {problem}")


def _number_problem(row: Row) -> str:
    holds = row.everywhere or row.locked or row.own or row.back or row.consents
    if row.facts is None:
        return "rests on an event that is gone" if holds else ""
    standing = standings_of(_read(row.facts)).get(row.number)
    if standing is None:
        return "rests on an event that does not say so"
    should = number_row(row.lane, row.seq, row.number, standing)
    differs = [name for name, value in should.items() if getattr(row, name) != value]
    return f"was changed: {', '.join(differs)}" if differs else ""


@functools.lru_cache(8)  # a list has hundreds of numbers in one event
def _read(facts: str) -> Event:
    try:
        return event_of(facts, None)
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError):
        return Event(id="", kind="", outcome="", number="")  # that it was changed is told elsewhere


def _outdated(connection: Connection) -> Iterator[ChainFinding]:
    """No event may say how a number stands, and be newer than what stands in ``numbers``."""
    standing: ColumnElement[bool] = events.c.stands
    covered = (
        exists()
        .select_from(numbers)
        .where(numbers.c.number == events.c.number, numbers.c.seq >= links.c.seq)
    )
    asked = (
        select(links.c.lane, links.c.seq, events.c.id, events.c.number)
        .join(links, links.c.event_id == events.c.id)
        .where(standing, events.c.number != "", ~covered)
    )
    for row in connection.execute(asked):
        problem = f"how {row.number} stands since then is not what is noted of the number"
        yield ChainFinding(row.lane, row.seq, row.id, problem)


def _lists(connection: Connection) -> Iterator[ChainFinding]:
    """The numbers of an imported list must be noted as its numbers, and stand so or newer."""
    asked = select(events.c.id, events.c.lane, events.c.seq, events.c.facts).where(
        events.c.kind.in_(("import", "import_undone"))
    )
    for row in connection.execute(asked):
        event = _read(row.facts)
        here = select(listed.c.number).where(listed.c.lane == row.lane, listed.c.seq == row.seq)
        noted = {*connection.scalars(here)}
        if noted != {lookup(number) for group in event.listed for number in group.numbers}:
            yield ChainFinding(
                row.lane, row.seq, row.id, "its numbers are not those that are noted"
            )
        newer = select(numbers.c.number).where(
            numbers.c.number.in_(here.scalar_subquery()), numbers.c.seq >= row.seq
        )
        for number in sorted({*standings_of(event)} - {*connection.scalars(newer)}):
            problem = f"how {number} stands since then is not what is noted of the number"
            yield ChainFinding(row.lane, row.seq, row.id, problem)
