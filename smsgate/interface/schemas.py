"""Values that several operations take or give, and how ``/v1`` shows an event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from smsgate.consent import event_text
from smsgate.consent.events import Event
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import iso_time
from smsgate.pipeline.api_keys import Caller
from smsgate.pipeline.gate import GateReason, Since

Reason = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S", max_length=500, description="Why, for the record.", examples=["by phone"]
    ),
]
Number = Annotated[str, msgspec.Meta(max_length=40, description="E.164, such as +14155550123.")]
ProgramName = Annotated[str, msgspec.Meta(max_length=200, description="A program's name.")]
CorrelationId = Annotated[
    str, msgspec.Meta(max_length=100, description="Yours, and given back; best a UUID.")
]
Medium = Annotated[
    Literal["web", "paper", "voice", "text", "other"],
    msgspec.Meta(description="How a consent was given."),
]
SinceTime = Annotated[
    datetime | None, msgspec.Meta(description="Not before this time; without a zone, in UTC.")
]
UntilTime = Annotated[
    datetime | None, msgspec.Meta(description="Before this time; without a zone, in UTC.")
]
MAX_ITEMS = 1_000
_FOR_ALL = frozenset({"opt_out", "opt_out_all", "restored", "import"})
"""Kinds of events that, in the scope ``all``, change every program's consent."""


class CheckResult(msgspec.Struct, frozen=True, gc=False):
    """What the gate says of one number."""

    number: str
    allowed: bool | None
    """null where it is no number; text on true only."""
    reason: GateReason
    since: Since


class RowChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which row of a list."""

    id: Annotated[str, msgspec.Meta(max_length=200, description="The id that the list shows.")]


class ChangedRow(msgspec.Struct, frozen=True):
    """The row that was queued again or dismissed."""

    id: str


class AcceptedChange(msgspec.Struct, frozen=True):
    """The change is stored; an opt-out and a lock block from now on."""

    id: str
    """Of the entry: partition and number in its inbox."""


class ItemResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one item of many."""

    number: str
    status: str
    """``accepted``, ``duplicate`` (it came before with this correlation id) or ``refused``."""
    correlation_id: str = ""
    id: str = ""
    reason: str = ""
    """Of a refused one: the name of the problem, as in a problem document."""
    detail: str = ""


class ItemResults(msgspec.Struct, frozen=True):
    """What became of each item, in the order given."""

    accepted: int
    duplicates: int
    refused: int
    results: list[ItemResult]


class ImportedGroup(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers of an imported list with which the same happened."""

    numbers: tuple[str, ...]
    outcome: str
    before: str
    after: str
    external_sources: tuple[str, ...] = ()
    """From where the list has each number, such as ``Klaviyo``; empty where it says of none."""


class ConsentEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event, without texts: those stand in the evidence."""

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


def event_for(caller: Caller, event: Event, sequence: str = "") -> ConsentEvent | None:
    """An event as the caller may see it; None where it concerns none of its programs.

    To a key that is limited to programs, an event in the scope ``all`` concerns each of them. Where
    it came about in another program, which one and who noted what are left out.
    """
    entry = event.entry
    found = ConsentEvent(
        id=event.id,
        kind=event.kind,
        outcome=event.outcome,
        number=event.number,
        program=event.program,
        scope=event.scope,
        before=event.before,
        after=event.after,
        source=entry.source if entry else "",
        external_source=entry.external_source if entry else "",
        actor=entry.actor if entry else "",
        received=moment(event.received_us) or "",
        applied=moment(event.applied_us) or "",
        note=event.note,
        summary=event_text.sentence(event),
        basis=entry.restore.basis if entry and entry.restore else "",
        listed=tuple(
            ImportedGroup(one.numbers, one.outcome, one.before, one.after, one.external_sources)
            for one in event.listed
        ),
        sequence=sequence,
    )
    if caller.may(event.program) or event.program == ALL:
        return found
    if event.scope == ALL and event.kind in _FOR_ALL:
        listed = tuple(msgspec.structs.replace(one, external_sources=()) for one in found.listed)
        hidden = dict.fromkeys(
            ("program", "before", "after", "actor", "note", "external_source"), ""
        )
        summary = event_text.sentence(msgspec.structs.replace(event, program=""))
        return msgspec.structs.replace(found, **hidden, listed=listed, summary=summary)
    return None


def micros(at: datetime | None) -> int:
    """A time in us since 1970; 0 for none."""
    if at is None:
        return 0
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def moment(at_us: int) -> str | None:
    """A time as ISO 8601 in UTC, or null."""
    return iso_time(at_us) if at_us else None
