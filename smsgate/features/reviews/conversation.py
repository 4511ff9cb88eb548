"""The conversation around a text that waits: other texts of its number, and our replies."""

from __future__ import annotations

from dataclasses import dataclass

from smsgate.consent.event_text import outcome, reply_title, title
from smsgate.consent.events import Event
from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable
from smsgate.domain.messages import ms_of
from smsgate.pipeline.forwards import KIND as FORWARD
from smsgate.pipeline.reviews import ReviewCase
from smsgate.pipeline.services import Services
from smsgate.store import Store
from smsgate.store.keys import partition_of

_EVENTS = 8
"""Recorded events before the text, and as many behind it."""
_LEDGER, _INBOX = 1_000, 200
_SPAN_MS = 24 * 3600 * 1000
_TRAIL = 300
"""How far, and through how many texts of the partition, ordinary texts of the number are looked
for."""


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """A text, a reply, or an action of staff."""

    at_us: int
    who: str
    """``them``, ``us`` or ``staff``."""
    what: str
    text: str
    waits: bool = False
    """Whether it waits for a person as well."""
    asked: bool = False
    """Whether it is the text that is shown."""


def read_conversation(services: Services, case: ReviewCase) -> tuple[list[ConversationLine], str]:
    """Return what was said, in order, and what cannot be shown. Raises ``StoreUnavailable``."""
    store = services.store
    number, partition, problem = case.open.number, partition_of(case.open.number), ""
    lines: dict[str, ConversationLine] = {}
    for stored in store.inbox.latest(partition, _INBOX):
        entry = stored.entry
        if entry.number == number and entry.source == "text":
            waits = entry.decision.intent.value == "review"
            what = "Not applied yet"
            lines[stored.id] = ConversationLine(stored.received_us, "them", what, entry.text, waits)
    events = [one for one in store.ledger.newest(partition, _LEDGER) if one.number == number]
    try:
        told = services.records.history.around(number, case.since_us, _EVENTS)
        events = [*(one.event for one in told), *events]
    except (RecordsUnavailable, RecordsNotReady) as error:
        problem = f"Earlier texts cannot be shown: {error}."
    for event in events:
        if event.kind != FORWARD:  # it is about a text, and is none
            lines[event.id if event.reply else event.inbox_id] = _line(event, case)
    lines |= _ordinary(store, case)
    return sorted(lines.values(), key=lambda one: one.at_us), problem


def _line(event: Event, case: ReviewCase) -> ConversationLine:
    at_us = event.received_us or event.applied_us
    if event.reply is not None:
        what = f"{reply_title(event.reply.kind)}: {outcome(event)}"
        return ConversationLine(at_us, "us", what, event.reply.text)
    entry = event.entry
    text = entry.text if entry is not None else ""
    if entry is None or entry.source != "text":
        actor = entry.actor if entry is not None else ""
        return ConversationLine(
            at_us, "staff", " · ".join(filter(None, (title(event), actor))), text
        )
    asked = event.received_us == case.since_us and event.program == case.open.program
    waits = asked or (
        event.kind == "review"
        and event.program == case.open.program
        and _place(case.open.first) <= _place(event.inbox_id) <= _place(case.open.newest)
    )
    return ConversationLine(at_us, "them", title(event), text, waits=waits, asked=asked)


def _ordinary(store: Store, case: ReviewCase) -> dict[str, ConversationLine]:
    number = case.open.number
    found = store.sample_log.around(partition_of(number), case.since_us // 1000, _SPAN_MS, _TRAIL)
    return {
        f"trail-{at}-{ms}": ConversationLine(ms * 1000, "them", "Ordinary text", entry.text)
        for at, (ms, entry) in enumerate(found)
        if entry.number == number
    }


def _place(id_: str) -> tuple[int, int]:
    return ms_of(id_), int(id_.partition("-")[2] or 0)
