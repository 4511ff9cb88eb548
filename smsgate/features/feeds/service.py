"""Posts a program's changes of consent to its feed, by Standard Webhooks (``consent.changed``).

``FeedReader`` turns recorded events into calls that wait in the database, and ``FeedSender`` makes
them: each at least once (``webhook-id`` tells repeats apart), those of a number in the order of its
changes. A call that fails is repeated for a day and then waits for a person.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import structlog

from smsgate.domain.errors import CallFailed, CursorRefused, NoSuchDelivery
from smsgate.domain.messages import HttpCall, HttpReply
from smsgate.domain.shared_schemes import standard_webhook_headers
from smsgate.features.feeds.payload import calls_for_earlier_lists, calls_for_event
from smsgate.features.feeds.storage import FeedCall, FeedPosition, FeedStorage
from smsgate.outbound import Outbound
from smsgate.records import Recorded, Records
from smsgate.records.event_reader import START, EventReader, Position
from smsgate.settings import Feed, Program

PAGE_SIZE = 200
"""Events that are read in one step; and the calls of lists that one step adds, at least."""
MAX_PENDING_CALLS = 1_000
"""While so many calls wait, no more events are read."""
LIST_DELAY_US = 24 * 3600 * 1_000_000
"""By how much a call about one number is due before those of lists: as long as any may wait."""
CALLS_PER_TURN = 20
IDLE_S = 0.5
"""Pause before the next turn where there was nothing to send."""
GIVEN_UP_S = 24 * 3600
LEASE_S = 60
_RENEW_S = 40
"""A call takes at most 13 s, so that none is under way when the lease ends."""
_FIRST_RETRY_S, _RETRY_FACTOR, _MAX_RETRY_S = 5.0, 3.0, 3600.0
_MAX_PAUSE_S = 60.0
"""The longest pause of a feed that does not answer."""
_REFUSALS_BEFORE_PAUSE = 3
_log = structlog.get_logger("smsgate.feed")


class FeedReader:
    """Turns recorded events into the calls of one program's feed.

    A list of a million numbers makes a million calls, and a STOP that comes meanwhile must not wait
    for them. So the records are read at two positions: up to their end for changes of single
    numbers, and behind that, a few hundred numbers at a time, for lists. The order of one number's
    changes stays: if a list behind the second position has the number, the list's call goes before
    the number's own, and is left out when the list is read.
    """

    def __init__(self, program: Program, records: Records) -> None:
        self._program = program
        self._records = records
        self._events = EventReader(records.database)
        self._storage = FeedStorage(records.database)

    def read(self, now_us: int) -> bool:
        """Add calls for some events. True if there are more events to read now.

        Raises ``RecordsUnavailable``.
        """
        name = self._program.name
        pending = self._storage.count_pending(name)
        if pending >= MAX_PENDING_CALLS:
            return False
        position = self._storage.position(name) or FeedPosition(START, START)
        try:
            position, more = self._read_changes(position, now_us)
            if pending < PAGE_SIZE and position.lists != position.changes:
                self._read_lists(position, now_us)
                more = True
        except CursorRefused as error:
            _log.warning("feed begins anew", program=name, problem=str(error))
            newest = self._events.newest()
            self._storage.advance(name, position, FeedPosition(newest, newest), [])
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
        self._storage.advance(self._program.name, position, moved, calls)
        return moved, batch.more

    def _calls(
        self, changes: Iterable[Recorded], lists: Position | None, now_us: int
    ) -> Iterator[FeedCall]:
        """The calls of changes, each behind those of waiting lists that have its number."""
        due_us = now_us - LIST_DELAY_US
        for one in changes:
            calls = calls_for_event(self._program, one, self._records, now_us)
            if lists is not None:
                after = lists.get(one.partition, 0)
                earlier = calls_for_earlier_lists(self._program, one, self._records, after, now_us)
                yield from (replace(call, due_us=due_us) for call in earlier)
            yield from (replace(call, due_us=due_us) for call in calls)

    def _read_lists(self, position: FeedPosition, now_us: int) -> None:
        """Add calls of lists, without those that went before a number's own call already."""
        batch = self._events.after(position.lists, PAGE_SIZE, position.changes)
        calls: list[FeedCall] = []
        read = 0
        for one in batch.events:
            if len(calls) >= PAGE_SIZE:
                break
            read += 1
            if one.event.listed:
                found = [*calls_for_event(self._program, one, self._records, now_us)]
                until = position.changes.get(one.partition, 0)
                numbers = [call.number for call in found]
                sent = self._events.changed_numbers(one.partition, one.seq, until, numbers)
                calls += [call for call in found if call.number not in sent]
        lists = dict(batch.position)
        for one in reversed(batch.events[read:]):
            lists[one.partition] = one.seq - 1
        moved = FeedPosition(position.changes, lists)
        self._storage.advance(self._program.name, position, moved, calls)


class FeedSender:
    """Sends one program's feed. Only one sender at a time has the feed's lease.

    ``now`` gives seconds since 1970.
    """

    def __init__(
        self,
        program: Program,
        feed: Feed,
        records: Records,
        outbound: Outbound,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._name = program.name
        self._feed = feed
        self._events = EventReader(records.database)
        self._storage = FeedStorage(records.database)
        self._reader = FeedReader(program, records)
        self._outbound = outbound
        self._now = now
        self._id = uuid.uuid4().hex
        self._lease_until = 0.0
        self._failures = 0
        """Calls in a row that failed."""

    def run_once(self) -> float:
        """Read some events and make some calls; returns the pause before the next turn in seconds.

        Raises ``RecordsUnavailable``.
        """
        if not self._has_lease():
            return LEASE_S / 6
        more = self._reader.read(_us(self._now()))
        calls = self._storage.due(self._name, _us(self._now()), CALLS_PER_TURN)
        for call in calls:
            if not self._has_lease():
                break
            if pause_s := self._send(call):
                return pause_s
        return 0.0 if more or calls else IDLE_S

    def release(self) -> None:
        """Give up the lease, so that another sender need not wait for its end.

        Call it only when no call is under way. Raises as ``run_once``.
        """
        if self._lease_until:
            self._storage.acquire(self._name, self._id, _us(self._now()), 0, {})
            self._lease_until = 0.0

    def _has_lease(self) -> bool:
        now = self._now()
        if now < self._lease_until - (LEASE_S - _RENEW_S):
            return True
        is_new = self._storage.position(self._name) is None
        start = self._events.newest() if is_new else {}
        until = now + LEASE_S
        acquired = self._storage.acquire(self._name, self._id, _us(now), _us(until), start)
        self._lease_until = until if acquired else 0.0
        return acquired

    def _send(self, call: FeedCall) -> float:
        """Make one call; returns how long to pause the feed, in seconds."""
        body, secrets = call.body.encode(), [one.value for one in self._feed.secrets]
        headers = standard_webhook_headers(call.id, str(int(self._now())), body, secrets)
        try:
            answer = self._outbound.perform(HttpCall("POST", self._feed.url, headers, body))
        except CallFailed as error:
            return self._note_failure(call, str(error), refusals_allowed=1)
        if 200 <= answer.status < 300:
            self._failures = 0
            self._storage.remove_delivered(call.id)
            return 0.0
        problem = f"answered {answer.status}"
        pause_s = self._note_failure(call, problem, refusals_allowed=_REFUSALS_BEFORE_PAUSE)
        return max(pause_s, _retry_after_s(answer))

    def _note_failure(self, call: FeedCall, problem: str, refusals_allowed: int) -> float:
        now = self._now()
        dead = now - call.made_us / 1_000_000 >= GIVEN_UP_S
        retry_s = min(_FIRST_RETRY_S * _RETRY_FACTOR ** min(call.tries, 10), _MAX_RETRY_S)
        retry_s *= random.uniform(0.9, 1.1)  # noqa: S311 - spreads calls that failed together
        self._storage.note_failure(call, _us(now + retry_s), problem, dead=dead)
        self._failures += 1
        log = _log.error if dead else _log.warning
        log("call was not taken", program=call.program, id=call.id, problem=problem, given_up=dead)
        if self._failures < refusals_allowed:
            return 0.0
        return float(min(2.0 ** min(self._failures - refusals_allowed, 10), _MAX_PAUSE_S))


def retry(records: Records, id_: str, now_us: int) -> None:
    """Make a call that was given up due again, for another day. Raises ``NoSuchDelivery``."""
    if not FeedStorage(records.database).retry(id_, now_us):
        raise _no_such_call(id_)


def dismiss(records: Records, id_: str) -> None:
    """Remove a call that was given up. Raises ``NoSuchDelivery``."""
    if not FeedStorage(records.database).dismiss(id_):
        raise _no_such_call(id_)


def _no_such_call(id_: str) -> NoSuchDelivery:
    return NoSuchDelivery(f"no failed call {id_!r}: see `smsgate feed list --dead`")


def _retry_after_s(answer: HttpReply) -> float:
    """The ``Retry-After`` of an overloaded server."""
    asked = answer.headers.get("retry-after", "")
    if answer.status in (429, 503) and asked.isascii() and asked.isdigit():
        return float(min(int(asked[:6]), _MAX_RETRY_S))
    return 0.0


def _us(seconds: float) -> int:
    return int(seconds * 1_000_000)
