"""Fed: a program's changes of consent, told to its feed by Standard Webhooks (``consent.changed``).

From the records to calls that wait in the same database, and from there to the other side: at
least once each (``webhook-id`` tells repeats apart), of a number in the order of its changes. A
call that is not taken is made again for a day and then waits for a person. One sender at a time has
a feed; each feed has a thread of its own, so that one that is down delays no other.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable

import structlog

from smsgate.domain.errors import CallFailed, NoSuchDelivery
from smsgate.domain.messages import HttpCall, HttpReply
from smsgate.domain.signing import standard_webhook_signature
from smsgate.features.feeds.feed_reader import FeedReading
from smsgate.outbound import Outbound
from smsgate.records import Records
from smsgate.records.feeds import FeedCall, Feeds
from smsgate.settings import Feed, Program

SOME = 20
"""Calls between two looks at the records."""
IDLE_S = 0.5
"""How long to wait before the next look where nothing was to be told."""
GIVEN_UP_S = 24 * 3600
LEASE_S = 60
_RENEW_S = 40
"""A call takes at most 13 s, so that none is under way when the lease ends."""
_FIRST_S, _FACTOR, _LONGEST_S = 5.0, 3.0, 3600.0
_PAUSE_S = 60.0
"""How long a feed that does not answer is left alone, at most."""
_PATIENCE = 3
"""Calls in a row that may be refused before the feed is left alone."""
_log = structlog.get_logger("smsgate.feed")


class Feeding:
    """Tells one program's feed."""

    def __init__(
        self,
        program: Program,
        feed: Feed,
        records: Records,
        outbound: Outbound,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``now`` gives seconds since 1970."""
        self._program = program
        self._feed = feed
        self._records = records
        self._reading = FeedReading(program, records)
        self._outbound = outbound
        self._now = now
        self._sender = uuid.uuid4().hex
        self._until = 0.0
        self._streak = 0

    def turn(self) -> float:
        """Read some changes and tell some; gives for how many seconds to wait before the next turn.

        Raises ``RecordsUnavailable``, ``RecordsNotReady``.
        """
        if not self._leads():
            return LEASE_S / 6
        more = self._reading.read(_us(self._now()))
        sent, pause_s = self._send()
        if pause_s:
            return pause_s
        return 0.0 if more or sent else IDLE_S

    def give_back(self) -> None:
        """Let another one send this feed at once, instead of when the lease ends. Raises likewise.

        Only where no call is under way any more.
        """
        if self._until:
            self._feeds.lead(self._program.name, self._sender, _us(self._now()), 0, {})
            self._until = 0.0

    @property
    def _feeds(self) -> Feeds:
        return self._records.feeds

    def _leads(self) -> bool:
        now = self._now()
        if now < self._until - (LEASE_S - _RENEW_S):
            return True
        name = self._program.name
        start = self._records.following.newest() if self._feeds.place(name) is None else {}
        until = now + LEASE_S
        leads = self._feeds.lead(name, self._sender, _us(now), _us(until), start)
        self._until = until if leads else 0.0
        return leads

    def _send(self) -> tuple[int, float]:
        """Make calls that are due; gives how many, and for how long to leave the feed alone."""
        sent = 0
        for call in self._feeds.due(self._program.name, _us(self._now()), SOME):
            if not self._leads():
                break
            sent += 1
            pause_s = self._tell(call)
            if pause_s:
                return sent, pause_s
        return sent, 0.0

    def _tell(self, call: FeedCall) -> float:
        """Make one call; gives for how long to leave the feed alone."""
        try:
            answer = self._outbound.perform(self._described(call))
        except CallFailed as error:
            return self._not_taken(call, str(error), patience=1)
        if 200 <= answer.status < 300:
            self._streak = 0
            self._feeds.taken(call.id)
            return 0.0
        pause_s = self._not_taken(call, f"answered {answer.status}", patience=_PATIENCE)
        return max(pause_s, _asked_for(answer))

    def _described(self, call: FeedCall) -> HttpCall:
        timestamp, body = str(int(self._now())), call.body.encode()
        signatures = [
            standard_webhook_signature(call.id, timestamp, body, one.value)
            for one in self._feed.secrets
        ]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": call.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }
        return HttpCall("POST", self._feed.url, headers, body)

    def _not_taken(self, call: FeedCall, note: str, patience: int) -> float:
        now = self._now()
        dead = now - call.made_us / 1_000_000 >= GIVEN_UP_S
        wait_s = min(_FIRST_S * _FACTOR ** min(call.tries, 10), _LONGEST_S)
        wait_s *= random.uniform(0.9, 1.1)  # noqa: S311 - so that calls do not keep step
        self._feeds.failed(call, _us(now + wait_s), note, dead=dead)
        self._streak += 1
        log = _log.error if dead else _log.warning
        log("call was not taken", program=call.program, id=call.id, problem=note, given_up=dead)
        if self._streak < patience:
            return 0.0
        return float(min(2.0 ** min(self._streak - patience, 10), _PAUSE_S))


def retry(records: Records, id_: str, now_us: int) -> None:
    """Make a call that was given up due again, for another day. Raises ``NoSuchDelivery``."""
    if not records.feeds.retry(id_, now_us):
        raise _unknown(id_)


def dismiss(records: Records, id_: str) -> None:
    """Forget a call that was given up. Raises ``NoSuchDelivery``."""
    if not records.feeds.dismiss(id_):
        raise _unknown(id_)


def _unknown(id_: str) -> NoSuchDelivery:
    return NoSuchDelivery(f"no call {id_!r} was given up: `smsgate feed list --dead` tells")


def _asked_for(answer: HttpReply) -> float:
    """Retry-After in seconds, where the other side says that it has too much to do."""
    asked = answer.headers.get("retry-after", "")
    if answer.status in (429, 503) and asked.isascii() and asked.isdigit():
        return float(min(int(asked[:6]), _LONGEST_S))
    return 0.0


def _us(seconds: float) -> int:
    return int(seconds * 1_000_000)
