"""What lists ask of the records: how numbers stand and why, and which parts were imported."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select

from smsgate.consent.events import Event
from smsgate.records.database import Database, lookup
from smsgate.records.event_rows import consent_state_of, event_of
from smsgate.records.reader import NumberConsentState, stream_of
from smsgate.records.tables import events, links, numbers

_cached_event = functools.lru_cache(8)(event_of)
"""An event of a list is about hundreds of numbers, which come one after the other."""


class ListStorage:
    """Reads the records. Every method raises ``RecordsUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def consent_states(self) -> Iterator[tuple[NumberConsentState, Event | None]]:
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
        for number, partition, seq, *rest, facts in stream_of(self._database, asked):
            stands = NumberConsentState(number, partition, seq, consent_state_of(*rest))
            yield stands, None if facts is None else _cached_event(facts, None)

    def texted_us(self, kind: str) -> dict[str, int]:
        """By number, of those with events of that kind, when it last texted us."""
        about = select(events.c.number).where(events.c.kind == kind)
        asked = (
            select(events.c.number, func.max(events.c.received_us))
            .where(events.c.source == "text", events.c.number.in_(about))
            .group_by(events.c.number)
        )
        return {row[0]: row[1] for row in stream_of(self._database, asked)}

    def of_list(self, list_id: str, partition: int) -> Iterator[Event]:
        """The recorded parts of an imported list in a partition, in their order."""
        of_partition = (events.c.partition == partition, events.c.kind == "import")
        asked = (
            select(events.c.facts)
            .where(*_beginning_with(lookup(f"{list_id}-")), *of_partition)
            .order_by(events.c.seq)
        )
        for row in stream_of(self._database, asked):
            yield event_of(row.facts, None)

    def undone(self, list_id: str) -> int:
        """How often an import of the same file and in the same way was undone.

        ``list_id`` is that of the first of them; later ones have a dot and a number behind it.
        """
        is_undone = (events.c.kind == "import_file", events.c.outcome == "undone")
        return len(self._message_ids(lookup(list_id), *is_undone))

    def parts(self, list_id: str) -> set[str]:
        """Message ids of the recorded parts of an imported list."""
        return self._message_ids(lookup(f"{list_id}-"))

    def _message_ids(self, prefix: str, *conditions: ColumnElement[bool]) -> set[str]:
        asked = select(events.c.message_id).where(*_beginning_with(prefix), *conditions)
        return {row.message_id for row in stream_of(self._database, asked)}


def _beginning_with(prefix: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions for entries of ours whose message id begins so."""
    ids = events.c.message_id
    return events.c.account == "", ids >= prefix, ids < f"{prefix}~"
