"""The table that repeats what events say, so that pages can list by an index.

``memberships`` has a row for each opt-out, lock and consent that holds, since when and by whom. The
writer keeps it in the transaction that keeps the events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select

from smsgate.consent.events import ConsentState, Event
from smsgate.domain.messages import ALL
from smsgate.records.database import Row, lookup, put
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

    def row(self, number: str, key: MembershipKey) -> Row:
        """The row of a membership that begins with it."""
        return {
            "number": number,
            "state": key.state,
            "scope": key.scope,
            "since_us": self.given_us if key.state == CONSENT else self.since_us,
            "source": self.source,
            "partition": self.partition,
            "seq": self.seq,
            "tail": number[-TAIL:],
            "external_source": self.external_source,
        }


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
        self._notes: list[tuple[str, set[MembershipKey], MembershipOrigin]] = []

    def note(self, number: str, consent_state: ConsentState, origin: MembershipOrigin) -> None:
        """A number has this consent state from an event on."""
        self._notes.append((number, keys_of(consent_state), origin))

    def write(self, connection: Connection) -> None:
        """Write what changed; what held before keeps its origin.

        After STOP, START, STOP the opt-out of ``all`` holds since the last one, as the gate says:
        START only made an exception from the first.
        """
        before = self._before(connection)
        after = {number: {**rows} for number, rows in before.items()}
        for number, keys, origin in self._notes:
            renewed, now = MembershipKey(OPTED_OUT, origin.renewed_scope), after[number]
            after[number] = {
                key: now[key] if key in now and key != renewed else origin.row(number, key)
                for key in keys
            }
        gone = [
            dict(zip(_PLACES, (number, *key), strict=True))
            for number, rows in before.items()
            for key, row in rows.items()
            if after[number].get(key) is not row
        ]
        new = [
            row
            for number, rows in after.items()
            for key, row in rows.items()
            if before[number].get(key) is not row
        ]
        if gone:
            connection.execute(_REMOVING, gone)
        if new:
            put(connection, insert(memberships), new)

    def _before(self, connection: Connection) -> dict[str, dict[MembershipKey, Row]]:
        found: dict[str, dict[MembershipKey, Row]] = {number: {} for number, *_ in self._notes}
        known = [*found]
        for at in range(0, len(known), _AT_ONCE):
            some = memberships.c.number.in_(known[at : at + _AT_ONCE])
            for row in connection.execute(select(memberships).where(some)).mappings():
                found[row["number"]][MembershipKey(row["state"], row["scope"])] = {**row}
        return found


_KEY = (memberships.c.number, memberships.c.state, memberships.c.scope)
_PLACES = ("one_number", "one_state", "one_scope")
_REMOVING = delete(memberships).where(
    *(column == bindparam(place) for column, place in zip(_KEY, _PLACES, strict=True))
)
