"""Recorded events, and those of one number, for other programs and at the terminal."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from smsgate import event_text
from smsgate.consent.events import Event
from smsgate.domain.messages import ALL
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded, e164
from smsgate.interface.operation import After, Context, Limit, offset_of, operation, page_of
from smsgate.interface.schemas import Number, moment
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.pipeline.history import History
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store.store import Store

_FOR_ALL = frozenset({"opt_out", "opt_out_all", "restored", "import"})
"""Kinds of events that, in the scope ``all``, change every program's consent."""


class ImportedGroup(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers of an imported list with which the same happened."""

    numbers: tuple[str, ...]
    outcome: str
    before: str
    after: str
    external_sources: tuple[str, ...] = ()
    """From where the list has each number, such as ``Klaviyo``; empty where it says of none."""


class ConsentEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event; for programs without texts, which stand in the evidence."""

    id: str
    kind: str
    """``opt_out``, ``opt_in``, ``restored``, ``help``, ``review``, ``reply``, ``lock`` …"""
    outcome: str
    """``applied``, ``repeat``, ``stale``, ``tie`` (an opt-in with the time of an opt-out, which
    wins), ``recorded``, ``refused``; of a reply ``sent`` …"""
    number: str
    program: str = ""
    scope: str = ""
    before: str = ""
    """``allowed`` or ``blocked``: whether the program could text the number before."""
    after: str = ""
    source: str = ""
    external_source: str = ""
    """From where an imported list has the number, such as ``Klaviyo``."""
    actor: str = ""
    received: str = ""
    applied: str = ""
    note: str = ""
    summary: str = ""
    """What happened and what came of it, in words: ``Opted out for all programs; applied``."""
    basis: str = ""
    """Of ``restored``, what allowed it: ``consent``, ``mistake`` or ``evidence``."""
    listed: tuple[ImportedGroup, ...] = ()
    """Of an ``import``, whose ``number`` is empty."""
    sequence: str = ""
    """Partition and number in it: of two events of a number the one with the higher number is
    newer."""
    details: tuple[str, ...] = ()
    """For people at a terminal: what was received or sent, how it was decided, what followed."""


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """From where, and how many."""

    after: Annotated[str, msgspec.Meta(max_length=20)] = ""
    """The ``next`` of an earlier page; ``now`` for what comes from now on; empty: everything."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 200


class EventsPage(msgspec.Struct, frozen=True):
    """Events in the order of the records: of one number always in the order they happened."""

    events: list[ConsentEvent]
    next: str
    """For ``after``: the place behind these events. Keep it once you have worked on them."""
    more: bool
    """Whether there was more already; ask at once then."""


@operation("GET /events", role="viewer", by_program=True, example={"limit": 100})
def read_events(context: Context, request: EventsQuery, records: Records) -> EventsPage:
    """Return the events behind a position, in an order in which nothing is ever skipped."""
    if request.after == "now":
        return EventsPage([], str(records.reader.newest_position()), more=False)
    position = offset_of(request.after)
    found = records.reader.after(position, request.limit + 1)
    shown = found[: request.limit]
    seen = (_view(context, one.event, f"{one.partition}-{one.seq}") for one in shown)
    events = [event for event in seen if event is not None]
    following = shown[-1].position if shown else position
    return EventsPage(events, str(following), len(found) > len(shown))


class NumberQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A number, and which part of its history."""

    number: Number
    limit: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 100
    """Events in one page; 0 for the state alone."""
    after: After = ""


class HistoryQuery(NumberQuery, forbid_unknown_fields=True):
    """A number, and which part of its history."""

    number: Annotated[
        str, msgspec.Meta(max_length=MAX_SENDER_CHARS, description="A number or a sender's name.")
    ]
    limit: Limit = 1_000


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
def read_number(
    context: Context,
    request: NumberQuery,
    settings: Settings,
    store: Store,
    gate: Gate,
    history: History,
) -> NumberDetails:
    """Say how one number stands with every program, and what happened to it."""
    number = e164(request.number)
    may = context.caller.may
    answers = gate.check_programs(number, settings.programs)
    answers = {name: one for name, one in answers.items() if may(name)}
    consent_state = store.numbers.consent_states_of([number], [*answers])[number]
    consents = sorted(filter(may, consent_state.consents))
    page = _page(context, history, number, request) if request.limit else NumberHistory([], None)
    return NumberDetails(number, consent_state.locked, consents, answers, page)


def _text(found: NumberHistory) -> str:
    lines: list[str] = []
    for event in found.events:
        at = (event.applied or event.received)[:19].replace("T", " ")
        lines += [f"{at} UTC  {event.summary}"]
        lines += [f"    {' '.join(event.details)}"] if event.details else []
    lines += [f"There are more: --after {found.next}"] if found.next else []
    return "\n".join(lines or ["Nothing is recorded of it."])


@operation(
    command="history <number>",
    role="viewer",
    example={"number": "+14155550123"},
    text=_text,
)
def list_history(context: Context, request: HistoryQuery, history: History) -> NumberHistory:
    """Show everything that happened to a number's consent, oldest first.

    NUMBER may also be a short code or a name, as the provider wrote it.
    """
    return _page(context, history, as_recorded(request.number), request)


def _page(context: Context, history: History, number: str, query: NumberQuery) -> NumberHistory:
    found = history.of_number(number)
    events = [one for event in found if (one := _view(context, event)) is not None]
    return NumberHistory(*page_of(events, query.after, query.limit))


def _view(context: Context, event: Event, sequence: str = "") -> ConsentEvent | None:
    """An event as the caller may see it; None where it concerns none of its programs.

    To a key that is limited to programs, an event in the scope ``all`` concerns each of them. Where
    it came about in another program, which one and who noted what are left out.
    """
    entry = event.entry
    if not context.caller.may(event.program) and event.program != ALL:
        if event.scope != ALL or event.kind not in _FOR_ALL:
            return None
        entry = replace(entry, actor="", external_source="") if entry else None
        listed = tuple(replace(one, external_sources=()) for one in event.listed)
        hidden = dict.fromkeys(("program", "before", "after", "note"), "")
        event = replace(event, entry=entry, listed=listed, **hidden)
    return replace(
        msgspec.convert(event, ConsentEvent, from_attributes=True),
        source=entry.source if entry else "",
        external_source=entry.external_source if entry else "",
        actor=entry.actor if entry else "",
        received=moment(event.received_us) or "",
        applied=moment(event.applied_us) or "",
        summary=event_text.sentence(event),
        basis=entry.restore.basis if entry and entry.restore else "",
        sequence=sequence,
        details=tuple(event_text.details(event)) if context.is_person else (),
    )


OPERATIONS = (read_events, read_number, list_history)
