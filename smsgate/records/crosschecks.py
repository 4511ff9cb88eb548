"""Do the other tables fit the chain: contents without a link, removals, how numbers stand?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, select

from smsgate.consent import Event
from smsgate.records.announcing import ANNOUNCING, fits
from smsgate.records.broken import Finding
from smsgate.records.contents import event_of, number_row
from smsgate.records.removing import by_removal
from smsgate.records.tables import events, links, numbers, removals, texts

Row: TypeAlias = Any
_PAGE = 1_000
_NOWHERE = -1


def crosschecks(connection: Connection) -> Iterator[Finding]:
    """Everything that is wrong outside the chains themselves."""
    streamed = connection.execution_options(yield_per=_PAGE)
    yield from _unlinked(streamed)
    yield from _removals(streamed)
    yield from _numbers(streamed)
    yield from _outdated(streamed)


def _unlinked(connection: Connection) -> Iterator[Finding]:
    for table, column, what in (
        (events, events.c.id, "contents"),
        (texts, texts.c.event_id, "texts"),
        (removals, removals.c.event_id, "a removal"),
    ):
        linked = exists().where(links.c.event_id == column)
        for id_ in connection.scalars(select(column).select_from(table).where(~linked)):
            yield Finding(_NOWHERE, 0, id_, f"there is {what}, and no link")


def _removals(connection: Connection) -> Iterator[Finding]:
    rows = connection.execute(select(removals.c.event_id, removals.c.part, removals.c.removed_by))
    for (by, part), ids in by_removal((row[0], row[1], row[2]) for row in rows).items():
        asked = select(events.c.kind, events.c.facts).where(events.c.id == by)
        said = connection.execute(asked).one_or_none()
        note = _read(said.facts).note if said and said.kind in ANNOUNCING else ""
        if not fits(note, part, ids):
            problem = f"it does not announce what was taken away: the {part}s of {len(ids)} records"
            yield Finding(_NOWHERE, 0, by, problem)


def _numbers(connection: Connection) -> Iterator[Finding]:
    """How a number stands must be what the event says that it rests on."""
    asked = select(numbers, events.c.facts).select_from(
        numbers.outerjoin(
            links, (links.c.lane == numbers.c.lane) & (links.c.seq == numbers.c.seq)
        ).outerjoin(events, events.c.id == links.c.event_id)
    )
    for row in connection.execute(asked):
        problem = _number_problem(row)
        if problem:
            yield Finding(row.lane, row.seq, "", f"how {row.number} stands {problem}")


def _number_problem(row: Row) -> str:
    holds = row.everywhere or row.locked or row.own or row.back or row.consents
    if row.facts is None:
        return "rests on an event that is gone" if holds else ""
    standing = _read(row.facts).standing
    if standing is None:
        return "rests on an event that does not say so"
    should = number_row(row.lane, row.seq, row.number, standing)
    differs = [name for name, value in should.items() if getattr(row, name) != value]
    return f"was changed: {', '.join(differs)}" if differs else ""


def _read(facts: str) -> Event:
    try:
        return event_of(facts, None)
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError):
        return Event(id="", kind="", outcome="", number="")  # that it was changed is told elsewhere


def _outdated(connection: Connection) -> Iterator[Finding]:
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
        yield Finding(row.lane, row.seq, row.id, problem)
