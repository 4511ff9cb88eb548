"""Exports: consent states with their time and source, from the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from smsgate.consent.events import ConsentState, Event
from smsgate.consent.list_import import event_for
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import iso_time
from smsgate.features.lists.storage import ListStorage
from smsgate.files import csv_line
from smsgate.pipeline.services import Services

STATES = ("opted_out", "locked", "subscribed")
FORMS = ("csv", "ndjson", "txt")
"""How an export can be written."""
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
    for stands, newest in ListStorage(services.records.database).consent_states():
        state = _state(stands.consent_state, query.scope)
        if not state or (query.states and state not in query.states):
            continue
        event = _origin(services, stands.number, newest, query.scope, state)
        since_us = _since_us(event) if event else 0
        entry = event.entry if event else None
        source, external = (entry.source, entry.external_source) if entry else ("", "")
        if since_us >= query.since_us and (not query.sources or source in query.sources):
            yield ExportRow(stands.number, state, since_us, source, external)


def export_lines(rows: Iterable[ExportRow], form: str) -> Iterator[tuple[int, bytes]]:
    """An export of one of ``FORMS``, in pieces; with each, how many numbers are in it."""
    lines = [csv_line(_COLUMNS)] if form == "csv" else []
    count = 0
    for row in rows:
        since = iso_time(row.since_us, "seconds") if row.since_us else ""
        cells = [row.number, row.state, since, row.source, row.external_source]
        if form == "csv":
            lines.append(csv_line(cells))
        elif form == "ndjson":
            value = dict(zip(_COLUMNS, cells, strict=True))
            lines.append(f"{msgspec.json.encode(value).decode()}\n")
        else:
            lines.append(f"{row.number}\n")
        count += 1
        if count >= _LINES_AT_ONCE:
            yield count, "".join(lines).encode()
            lines, count = [], 0
    yield count, "".join(lines).encode()


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
