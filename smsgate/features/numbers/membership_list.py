"""Opt-outs, locks and consents as a list, newest first: found by the records, checked in the store.

The records say since when, why and by whom; they are a second behind at most. Whether it holds is
the store's to say, so what a page shows is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy import text as sql

from smsgate.consent.events import Event
from smsgate.consent.list_import import event_for
from smsgate.domain.messages import ALL
from smsgate.records.database import Database, lookup
from smsgate.records.projections import (
    CONSENT,
    EXCEPTION,
    LOCKED,
    OPTED_OUT,
    TAIL,
    MembershipKey,
    keys_of,
)
from smsgate.records.reader import EVENTS, recorded_of
from smsgate.records.tables import FROM_OUTSIDE, events, links, memberships
from smsgate.store.store import Store

STATES = (OPTED_OUT, LOCKED, CONSENT)
SOURCES = ("text", "provider", "link", "operator", "api", "import")
COUNTED = 1_000_000
"""Rows of a state and scope that are counted at most, so that a count takes a bounded time."""
_PLACES_AT_ONCE = 400


class MembershipPlace(NamedTuple):
    """Where a page ends: its last row."""

    since_us: int
    number: str
    key: MembershipKey


@dataclass(frozen=True, slots=True)
class MembershipFilter:
    """Which rows are wanted; what is empty or 0 does not count."""

    state: str = ""
    """One of ``STATES``."""
    program: str = ""
    """A program, for all that holds for it; or ``all``, for what holds for every program."""
    source: str = ""
    external_source: str = ""
    """As imported lists name it, such as ``Klaviyo``."""
    digits: str = ""
    """The last digits of the number, at least four."""
    since_us: int = 0
    until_us: int = 0
    """Before this moment."""


@dataclass(frozen=True, slots=True)
class Membership:
    """An opt-out, a lock or a consent that holds, by the records."""

    place: MembershipPlace
    source: str
    """Empty where it is not known."""
    partition: int
    seq: int
    """Of the event that made it; 0 where it is not known."""
    external_source: str = ""
    """From where an imported list has it, if the list says so."""


@dataclass(frozen=True, slots=True)
class MembershipCount:
    """How many rows there are."""

    count: int
    is_complete: bool
    """False where there are more."""


class MembershipList:
    """Reads the list. Everything raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, wanted: MembershipFilter, behind: MembershipPlace | None, limit: int
    ) -> list[Membership]:
        """At most ``limit`` rows behind a place, newest first."""
        if self._database.absent:
            return []
        found: list[Membership] = []
        with self._database.reading() as connection:
            for key in _keys(connection, wanted):
                asked = _filtered(wanted, key, select(memberships))
                if key == _EVERYWHERE and wanted.program not in ("", ALL):
                    asked = asked.where(~_came_back(wanted.program))
                if behind is not None:
                    asked = asked.where(_later(key, behind))
                newest = (memberships.c.since_us.desc(), memberships.c.number.desc())
                rows = connection.execute(asked.order_by(*newest).limit(limit))
                found += [
                    Membership(
                        MembershipPlace(row.since_us, row.number, key),
                        row.source,
                        row.partition,
                        row.seq,
                        row.external_source,
                    )
                    for row in rows
                ]
        # Stable: rows of one moment and number stay in the order of their keys.
        found.sort(key=lambda one: (one.place.since_us, one.place.number), reverse=True)
        return found[:limit]

    def count(self, wanted: MembershipFilter) -> MembershipCount:
        """How many rows all pages have together."""
        if self._database.absent:
            return MembershipCount(0, is_complete=True)
        total, is_complete = 0, True
        with self._database.reading() as connection:
            for key in _keys(connection, wanted):
                some = _filtered(wanted, key, select(literal(1)).select_from(memberships))
                counted = _scalar(connection, some.limit(COUNTED).subquery())
                is_complete = is_complete and counted < COUNTED
                if key == _EVERYWHERE and wanted.program not in ("", ALL):
                    # Few came back: to look for these takes less than to ask it of each row.
                    counted -= _scalar(connection, _back_of(wanted, key).subquery())
                total += counted
        return MembershipCount(total, is_complete)

    def external_sources(self, limit: int) -> list[str]:
        """The first external sources by name: a step in the index for each, however many rows."""
        if self._database.absent:
            return []
        column = memberships.c.external_source
        asked, found = select(func.min(column)).where(sql(FROM_OUTSIDE)), list[str]()
        with self._database.reading() as connection:
            while len(found) < limit:
                name = connection.scalar(asked.where(column > found[-1]) if found else asked)
                if name is None:
                    break
                found.append(name)
        return found

    def origins(self, some: Sequence[Membership]) -> dict[MembershipPlace, Event]:
        """The events that made some rows, as far as they are still recorded."""
        if self._database.absent:
            return {}
        found: dict[tuple[int, int], Event] = {}
        places = [*{(one.partition, one.seq) for one in some if one.seq}]
        with self._database.reading() as connection:
            for at in range(0, len(places), _PLACES_AT_ONCE):
                here = tuple_(links.c.partition, links.c.seq).in_(places[at : at + _PLACES_AT_ONCE])
                ids = select(links.c.event_id).where(here)
                for row in connection.execute(EVENTS.where(events.c.id.in_(ids))):
                    recorded = recorded_of(row)
                    found[recorded.partition, recorded.seq] = recorded.event
        origins: dict[MembershipPlace, Event] = {}
        for one in some:
            event = found.get((one.partition, one.seq))
            part = event_for(event, one.place.number) if event is not None else None
            if part is not None:
                origins[one.place] = part
        return origins


def held_in_store(store: Store, some: Sequence[Membership]) -> dict[MembershipPlace, bool]:
    """Whether each row holds in the store now.

    Raises ``StoreUnavailable`` and ``StoreNotReady``.
    """
    scopes = {one.place.key.scope for one in some} - {ALL}
    numbers = [one.place.number for one in some]
    states = store.numbers.consent_states_of(numbers, sorted(scopes))
    return {one.place: one.place.key in keys_of(states[one.place.number]) for one in some}


_EVERYWHERE = MembershipKey(OPTED_OUT, ALL)


def _keys(connection: Connection, wanted: MembershipFilter) -> list[MembershipKey]:
    """The states and scopes that a filter is about, in their order."""
    states = [one for one in STATES if wanted.state in ("", one)]
    if not wanted.program:
        return sorted(key for key in _all_keys(connection) if key.state in states)
    scopes = {OPTED_OUT: {ALL, wanted.program}, LOCKED: {ALL}, CONSENT: {wanted.program}}
    return sorted(MembershipKey(state, scope) for state in states for scope in scopes[state])


def _all_keys(connection: Connection) -> Iterator[MembershipKey]:
    """The states and scopes that there are: a step in the index for each, however many rows."""
    state, scope = memberships.c.state, memberships.c.scope
    asked = select(state, scope).order_by(state, scope).limit(1)
    row = connection.execute(asked).one_or_none()
    while row is not None:
        key = MembershipKey(*row)
        yield key
        # Two questions: SQLite uses of a comparison of pairs the first part only.
        row = (
            connection.execute(asked.where(state == key.state, scope > key.scope)).one_or_none()
            or connection.execute(asked.where(state > key.state)).one_or_none()
        )


def _filtered(wanted: MembershipFilter, key: MembershipKey, asked: Select[Any]) -> Select[Any]:
    asked = asked.where(memberships.c.state == key.state, memberships.c.scope == key.scope)
    if wanted.source:
        asked = asked.where(memberships.c.source == wanted.source)
    if wanted.external_source:
        # Word for word the condition of the index, or it is not used.
        named = memberships.c.external_source == lookup(wanted.external_source)
        asked = asked.where(sql(FROM_OUTSIDE), named)
    if wanted.since_us:
        asked = asked.where(memberships.c.since_us >= wanted.since_us)
    if wanted.until_us:
        asked = asked.where(memberships.c.since_us < wanted.until_us)
    if wanted.digits:
        asked = asked.where(
            memberships.c.tail == wanted.digits[-TAIL:],
            memberships.c.number.like(f"%{wanted.digits}"),
        )
    return asked


def _later(key: MembershipKey, behind: MembershipPlace) -> ColumnElement[bool]:
    """Whether a row of a state and scope comes behind a place."""
    mine = tuple_(memberships.c.since_us, memberships.c.number)
    last = tuple_(literal(behind.since_us), literal(behind.number))
    return mine <= last if key > behind.key else mine < last


_exceptions = memberships.alias("came_back")


def _came_back(program: str) -> ColumnElement[bool]:
    """Whether a number that opted out of everything came back to a program."""
    mine = _exceptions.c.number == memberships.c.number
    return exists().where(mine, _exceptions.c.state == EXCEPTION, _exceptions.c.scope == program)


def _back_of(wanted: MembershipFilter, key: MembershipKey) -> Select[Any]:
    """Rows of those who came back to the program."""
    came = select(_exceptions.c.number).where(
        _exceptions.c.state == EXCEPTION, _exceptions.c.scope == wanted.program
    )
    asked = _filtered(wanted, key, select(literal(1)).select_from(memberships))
    return asked.where(memberships.c.number.in_(came))


def _scalar(connection: Connection, rows: Any) -> int:  # noqa: ANN401 - SQLAlchemy's subquery
    return int(connection.scalar(select(func.count()).select_from(rows)) or 0)
