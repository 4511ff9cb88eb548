"""``GET /v1/events``: what happened behind a place, page by page; waits for more where asked to."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.pipeline.api_keys import Caller
from smsgate.records import Records
from smsgate.records.following import Followed, Place, place_of, place_text
from smsgate.web.v1.limited import told_to
from smsgate.web.v1.operations import Call, Operation, Outcome
from smsgate.web.v1.shapes import Told
from smsgate.web.v1.waiting import WAITING

_NOW = "now"


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """From where, how many, and how long to wait for the first."""

    after: Annotated[str, msgspec.Meta(max_length=1_400)] = ""
    """The ``next`` of an earlier page; ``now`` for what comes from now on; empty: everything."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 200
    wait: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0.0
    """Seconds to wait where there is nothing yet. A busy server may answer sooner, with nothing."""


class EventsPage(msgspec.Struct, frozen=True):
    """Events in the order of the records: of one number always in the order they happened."""

    events: list[Told]
    next: str
    """For ``after``: the place behind these events. Keep it once you have worked on them."""
    more: bool
    """Whether there was more already; ask at once then."""


def read_events(call: Call) -> Outcome:
    """Give the events behind a place, in an order in which nothing is ever skipped."""
    records, query = call.gateway.records, call.query
    if query.after == _NOW:
        return 200, _page(call.caller, Followed([], records.following.newest(), more=False))
    place = place_of(query.after) if query.after else {}
    return 200, _page(call.caller, _followed(records, place, query.limit, query.wait))


def _followed(records: Records, place: Place, limit: int, wait_s: float) -> Followed:
    found = records.following.after(place, limit)
    with WAITING.turn(wait_s) as again:
        while not found.events and again():
            found = records.following.after(found.place, limit)
    return found


def _page(caller: Caller, found: Followed) -> EventsPage:
    seen = (told_to(caller, one.event, f"{one.partition}-{one.seq}") for one in found.events)
    events = [one for one in seen if one is not None]
    return EventsPage(events, place_text(found.place), found.more)


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
