"""``GET /v1/events``: recorded events page by page; a request may wait for the next ones."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.interface.long_polls import LONG_POLLS
from smsgate.interface.operation import Context, operation
from smsgate.interface.schemas import ConsentEvent, event_for
from smsgate.records.event_reader import (
    START,
    EventBatch,
    EventReader,
    format_position,
    parse_position,
)


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """From where, how many, and how long to wait for the first."""

    after: Annotated[str, msgspec.Meta(max_length=1_400)] = ""
    """The ``next`` of an earlier page; ``now`` for what comes from now on; empty: everything."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 200
    wait: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0.0
    """Seconds to wait where there is nothing yet. A busy server may answer sooner, with nothing."""


class EventsPage(msgspec.Struct, frozen=True):
    """Events in the order of the records: of one number always in the order they happened."""

    events: list[ConsentEvent]
    next: str
    """For ``after``: the place behind these events. Keep it once you have worked on them."""
    more: bool
    """Whether there was more already; ask at once then."""


@operation("GET /events", role="viewer", by_program=True, example={"limit": 100})
def read_events(context: Context, request: EventsQuery) -> EventsPage:
    """Return the events behind a position, in an order in which nothing is ever skipped."""
    reader = EventReader(context.services.records.database)
    if request.after == "now":
        batch = EventBatch([], reader.newest(), more=False)
    else:
        position = parse_position(request.after) if request.after else START
        batch = reader.after(position, request.limit)
        with LONG_POLLS.wait(request.wait) as again:
            while not batch.events and again():
                batch = reader.after(batch.position, request.limit)
    seen = (
        event_for(context.caller, one.event, f"{one.partition}-{one.seq}") for one in batch.events
    )
    events = [event for event in seen if event is not None]
    return EventsPage(events, format_position(batch.position), batch.more)


OPERATIONS = (read_events,)
