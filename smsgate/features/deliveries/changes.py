"""Changes of consent for a program's feed: ``consent.changed``, by Standard Webhooks.

``ChangeSource`` reads the recorded events and adds a delivery for each change that they made for
the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest

import msgspec
import structlog

from smsgate.consent import event_text
from smsgate.consent.events import ConsentState, Event, event_id
from smsgate.domain.errors import CursorRefused
from smsgate.domain.messages import ALL, HttpCall
from smsgate.domain.signed_times import iso_time
from smsgate.features.deliveries.sender import Source
from smsgate.providers.shared_schemes import standard_webhook_headers
from smsgate.records import Recorded, Records
from smsgate.records.deliveries import Delivery, Destination, FeedPosition
from smsgate.records.event_reader import START, EventReader, Position
from smsgate.settings import Feed, Program

PAGE_SIZE = 200
"""Events that are read in one step; and the deliveries of lists that one step adds, at least."""
MAX_PENDING = 1_000
"""While so many wait, no more events are read."""
LIST_DELAY_US = 24 * 3600 * 1_000_000
"""By how much a change of one number is due before those of lists: as long as any may wait."""
CHANGED = "consent.changed"
LIST_KINDS = ("import", "import_undone")
"""The kinds of events with the numbers of a list."""
_log = structlog.get_logger("smsgate.deliveries")


class ChangeSource(Source):
    """Turns recorded events into the deliveries of one program's feed.

    A list of a million numbers makes a million calls, and a STOP that comes meanwhile must not wait
    for them. So the records are read at two positions: up to their end for changes of single
    numbers, and behind that, a few hundred numbers at a time, for lists. The order of one number's
    changes stays: if a list behind the second position has the number, the list's call goes before
    the number's own, and is left out when the list is read.
    """

    def __init__(self, program: Program, feed: Feed, records: Records) -> None:
        super().__init__(program)
        self._feed = feed
        self._where = Destination(program.name, "change")
        self._records = records
        self._events = EventReader(records.database)
        self._storage = records.deliveries

    def start(self) -> Position:
        """The end of the records: earlier changes are not reported."""
        return self._events.newest()

    def call_for(self, delivery: Delivery, now_s: int) -> HttpCall:
        """The call for a change."""
        body, secrets = (
            delivery.body.encode(),
            [one.get_secret_value() for one in self._feed.secrets],
        )
        headers = standard_webhook_headers(delivery.id, str(now_s), body, secrets)
        return HttpCall("POST", self._feed.url, headers, body)

    def read(self, now_us: int) -> bool:
        """Add deliveries for some events. True if there are more events to read now.

        Raises ``RecordsUnavailable``.
        """
        pending = self._storage.counts(self._where).pending
        if pending >= MAX_PENDING:
            return False
        position = self._storage.position(self._where) or FeedPosition(START, START)
        try:
            position, more = self._read_changes(position, now_us)
            if pending < PAGE_SIZE and position.lists != position.changes:
                self._read_lists(position, now_us)
                more = True
        except CursorRefused as error:
            _log.warning("feed begins anew", program=self.program.name, problem=str(error))
            newest = self._events.newest()
            self._storage.advance(self._where, position, FeedPosition(newest, newest), [])
            return False
        return more

    def _read_changes(self, position: FeedPosition, now_us: int) -> tuple[FeedPosition, bool]:
        batch = self._events.after(position.changes, PAGE_SIZE)
        if batch.position == position.changes:
            return position, False
        changes = [one for one in batch.events if not one.event.listed]
        lists_wait = position.lists != position.changes or len(changes) < len(batch.events)
        calls = self._calls(changes, position.lists if lists_wait else None, now_us)
        moved = FeedPosition(batch.position, position.lists if lists_wait else batch.position)
        self._storage.advance(self._where, position, moved, calls)
        return moved, batch.more

    def _calls(
        self, changes: Iterable[Recorded], lists: Position | None, now_us: int
    ) -> Iterator[Delivery]:
        """The calls of changes, each behind those of waiting lists that have its number."""
        due_us = now_us - LIST_DELAY_US
        for one in changes:
            calls = calls_for_event(self.program, one, self._records, now_us)
            if lists is not None:
                after = lists.get(one.partition, 0)
                earlier = calls_for_earlier_lists(self.program, one, self._records, after, now_us)
                yield from (replace(call, due_us=due_us) for call in earlier)
            yield from (replace(call, due_us=due_us) for call in calls)

    def _read_lists(self, position: FeedPosition, now_us: int) -> None:
        """Add calls of lists, without those that went before a number's own call already."""
        batch = self._events.after(position.lists, PAGE_SIZE, position.changes)
        calls: list[Delivery] = []
        read = 0
        for one in batch.events:
            if len(calls) >= PAGE_SIZE:
                break
            read += 1
            if one.event.listed:
                found = [*calls_for_event(self.program, one, self._records, now_us)]
                until = position.changes.get(one.partition, 0)
                numbers = [call.number for call in found]
                sent = self._events.changed_numbers(one.partition, one.seq, until, numbers)
                calls += [call for call in found if call.number not in sent]
        lists = dict(batch.position)
        for one in reversed(batch.events[read:]):
            lists[one.partition] = one.seq - 1
        moved = FeedPosition(position.changes, lists)
        self._storage.advance(self._where, position, moved, calls)


def calls_for_event(
    program: Program, one: Recorded, records: Records, now_us: int
) -> Iterator[Delivery]:
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
) -> Iterator[Delivery]:
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
) -> Delivery:
    event = one.event
    reason, consent = _reason_and_consent(program, consent_state)
    entry = event.entry
    change = {
        "number": number,
        "program": program.name,
        "allowed": not reason,
        "reason": reason,
        "consent": consent,
        "kind": event.kind,
        "source": entry.source if entry else "",
        "external_source": external_source or (entry.external_source if entry else ""),
        "actor": entry.actor if entry else "",
        "summary": event_text.sentence(event),
        "event": event.id,
        "sequence": f"{one.partition}-{one.seq}",
    }
    message = {"type": CHANGED, "timestamp": iso_time(event.applied_us), "data": change}
    return Delivery(
        id=event_id(event.applied_us // 1000, program.name, event.id, number),
        program=program.name,
        kind="change",
        number=number,
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
