"""What a recorded event changed of a program's consent: the content of ``consent.changed``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from smsgate.consent.events import Event, Standing, event_id
from smsgate.domain.messages import ALL
from smsgate.records import Recorded, Records
from smsgate.records.feeds import FeedCall
from smsgate.settings import Program

CHANGED = "consent.changed"
LISTS = ("import", "import_undone")
"""The kinds of events with the numbers of a list."""
_NEW = Standing()


class Change(msgspec.Struct, frozen=True):
    """How one number stands with one program since an event."""

    number: str
    program: str
    allowed: bool
    """Whether the program may text it, as far as opt-outs, locks and consents say."""
    reason: str
    """Empty, or ``locked``, ``opted_out``, ``opted_out_all``, ``no_consent``."""
    consent: bool
    """Whether a consent is on record."""
    kind: str
    """Of the event: ``opt_out``, ``opt_in``, ``lock``, ``consent``, ``import`` …"""
    source: str
    """Who spoke: ``text``, ``operator``, ``provider``, ``link``, ``api``, ``import`` …"""
    actor: str
    event: str
    """Its id, by which the records and ``GET /v1/events`` know it."""
    sequence: str
    """Partition and number in it: of two changes of a number the one with the higher number is
    newer."""


class _Message(msgspec.Struct, frozen=True):
    type: str
    timestamp: str
    data: Change


def calls_of(program: Program, one: Recorded, records: Records, now_us: int) -> Iterator[FeedCall]:
    """The calls that tell a program's feed of an event: none where it changed nothing for it."""
    for number, standing in _changed(program, one, records):
        yield _call(program, one, number, standing, now_us)


def calls_of_lists(
    program: Program, one: Recorded, records: Records, after: int, now_us: int
) -> Iterator[FeedCall]:
    """The calls that tell what lists did to an event's number before it, behind a place."""
    number = one.event.number
    for part in records.reading.of_number(number):
        event = part.event
        waits = after < part.seq < one.seq and event.kind in LISTS
        if waits and event.standing is not None and _concerns(program, event):
            yield _call(program, part, number, event.standing, now_us)


def _call(
    program: Program, one: Recorded, number: str, standing: Standing, now_us: int
) -> FeedCall:
    message = _Message(
        CHANGED, _moment(one.event.applied_us), _change(program, one, number, standing)
    )
    return FeedCall(
        id=event_id(one.event.applied_us // 1000, program.name, one.event.id, number),
        program=program.name,
        number=number,
        partition=one.partition,
        seq=one.seq,
        body=msgspec.json.encode(message).decode(),
        made_us=now_us,
        due_us=now_us,
    )


def _concerns(program: Program, event: Event) -> bool:
    return (event.scope or event.program) in (ALL, program.name)


def _changed(program: Program, one: Recorded, records: Records) -> Iterator[tuple[str, Standing]]:
    event = one.event
    for group in event.listed:
        if group.standing is not None and _concerns(program, event):
            yield from ((number, group.standing) for number in group.numbers)
    if event.standing is not None and event.number:
        before = _standing_before(records, event.number, one.seq)
        if _view(program, before) != _view(program, event.standing):
            yield event.number, event.standing


def _standing_before(records: Records, number: str, seq: int) -> Standing:
    known = [
        one.event.standing
        for one in records.reading.of_number(number)
        if one.seq < seq and one.event.standing is not None
    ]
    return known[-1] if known else _NEW


def _view(program: Program, standing: Standing) -> tuple[str, bool]:
    """Why the program may not text the number (empty: it may), and whether a consent is known."""
    consent = program.name in standing.consents
    if standing.locked:
        return "locked", consent
    if program.name in standing.own:
        return "opted_out", consent
    if standing.blocked(program.name):
        return "opted_out_all", consent
    return "no_consent" if program.require_consent and not consent else "", consent


def _change(program: Program, one: Recorded, number: str, standing: Standing) -> Change:
    event: Event = one.event
    reason, consent = _view(program, standing)
    return Change(
        number=number,
        program=program.name,
        allowed=not reason,
        reason=reason,
        consent=consent,
        kind=event.kind,
        source=event.entry.source if event.entry else "",
        actor=event.entry.actor if event.entry else "",
        event=event.id,
        sequence=f"{one.partition}-{one.seq}",
    )


def _moment(at_us: int) -> str:
    told = datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")
