"""The table ``opt_outs_by_day``: how many opt-outs of each kind there were on each day.

The writer counts in the transaction that keeps the events, so that each counts once. Retention
takes nothing away from it: it has no numbers and no texts.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import Connection, select

from smsgate.consent.events import Event
from smsgate.records.contents import lookup
from smsgate.records.database import put, upsert
from smsgate.records.event_rows import event_of
from smsgate.records.tables import events, opt_outs_by_day

KINDS = ("opt_out", "opt_out_all")
_DAY_US = 24 * 3600 * 1_000_000
_EPOCH = 719_163
"""1970-01-01 as ``date.toordinal`` has it."""
_AT_ONCE = 5_000


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


def kind_of(event: Event) -> OptOutKind | None:
    """What an event counts as; None where it is no opt-out that changed something."""
    if event.kind not in KINDS or event.outcome != "applied":
        return None
    day = _EPOCH + (event.received_us or event.applied_us) // _DAY_US
    entry = event.entry
    if entry is None:
        return OptOutKind(day, lookup(event.program), "", "", "")
    is_text = entry.source == "text"
    return OptOutKind(
        day,
        lookup(event.program),
        lookup(entry.sender) if is_text else "",
        lookup(entry.source),
        lookup(entry.decision.keyword) if is_text else "",
    )


class OptOutCounts:
    """Counts the opt-outs of a batch of events."""

    def __init__(self) -> None:
        self._counts: Counter[OptOutKind] = Counter()

    def note(self, event: Event) -> None:
        """Count an event, if it is an opt-out."""
        kind = kind_of(event)
        if kind is not None:
            self._counts[kind] += 1

    def write(self, connection: Connection) -> None:
        """Add the counts to those of the table."""
        if not self._counts:
            return
        table = opt_outs_by_day
        adding = upsert(connection, table)
        grown = adding.on_conflict_do_update(
            index_elements=[*OptOutKind._fields],
            set_={"count": table.c.count + adding.excluded["count"]},
        )
        # Sorted, so that two writers cannot wait for each other.
        rows = [{**kind._asdict(), "count": self._counts[kind]} for kind in sorted(self._counts)]
        put(connection, grown, rows)


def fill(connection: Connection) -> None:
    """Count the events that are recorded already into the empty table."""
    asked = select(events.c.facts).where(events.c.kind.in_(KINDS), events.c.outcome == "applied")
    counts = OptOutCounts()
    with connection.execute(asked, execution_options={"yield_per": _AT_ONCE}) as found:
        for row in found:
            counts.note(event_of(row.facts, None))
    counts.write(connection)
