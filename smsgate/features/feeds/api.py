"""``GET /v1/events``: recorded events page by page; a request may wait for the next ones."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.records.event_reader import (
    START,
    EventBatch,
    EventReader,
    format_position,
    parse_position,
)
from smsgate.web.v1.long_polls import LONG_POLLS
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.schemas import ConsentEvent, event_for


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


def read_events(call: Call) -> Outcome:
    """Return the events behind a position, in an order in which nothing is ever skipped."""
    reader, query = EventReader(call.services.records.database), call.query
    if query.after == "now":
        batch = EventBatch([], reader.newest(), more=False)
    else:
        position = parse_position(query.after) if query.after else START
        batch = reader.after(position, query.limit)
        with LONG_POLLS.wait(query.wait) as again:
            while not batch.events and again():
                batch = reader.after(batch.position, query.limit)
    seen = (event_for(call.caller, one.event, f"{one.partition}-{one.seq}") for one in batch.events)
    events = [event for event in seen if event is not None]
    return 200, EventsPage(events, format_position(batch.position), batch.more)


OPERATIONS = (
    Operation(
        method="GET",
        path="/events",
        scope="write",
        summary="Events behind a place in the records",
        run=read_events,
        query=EventsQuery,
        answers={200: EventsPage},
        by_program=True,
    ),
)
