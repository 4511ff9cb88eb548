"""``GET /v1/numbers/<number>``: all that is known of one number."""

from __future__ import annotations

from typing import Annotated

import msgspec

from smsgate.domain.errors import CursorRefused
from smsgate.domain.phone import e164
from smsgate.interface.operation import Context, operation
from smsgate.interface.schemas import ConsentEvent, Number, event_for
from smsgate.pipeline.gate import GateAnswer


class NumberQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A number, and which part of its history."""

    number: Number
    limit: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 100
    """Events in one page; 0 for the state alone."""
    after: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """The ``next`` of an earlier page."""


class NumberHistory(msgspec.Struct, frozen=True):
    """Events of the number, oldest first."""

    events: list[ConsentEvent]
    next: str | None
    """For ``after``; null at the end."""


class NumberDetails(msgspec.Struct, frozen=True):
    """How a number stands, and how it came to that."""

    number: str
    locked: bool
    consents: list[str]
    """Programs for which a consent is on record."""
    programs: dict[str, GateAnswer]
    """By program what the gate says, as in a check, with ``why``."""
    history: NumberHistory


@operation(
    "GET /numbers/<number>",
    role="viewer",
    by_program=True,
    example={"number": "+14155550123"},
)
def read_number(context: Context, request: NumberQuery) -> NumberDetails:
    """Say how one number stands with every program, and what happened to it."""
    number = e164(request.number)
    services, may = context.services, context.caller.may
    answers = {
        name: one
        for name, one in services.gate.check_programs(number, services.settings.programs).items()
        if may(name)
    }
    consent_states = services.store.numbers.consent_states_of([number], [*answers])
    consent_state = consent_states[number]
    events = services.history.of_number(number) if request.limit else []
    seen = [one for event in events if (one := event_for(context.caller, event)) is not None]
    consents = sorted(filter(may, consent_state.consents))
    page = _page(seen, request)
    return NumberDetails(number, consent_state.locked, consents, answers, page)


def _page(events: list[ConsentEvent], query: NumberQuery) -> NumberHistory:
    start = 0
    if query.after:
        places = [at for at, event in enumerate(events) if event.id == query.after]
        if not places:
            raise CursorRefused("No event of this number has that id: give the `next` of a page.")
        start = places[-1] + 1
    shown = events[start : start + query.limit]
    more = start + len(shown) < len(events)
    return NumberHistory(shown, shown[-1].id if more and shown else None)


OPERATIONS = (read_number,)
