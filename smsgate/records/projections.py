"""The table that repeats what events say, so that pages can list by an index.

``memberships`` has a row for each opt-out, lock and consent that holds, since when and by whom. The
writer keeps it in the transaction that keeps the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from smsgate.consent.events import CONSENT, OPTED_OUT, Event, MembershipKey
from smsgate.records.database import Row, batches, lookup, put
from smsgate.records.tables import memberships

OPT_OUT_KINDS = ("opt_out", "opt_out_all")
TAIL = 4
"""Last characters of a number that are indexed."""


class MembershipOrigin(NamedTuple):
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


class MembershipChange(NamedTuple):
    """What a number is in from an event on."""

    number: str
    keys: frozenset[MembershipKey]
    origin: MembershipOrigin

    def row(self, key: MembershipKey) -> Row:
        """The row of a membership that begins with it."""
        origin = self.origin
        return {
            "number": self.number,
            "state": key.state,
            "scope": key.scope,
            "since_us": origin.given_us if key.state == CONSENT else origin.since_us,
            "source": origin.source,
            "partition": origin.partition,
            "seq": origin.seq,
            "tail": self.number[-TAIL:],
            "external_source": origin.external_source,
        }


def origins_of(event: Event, partition: int, seq: int) -> dict[str, MembershipOrigin]:
    """By number, as the records have it, what an event is the origin of."""
    entry, at_us = event.entry, event.event_time_us or event.received_us or event.applied_us
    given_us = entry.consent.given_us if entry and entry.consent else 0
    source = lookup(entry.source) if entry else ""
    named = lookup(entry.external_source) if entry else ""
    origin = MembershipOrigin(at_us, given_us or at_us, source, partition, seq, named)
    is_list = event.kind == "import" and entry is not None and entry.decision.intent.stops
    renewed = event.scope if is_list or event.kind in OPT_OUT_KINDS else ""
    if not event.listed:
        renewed = renewed if event.outcome == "applied" else ""
        return {lookup(event.number): origin._replace(renewed_scope=renewed)}
    found: dict[str, MembershipOrigin] = {}
    for group in event.listed:
        of_group = origin._replace(renewed_scope=renewed if group.outcome == "applied" else "")
        dates, sources = group.since_us or repeat(0), group.external_sources or repeat("")
        for number, since_us, external in zip(group.numbers, dates, sources, strict=False):
            mine = of_group
            if since_us:
                mine = mine._replace(since_us=since_us, given_us=since_us)
            if external:
                mine = mine._replace(external_source=lookup(external))
            found[lookup(number)] = mine
    return found


def write_memberships(connection: Connection, changes: Sequence[MembershipChange]) -> None:
    """Write what events changed, one after the other; what held before keeps its origin.

    After STOP, START, STOP the opt-out of ``all`` holds since the last one, as the gate says:
    START only made an exception from the first.
    """
    before = _rows_of(connection, {one.number for one in changes})
    after = {number: {**rows} for number, rows in before.items()}
    for one in changes:
        renewed, now = MembershipKey(OPTED_OUT, one.origin.renewed_scope), after[one.number]
        after[one.number] = {
            key: now[key] if key in now and key != renewed else one.row(key) for key in one.keys
        }
    changed = [number for number, rows in after.items() if rows != before[number]]
    gone = [number for number in changed if before[number]]
    for some in batches(gone):
        connection.execute(delete(memberships).where(memberships.c.number.in_(some)))
    if new := [row for number in changed for row in after[number].values()]:
        put(connection, insert(memberships), new)


def _rows_of(connection: Connection, some: set[str]) -> dict[str, dict[MembershipKey, Row]]:
    found: dict[str, dict[MembershipKey, Row]] = {number: {} for number in some}
    for numbers in batches([*found]):
        asked = select(memberships).where(memberships.c.number.in_(numbers))
        for row in connection.execute(asked).mappings():
            found[row["number"]][MembershipKey(row["state"], row["scope"])] = {**row}
    return found
