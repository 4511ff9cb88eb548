"""The table ``memberships``: each opt-out, lock and consent that holds, since when and by whom.

It repeats what ``numbers`` says, a row each, so that pages can list and count it by an index. The
writer keeps it in the transaction that keeps the events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select

from smsgate.consent.events import ConsentState, ConsentStateRow, Event
from smsgate.domain.messages import ALL
from smsgate.records.contents import consent_states_of, lookup
from smsgate.records.database import put
from smsgate.records.event_rows import consent_state_of, event_of
from smsgate.records.tables import events, memberships, numbers

OPTED_OUT, LOCKED, CONSENT, BACK = "opted_out", "locked", "consent", "back"
"""States of a membership; ``back`` is an exception of a program from an opt-out of everything."""
TAIL = 4
"""Last characters of a number that are indexed."""
_AT_ONCE = 5_000
"""Numbers in one question, below SQLite's bound of variables."""


class MembershipKey(NamedTuple):
    """What a number is in."""

    state: str
    scope: str
    """A program's name, or ``all``."""


@dataclass(frozen=True, slots=True)
class MembershipOrigin:
    """What made memberships, and when."""

    since_us: int
    """Of an opt-out and a lock; 0 where it is not known."""
    given_us: int
    """Of a consent."""
    source: str
    """``text``, ``operator``, ``import`` …; empty where it is not known."""
    partition: int
    seq: int
    """Of the event; 0 where it is not known."""


UNKNOWN_ORIGIN = MembershipOrigin(0, 0, "", 0, 0)


def keys_of(consent_state: ConsentState) -> set[MembershipKey]:
    """What a number of this consent state is in."""
    found = {MembershipKey(OPTED_OUT, name) for name in consent_state.own}
    found |= {MembershipKey(BACK, name) for name in consent_state.back}
    found |= {MembershipKey(CONSENT, name) for name in consent_state.consents}
    if consent_state.everywhere:
        found.add(MembershipKey(OPTED_OUT, ALL))
    if consent_state.locked:
        found.add(MembershipKey(LOCKED, ALL))
    return found


def origins_of(event: Event, partition: int, seq: int) -> dict[str, MembershipOrigin]:
    """By number, as the records have it, what an event is the origin of."""
    source = lookup(event.entry.source) if event.entry else ""
    consent = event.entry.consent if event.entry else None
    at_us = event.event_time_us or event.received_us or event.applied_us
    given_us = consent.given_us if consent is not None and consent.given_us else at_us
    own = MembershipOrigin(at_us, given_us, source, partition, seq)
    if not event.listed:
        return {lookup(event.number): own}
    return {
        lookup(number): MembershipOrigin(since_us, since_us, source, partition, seq)
        if since_us
        else own
        for group in event.listed
        for number, since_us in zip(
            group.numbers, group.since_us or (0,) * len(group.numbers), strict=True
        )
    }


class MembershipChanges:
    """What events change, one after the other; written together."""

    def __init__(self) -> None:
        self._now: dict[str, dict[MembershipKey, MembershipOrigin]] = {}
        self._anew: set[tuple[str, MembershipKey]] = set()
        """What began, for certain, within these events."""

    def note(self, number: str, consent_state: ConsentState, origin: MembershipOrigin) -> None:
        """A number has this consent state from an event on."""
        keys, before = keys_of(consent_state), self._now.get(number)
        if before is None:
            # What of it held before is known only to the table.
            self._now[number] = dict.fromkeys(keys, origin)
            return
        self._anew |= {(number, key) for key in keys - before.keys()}
        self._now[number] = {key: before.get(key, origin) for key in keys}

    def write(self, connection: Connection) -> None:
        """Write what changed; what held before keeps its origin."""
        known = [*self._now]
        for at in range(0, len(known), _AT_ONCE):
            self._write(connection, known[at : at + _AT_ONCE])

    def _write(self, connection: Connection, some: list[str]) -> None:
        asked = select(*_KEY).where(memberships.c.number.in_(some))
        rows = connection.execute(asked)
        there = {(one.number, MembershipKey(one.state, one.scope)) for one in rows}
        wanted = {
            (number, key): origin for number in some for key, origin in self._now[number].items()
        }
        gone = [one for one in there if one not in wanted or one in self._anew]
        new = [
            _row(*one, origin)
            for one, origin in wanted.items()
            if one not in there or one in self._anew
        ]
        if gone:
            places = [dict(zip(_PLACES, (number, *key), strict=True)) for number, key in gone]
            connection.execute(_REMOVING, places)
        if new:
            put(connection, insert(memberships), new)


_KEY = (memberships.c.number, memberships.c.state, memberships.c.scope)
_PLACES = ("one_number", "one_state", "one_scope")
_REMOVING = delete(memberships).where(
    *(column == bindparam(place) for column, place in zip(_KEY, _PLACES, strict=True))
)


def _row(number: str, key: MembershipKey, origin: MembershipOrigin) -> dict[str, Any]:
    return {
        "number": number,
        "state": key.state,
        "scope": key.scope,
        "since_us": origin.given_us if key.state == CONSENT else origin.since_us,
        "source": origin.source,
        "lane": origin.partition,
        "seq": origin.seq,
        "tail": number[-TAIL:],
    }


def fill(connection: Connection) -> None:
    """Fill the empty table from the events and, where those were removed, from ``numbers``."""
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
            changes.note(stands.number, consent_state_of(*stands[1:]), UNKNOWN_ORIGIN)
        changes.write(connection)


def _pages(connection: Connection, asked: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    with connection.execute(asked, execution_options={"yield_per": _AT_ONCE}) as found:
        yield from found.partitions()
