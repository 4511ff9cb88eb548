"""The content of ``consent.changed``: what a recorded event changed for a program."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import msgspec

from smsgate.consent import event_text
from smsgate.consent.events import ConsentState, Event, event_id
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import iso_time
from smsgate.features.feeds.storage import FeedCall
from smsgate.records import Recorded, Records
from smsgate.settings import Program

CHANGED = "consent.changed"
LIST_KINDS = ("import", "import_undone")
"""The kinds of events with the numbers of a list."""


class ConsentChange(msgspec.Struct, frozen=True):
    """The consent of one number for one program after an event."""

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
    """Where it came from: ``text``, ``operator``, ``provider``, ``link``, ``api``, ``import`` …"""
    external_source: str
    """From where an imported list has it, such as ``Klaviyo``; empty where no list says so."""
    actor: str
    summary: str
    """What happened, in words: ``Opted out for all programs; applied``."""
    event: str
    """The event's id in the records and in ``GET /v1/events``."""
    sequence: str
    """Partition and number in it: of two changes of a number the one with the higher number is
    newer."""


class _Message(msgspec.Struct, frozen=True):
    type: str
    timestamp: str
    data: ConsentChange


def calls_for_event(
    program: Program, one: Recorded, records: Records, now_us: int
) -> Iterator[FeedCall]:
    """The calls that an event makes for a program's feed: none if it changed nothing for it."""
    event = one.event
    for group in event.listed:
        if group.consent_state is not None and _concerns(program, event):
            named = zip_longest(group.numbers, group.external_sources, fillvalue="")
            for number, external in named:
                yield _call(program, one, number, group.consent_state, now_us, external)
    if event.consent_state is not None and event.number:
        earlier = [
            before.event.consent_state
            for before in records.reader.of_number(event.number)
            if before.seq < one.seq and before.event.consent_state is not None
        ]
        before = earlier[-1] if earlier else ConsentState()
        if _reason_and_consent(program, before) != _reason_and_consent(
            program, event.consent_state
        ):
            yield _call(program, one, event.number, event.consent_state, now_us)


def calls_for_earlier_lists(
    program: Program, one: Recorded, records: Records, after: int, now_us: int
) -> Iterator[FeedCall]:
    """The calls for what lists behind ``after`` did to an event's number before the event."""
    number = one.event.number
    for part in records.reader.of_number(number):
        event = part.event
        is_waiting_list = after < part.seq < one.seq and event.kind in LIST_KINDS
        if is_waiting_list and event.consent_state is not None and _concerns(program, event):
            yield _call(program, part, number, event.consent_state, now_us)


def _concerns(program: Program, event: Event) -> bool:
    return (event.scope or event.program) in (ALL, program.name)


def _call(
    program: Program,
    one: Recorded,
    number: str,
    consent_state: ConsentState,
    now_us: int,
    external_source: str = "",
) -> FeedCall:
    event = one.event
    if event.entry and not external_source:
        external_source = event.entry.external_source
    reason, consent = _reason_and_consent(program, consent_state)
    change = ConsentChange(
        number=number,
        program=program.name,
        allowed=not reason,
        reason=reason,
        consent=consent,
        kind=event.kind,
        source=event.entry.source if event.entry else "",
        external_source=external_source,
        actor=event.entry.actor if event.entry else "",
        summary=event_text.sentence(event),
        event=event.id,
        sequence=f"{one.partition}-{one.seq}",
    )
    return FeedCall(
        id=event_id(event.applied_us // 1000, program.name, event.id, number),
        program=program.name,
        number=number,
        partition=one.partition,
        seq=one.seq,
        body=msgspec.json.encode(_Message(CHANGED, iso_time(event.applied_us), change)).decode(),
        made_us=now_us,
        due_us=now_us,
    )


def _reason_and_consent(program: Program, consent_state: ConsentState) -> tuple[str, bool]:
    """Why the program may not text the number (empty: it may), and whether it has a consent."""
    consent = program.name in consent_state.consents
    if consent_state.locked:
        return "locked", consent
    if program.name in consent_state.opted_out:
        return "opted_out", consent
    if consent_state.blocked(program.name):
        return "opted_out_all", consent
    return "no_consent" if program.require_consent and not consent else "", consent
