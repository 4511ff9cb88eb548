"""Exported: how numbers stand, since when, and by whose word, from the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from smsgate.consent.events import Event, Standing, event_for
from smsgate.domain.messages import ALL
from smsgate.files import csv_line
from smsgate.pipeline.archive import LedgerArchiver
from smsgate.records import Records

STATES = ("opted_out", "locked", "subscribed")
_HEADER = ["number", "state", "since", "source"]
_LINE: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "csv": lambda row: csv_line([*row.values()]),
    "ndjson": lambda row: f"{msgspec.json.encode(row).decode()}\n",
    "txt": lambda row: f"{row['number']}\n",
}
FORMS = tuple(_LINE)
"""How an export can be written."""
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Exported:
    """How one number stands."""

    number: str
    state: str
    """One of ``STATES``."""
    since_us: int
    """Since when; 0 where the event that said so was removed by retention."""
    source: str
    """Who said so: ``text``, ``provider``, ``operator``, ``import`` …; empty as above."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which numbers are asked for. Empty: all of them."""

    scope: str
    """A program, for how numbers stand with it; or ``all``, for what holds everywhere."""
    states: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    since_us: int = 0


class Exporting:
    """Reads how numbers stand."""

    def __init__(self, records: Records, archiver: LedgerArchiver) -> None:
        """Use these; ``archiver`` brings the records up first."""
        self._records = records
        self._archiver = archiver

    def numbers(self, wanted: Wanted) -> Iterator[Exported]:
        """The numbers that are wanted, in no particular order, as they are read.

        Raises ``RecordsUnavailable``, ``RecordsNotReady``, ``RecordsDiffer`` and
        ``StoreUnavailable``: a list with holes in it is none.
        """
        self._records.check()
        self._archiver.move_all()
        for stands, event in self._records.lists.standings():
            state = _state(stands.standing, wanted.scope)
            if not state or (wanted.states and state not in wanted.states):
                continue
            found = self._origin(stands.number, event, wanted.scope, state)
            since_us, source = (_since(found), _source(found)) if found else (0, "")
            if since_us >= wanted.since_us and (not wanted.sources or source in wanted.sources):
                yield Exported(stands.number, state, since_us, source)

    def _origin(self, number: str, event: Event | None, scope: str, state: str) -> Event | None:
        """The event by which the number came to stand so."""
        told = event_for(event, number) if event is not None else None
        if told is not None and _changed(told, scope, state):
            return told
        before, found = "", None
        for one in self._records.reader.of_number(number):
            if one.event.standing is not None:
                now = _state(one.event.standing, scope)
                if now == state != before:
                    found = one.event
                before = now
        return found


def _state(standing: Standing, scope: str) -> str:
    """How a number stands with a program, or everywhere; empty where there is nothing to say."""
    if standing.locked:
        return "locked"
    if scope == ALL:
        return "opted_out" if standing.everywhere else ""
    if standing.blocked(scope):
        return "opted_out"
    return "subscribed" if scope in standing.consents else ""


def _changed(event: Event, scope: str, state: str) -> bool:
    """Whether the event is surely the one by which the number came to stand so."""
    if state != "opted_out" or event.program != scope:
        return False
    return (event.before, event.after) == ("allowed", "blocked")


def _since(event: Event) -> int:
    consent = event.entry.consent if event.entry is not None else None
    given_us = consent.given_us if consent is not None else 0
    if event.kind == "import":
        return event.event_time_us
    return given_us or event.event_time_us or event.received_us


def _source(event: Event) -> str:
    return event.entry.source if event.entry is not None else ""


def written(found: Iterable[Exported], form: str) -> Iterator[tuple[int, bytes]]:
    """An export of one of ``FORMS``, in pieces; with each, how many numbers are in it."""
    lines = [csv_line(_HEADER)] if form == "csv" else []
    count = 0
    for one in found:
        lines.append(_LINE[form](_as_row(one)))
        count += 1
        if count >= _AT_ONCE:
            yield count, "".join(lines).encode()
            lines, count = [], 0
    yield count, "".join(lines).encode()


def _as_row(one: Exported) -> Mapping[str, str]:
    since = _moment(one.since_us) if one.since_us else ""
    return {"number": one.number, "state": one.state, "since": since, "source": one.source}


def _moment(at_us: int) -> str:
    moment = datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="seconds")
    return moment.replace("+00:00", "Z")
