"""Changes of consent for a program's feed: ``consent.changed``, by Standard Webhooks.

``ChangeSource`` reads the recorded events and adds a delivery for each change that they made for
the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import structlog

from smsgate import event_text
from smsgate.consent.events import ConsentState, event_id
from smsgate.domain.errors import CursorRefused
from smsgate.domain.messages import ALL, HttpCall
from smsgate.domain.signed_times import iso_time
from smsgate.features.deliveries.sender import Source, signed_call
from smsgate.records import Recorded, Records
from smsgate.records.deliveries import Delivery, Destination
from smsgate.settings import Feed, Program

PAGE_SIZE = 200
"""Events that are read in one step."""
MAX_PENDING = 1_000
"""While so many wait, no more events are read."""
CHANGED = "consent.changed"
_log = structlog.get_logger("smsgate.deliveries")


class ChangeSource(Source):
    """Turns recorded events into the deliveries of one program's feed.

    What happened to a number is a call; the numbers of a list with which the same happened are one
    call together, up to 500 as the events have them. So a STOP waits for no million calls.
    """

    def __init__(self, program: Program, feed: Feed, records: Records) -> None:
        super().__init__(program)
        self._feed = feed
        self._where = Destination(program.name, "change")
        self._records = records
        self._storage = records.deliveries

    def start(self) -> int:
        """The end of the records: earlier changes are not reported."""
        return self._records.reader.newest_position()

    def call_for(self, delivery: Delivery, now_s: int) -> HttpCall:
        """The call for a change."""
        return signed_call(self._feed, delivery.id, now_s, delivery.body.encode())

    def read(self, now_us: int) -> bool:
        """Add deliveries for some events. True if there are more events to read now.

        Raises ``RecordsUnavailable``.
        """
        if self._storage.counts(self._where).pending >= MAX_PENDING:
            return False
        position = self._storage.position(self._where) or 0
        try:
            events = self._records.reader.after(position, PAGE_SIZE)
        except CursorRefused as error:
            _log.warning("feed begins anew", program=self.program.name, problem=str(error))
            self._storage.advance(self._where, position, self.start(), [])
            return False
        if events:
            calls = (
                call
                for one in events
                for call in calls_for_event(self.program, one, self._records, now_us)
            )
            self._storage.advance(self._where, position, events[-1].position, calls)
        return len(events) == PAGE_SIZE


def calls_for_event(
    program: Program, one: Recorded, records: Records, now_us: int
) -> Iterator[Delivery]:
    """The calls that an event makes for a program's feed: none if it changed nothing for it."""
    event = one.event
    for at, group in enumerate(event.listed):
        is_concerned = (event.scope or event.program) in (ALL, program.name)
        if group.consent_state is not None and is_concerned:
            many = {"numbers": group.numbers, "external_sources": group.external_sources}
            yield _call(program, one, str(at), many, group.consent_state, now_us)
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
            source = event.entry.external_source if event.entry else ""
            named = {"number": event.number, "external_source": source}
            yield _call(program, one, event.number, named, event.consent_state, now_us)


def _call(
    program: Program,
    one: Recorded,
    about: str,
    named: Mapping[str, object],
    consent_state: ConsentState,
    now_us: int,
) -> Delivery:
    """A call of an event; ``about`` tells it from the others, ``named`` are its numbers."""
    event = one.event
    reason, consent = _reason_and_consent(program, consent_state)
    entry = event.entry
    change = {
        **named,
        "program": program.name,
        "allowed": not reason,
        "reason": reason,
        "consent": consent,
        "kind": event.kind,
        "source": entry.source if entry else "",
        "actor": entry.actor if entry else "",
        "summary": event_text.sentence(event),
        "event": event.id,
        "sequence": f"{one.partition}-{one.seq}",
    }
    message = {"type": CHANGED, "timestamp": iso_time(event.applied_us), "data": change}
    return Delivery(
        id=event_id(event.applied_us // 1000, program.name, event.id, about),
        program=program.name,
        kind="change",
        number=event.number,
        partition=one.partition,
        seq=one.seq,
        body=msgspec.json.encode(message).decode(),
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
