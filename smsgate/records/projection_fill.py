"""Filling tables that repeat what events say, for records that are older than they. Migrations do.

Each table is empty before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from smsgate.consent.events import ConsentStateRow, Event
from smsgate.records.contents import consent_states_of, lookup
from smsgate.records.database import put, upsert
from smsgate.records.event_rows import consent_state_of, event_of
from smsgate.records.projections import (
    OPT_OUT_KINDS,
    MembershipChanges,
    MembershipOrigin,
    origins_of,
)
from smsgate.records.tables import events, memberships, numbers, opt_outs_by_day

_AT_ONCE = 5_000
"""Events that are read at once."""
_LISTS_AT_ONCE = 50
"""Events of lists, each of which has up to 500 numbers."""
_UNKNOWN = MembershipOrigin(0, 0, "", 0, 0)


def fill_memberships(connection: Connection) -> None:
    """Fill ``memberships`` from the events and, where those were removed, from ``numbers``."""
    said = select(events.c.facts, events.c.lane, events.c.seq).where(events.c.stands)
    for rows in _pages(connection, said.order_by(events.c.lane, events.c.seq)):
        changes = MembershipChanges()
        for row in rows:
            event = event_of(row.facts, None)
            origins = origins_of(event, row.lane, row.seq)
            for number, consent_state in consent_states_of(event).items():
                changes.note(number, consent_state, origins[number])
        changes.write(connection)
    columns = [numbers.c[name] for name in ConsentStateRow._fields]
    for rows in _pages(connection, select(*columns)):
        changes = MembershipChanges()
        for stands in map(ConsentStateRow._make, rows):
            changes.note(stands.number, consent_state_of(*stands[1:]), _UNKNOWN)
        changes.write(connection)


def fill_external_sources(connection: Connection) -> None:
    """Name the external sources of imported lists in ``memberships`` that are older than them."""
    named = (
        update(memberships)
        .where(
            memberships.c.number == bindparam("one_number"),
            memberships.c.lane == bindparam("one_lane"),
            memberships.c.seq == bindparam("one_seq"),
        )
        .values(external_source=bindparam("named"))
    )
    lists = select(events.c.facts, events.c.lane, events.c.seq).where(
        events.c.kind == "import", events.c.facts.contains('"external_source')
    )
    for rows in _pages(connection, lists, _LISTS_AT_ONCE):
        for row in rows:
            place = {"one_lane": row.lane, "one_seq": row.seq}
            origins = origins_of(event_of(row.facts, None), row.lane, row.seq)
            values = [
                {**place, "one_number": number, "named": origin.external_source}
                for number, origin in origins.items()
                if origin.external_source
            ]
            if values:
                connection.execute(named, values)


def fill_opt_outs_by_day(connection: Connection) -> None:
    """Count the opt-outs that are recorded already into ``opt_outs_by_day``."""
    asked = select(events.c.facts).where(
        events.c.kind.in_(OPT_OUT_KINDS), events.c.outcome == "applied"
    )
    counts = OptOutCounts()
    with connection.execute(asked, execution_options={"yield_per": _AT_ONCE}) as found:
        for row in found:
            counts.note(event_of(row.facts, None))
    counts.write(connection)


def _pages(
    connection: Connection, asked: Select[Any], at_once: int = 0
) -> Iterator[Sequence[Row[Any]]]:
    with connection.execute(asked, execution_options={"yield_per": at_once or _AT_ONCE}) as found:
        yield from found.partitions()


_DAY_US = 24 * 3600 * 1_000_000
_EPOCH = 719_163
"""1970-01-01 as ``date.toordinal`` has it."""


class OptOutKind(NamedTuple):
    """What opt-outs are counted by."""

    day: int
    """As ``date.toordinal``, by UTC."""
    program: str
    """``all`` where an operator or a program opted a number out of everything."""
    sender: str
    """The number or short code of ours that was texted; empty where it was no text."""
    source: str
    """``text``, ``link``, ``operator`` …"""
    keyword: str
    """The wording that matched; empty where there is none."""


class OptOutCounts:
    """Counts opt-outs of events; written together."""

    def __init__(self) -> None:
        self._counts: Counter[OptOutKind] = Counter()

    def note(self, event: Event) -> None:
        """Count an event, if it is an opt-out that changed something."""
        entry = event.entry
        if event.kind not in OPT_OUT_KINDS or event.outcome != "applied" or entry is None:
            return
        day = _EPOCH + (event.received_us or event.applied_us) // _DAY_US
        said = (entry.sender, entry.decision.keyword) if entry.source == "text" else ("", "")
        words = map(lookup, (event.program, said[0], entry.source, said[1]))
        self._counts[OptOutKind(day, *words)] += 1

    def write(self, connection: Connection) -> None:
        """Add the counts to those of the table."""
        if not self._counts:
            return
        table, adding = opt_outs_by_day, upsert(connection, opt_outs_by_day)
        grown = {"count": table.c.count + adding.excluded["count"]}
        adding = adding.on_conflict_do_update(index_elements=[*OptOutKind._fields], set_=grown)
        # Sorted, so that two writers cannot wait for each other.
        rows = [{**kind._asdict(), "count": self._counts[kind]} for kind in sorted(self._counts)]
        put(connection, adding, rows)
