"""Values that several operations take or give, and events as ``/v1`` tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from smsgate.consent.events import Event

Reason = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S", max_length=500, description="Why, for the record.", examples=["by phone"]
    ),
]
Actor = Annotated[
    str, msgspec.Meta(max_length=100, description="Who acts, where the key stands for several.")
]
Number = Annotated[str, msgspec.Meta(max_length=40, description="E.164, such as +14155550123.")]
CorrelationId = Annotated[
    str, msgspec.Meta(max_length=100, description="Yours, and given back; best a UUID.")
]
MOST_ITEMS = 1_000


class Result(msgspec.Struct, frozen=True, gc=False):
    """What the gate says of one number."""

    number: str
    allowed: bool | None
    """null where it is no number; text on true only."""
    reason: str
    """Empty where it is allowed, or one of the gate's closed list."""
    since: str | None


class Accepted(msgspec.Struct, frozen=True):
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


class Items(msgspec.Struct, frozen=True):
    """What became of each item, in the order given."""

    accepted: int
    duplicates: int
    refused: int
    results: list[ItemResult]


class Group(msgspec.Struct, frozen=True):
    """Numbers of an imported list with which the same happened."""

    numbers: tuple[str, ...]
    outcome: str
    before: str
    after: str


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
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
    actor: str = ""
    received: str = ""
    applied: str = ""
    note: str = ""
    basis: str = ""
    """Of ``restored``, what allowed it: ``consent``, ``mistake`` or ``evidence``."""
    listed: tuple[Group, ...] = ()
    """Of an ``import``, whose ``number`` is empty."""
    sequence: str = ""
    """Partition and number in it: of two events of a number the one with the higher number is
    newer."""


def told(event: Event, sequence: str = "") -> Told:
    """An event as the API tells it."""
    entry = event.entry
    return Told(
        id=event.id,
        kind=event.kind,
        outcome=event.outcome,
        number=event.number,
        program=event.program,
        scope=event.scope,
        before=event.before,
        after=event.after,
        source=entry.source if entry else "",
        actor=entry.actor if entry else "",
        received=moment(event.received_us) or "",
        applied=moment(event.applied_us) or "",
        note=event.note,
        basis=entry.restore.basis if entry and entry.restore else "",
        listed=tuple(
            Group(one.numbers, one.outcome, one.before, one.after) for one in event.listed
        ),
        sequence=sequence,
    )


def moment(at_us: int) -> str | None:
    """A time as ISO 8601 in UTC; null where there is none."""
    if not at_us:
        return None
    text = datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
