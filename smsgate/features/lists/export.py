"""Exports: consent states with their time and source, from the records."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.list_import import event_for
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import iso_time
from smsgate.files import csv_line
from smsgate.pipeline.services import Services
from smsgate.records.database import Database
from smsgate.records.event_rows import consent_state_of, event_of
from smsgate.records.reader import NumberConsentState, stream_of
from smsgate.records.tables import events, links, numbers

STATES = ("opted_out", "locked", "subscribed")
_COLUMNS = ["number", "state", "since", "source", "external_source"]
_LINES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class ExportRow:
    """How one number stands."""

    number: str
    state: str
    """One of ``STATES``."""
    since_us: int
    """0 where the event that said so was removed by retention."""
    source: str
    """Who said so: ``text``, ``provider``, ``operator``, ``import`` …; empty as above."""
    external_source: str = ""
    """Where an imported list says that it has it from."""


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The numbers to export. Empty: all of them."""

    scope: str
    """A program, for how numbers stand with it; or ``all``, for what holds everywhere."""
    states: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    since_us: int = 0


def exported_numbers(services: Services, query: ExportQuery) -> Iterator[ExportRow]:
    """Yield the requested numbers in no particular order, as they are read.

    Raises ``RecordsUnavailable``, ``RecordsDiffer`` and ``StoreUnavailable``:
    a list with holes in it is none.
    """
    services.records.check()
    services.archiver.move_all()
    for stands, newest in _consent_states(services.records.database):
        state = _state(stands.consent_state, query.scope)
        if not state or (query.states and state not in query.states):
            continue
        event = _origin(services, stands.number, newest, query.scope, state)
        since_us = _since_us(event) if event else 0
        entry = event.entry if event else None
        source, external = (entry.source, entry.external_source) if entry else ("", "")
        if since_us >= query.since_us and (not query.sources or source in query.sources):
            yield ExportRow(stands.number, state, since_us, source, external)


def export_lines(rows: Iterable[ExportRow], form: str) -> Iterator[bytes]:
    """An export as ``csv`` or ``txt``, in pieces."""
    lines = [csv_line(_COLUMNS)] if form == "csv" else []
    for row in rows:
        since = iso_time(row.since_us, "seconds") if row.since_us else ""
        cells = [row.number, row.state, since, row.source, row.external_source]
        lines.append(csv_line(cells) if form == "csv" else f"{row.number}\n")
        if len(lines) >= _LINES_AT_ONCE:
            yield "".join(lines).encode()
            lines = []
    yield "".join(lines).encode()


_cached_event = functools.lru_cache(8)(event_of)
"""An event of a list is about hundreds of numbers, which come one after the other."""


def _consent_states(database: Database) -> Iterator[tuple[NumberConsentState, Event | None]]:
    """Every number's state, and the event that set it, unless it was removed.

    In no particular order, all of one moment; streamed.
    """
    asked = (
        select(numbers, events.c.facts)
        .select_from(
            numbers.outerjoin(
                links,
                (links.c.partition == numbers.c.partition) & (links.c.seq == numbers.c.seq),
            ).outerjoin(events, events.c.id == links.c.event_id)
        )
        .order_by(numbers.c.partition, numbers.c.seq)
    )
    for number, partition, seq, *rest, facts in stream_of(database, asked):
        stands = NumberConsentState(number, partition, seq, consent_state_of(*rest))
        yield stands, None if facts is None else _cached_event(facts, None)


def _origin(
    services: Services, number: str, newest: Event | None, scope: str, state: str
) -> Event | None:
    """The event that set the number's state."""
    event = event_for(newest, number) if newest is not None else None
    change = (event.before, event.after) if event is not None and event.program == scope else None
    if state == "opted_out" and change == ("allowed", "blocked"):
        return event
    before, found = "", None
    for one in services.records.reader.of_number(number):
        if one.event.consent_state is not None:
            now = _state(one.event.consent_state, scope)
            if now == state != before:
                found = one.event
            before = now
    return found


def _state(consent_state: ConsentState, scope: str) -> str:
    """How a number stands with a program, or everywhere; empty where there is nothing to say."""
    if consent_state.locked:
        return "locked"
    if scope == ALL:
        return "opted_out" if consent_state.everywhere else ""
    if consent_state.blocked(scope):
        return "opted_out"
    return "subscribed" if scope in consent_state.consents else ""


def _since_us(event: Event) -> int:
    if event.kind == "import":
        return event.event_time_us
    consent = event.entry.consent if event.entry is not None else None
    given_us = consent.given_us if consent is not None else 0
    return given_us or event.event_time_us or event.received_us
