"""The table that repeats what events say, so that pages can list by an index.

``memberships`` has a row for each opt-out, lock and consent that holds, since when and by whom. The
writer keeps it in the transaction that keeps the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select

from smsgate.consent.events import ConsentState, Event
from smsgate.domain.messages import ALL
from smsgate.records.database import lookup, put
from smsgate.records.tables import memberships

OPTED_OUT, LOCKED, CONSENT, EXCEPTION = "opted_out", "locked", "consent", "exception"
"""States of a membership; ``exception``: the program may text although ``all`` is opted out."""
OPT_OUT_KINDS = ("opt_out", "opt_out_all")
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
    """What made memberships, and when; 0 and empty where it is not known."""

    since_us: int
    """Of an opt-out and a lock."""
    given_us: int
    """Of a consent."""
    source: str
    """``text``, ``operator``, ``import`` …"""
    partition: int
    seq: int
    external_source: str = ""
    """From where an imported list has it, such as ``Klaviyo``."""
    renewed_scope: str = ""
    """Of an opt-out that changed something: its scope, where an older one may hold already."""

    def of(self, key: MembershipKey) -> tuple[int, str, int, int]:
        """Since when a membership holds, its source, and the place of its event."""
        since_us = self.given_us if key.state == CONSENT else self.since_us
        return since_us, self.source, self.partition, self.seq


def keys_of(consent_state: ConsentState) -> set[MembershipKey]:
    """What a number of this consent state is in."""
    sets = {
        OPTED_OUT: consent_state.opted_out,
        EXCEPTION: consent_state.exceptions,
        CONSENT: consent_state.consents,
    }
    found = {MembershipKey(state, name) for state, names in sets.items() for name in names}
    if consent_state.everywhere:
        found.add(MembershipKey(OPTED_OUT, ALL))
    if consent_state.locked:
        found.add(MembershipKey(LOCKED, ALL))
    return found


def origins_of(event: Event, partition: int, seq: int) -> dict[str, MembershipOrigin]:
    """By number, as the records have it, what an event is the origin of."""
    entry, at_us = event.entry, event.event_time_us or event.received_us or event.applied_us
    given_us = entry.consent.given_us if entry and entry.consent else 0
    source = lookup(entry.source) if entry else ""
    named = lookup(entry.external_source) if entry else ""
    has_changed = event.kind in OPT_OUT_KINDS and event.outcome == "applied"
    renewed = event.scope if has_changed else ""
    own = MembershipOrigin(at_us, given_us or at_us, source, partition, seq, named, renewed)
    if not event.listed:
        return {lookup(event.number): own}
    is_opt_out = event.kind == "import" and entry is not None and entry.decision.intent.stops
    found: dict[str, MembershipOrigin] = {}
    for group in event.listed:
        renewed = event.scope if is_opt_out and group.outcome == "applied" else ""
        found |= dict.fromkeys(map(lookup, group.numbers), replace(own, renewed_scope=renewed))
    for group in event.listed:
        for number, since_us in zip(group.numbers, group.since_us, strict=False):
            if since_us:
                known = found[lookup(number)]
                found[lookup(number)] = replace(known, since_us=since_us, given_us=since_us)
        for number, external in zip(group.numbers, group.external_sources, strict=False):
            if external:
                known = found[lookup(number)]
                found[lookup(number)] = replace(known, external_source=lookup(external))
    return found


class MembershipChanges:
    """What events change, one after the other; written together."""

    def __init__(self) -> None:
        self._now: dict[str, dict[MembershipKey, MembershipOrigin]] = {}
        self._anew: set[tuple[str, MembershipKey]] = set()  # began within these events

    def note(self, number: str, consent_state: ConsentState, origin: MembershipOrigin) -> None:
        """A number has this consent state from an event on.

        After STOP, START, STOP the opt-out of ``all`` holds since the last one, as the gate says:
        START only made an exception from the first.
        """
        keys, before = keys_of(consent_state), self._now.get(number)
        renewed = keys & {MembershipKey(OPTED_OUT, origin.renewed_scope)}
        self._anew |= {(number, key) for key in renewed}
        if before is None:
            # What of it held before is known only to the table.
            self._now[number] = dict.fromkeys(keys, origin)
            return
        self._anew |= {(number, key) for key in keys - before.keys()}
        self._now[number] = {
            key: origin if key in renewed else before.get(key, origin) for key in keys
        }

    def write(self, connection: Connection) -> None:
        """Write what changed; what held before keeps its origin."""
        known = [*self._now]
        for at in range(0, len(known), _AT_ONCE):
            self._write(connection, known[at : at + _AT_ONCE])

    def _write(self, connection: Connection, some: Sequence[str]) -> None:
        rows = connection.execute(select(*_KEY).where(memberships.c.number.in_(some)))
        there = {(one.number, MembershipKey(one.state, one.scope)) for one in rows}
        wanted = {
            (number, key): origin for number in some for key, origin in self._now[number].items()
        }
        gone = [one for one in there if one not in wanted or one in self._anew]
        new = [
            dict(
                zip(
                    _COLUMNS,
                    (number, *key, *origin.of(key), number[-TAIL:], origin.external_source),
                    strict=True,
                )
            )
            for (number, key), origin in wanted.items()
            if (number, key) not in there or (number, key) in self._anew
        ]
        if gone:
            places = [dict(zip(_PLACES, (number, *key), strict=True)) for number, key in gone]
            connection.execute(_REMOVING, places)
        if new:
            put(connection, insert(memberships), new)


_COLUMNS = tuple(column.name for column in memberships.c)
_KEY = (memberships.c.number, memberships.c.state, memberships.c.scope)
_PLACES = ("one_number", "one_state", "one_scope")
_REMOVING = delete(memberships).where(
    *(column == bindparam(place) for column, place in zip(_KEY, _PLACES, strict=True))
)
