"""Limits against guessing at sign-in: attempts by origin and name, and a fair queue for the work.

An origin is a browser that is known, else an address. Attackers use up the attempts of their own
origin and queue up behind their own origin; others have their own.

A browser is known by a device token (OWASP's "device cookies"). It says that an operator once
signed in with it, and opens nothing. It is made and checked without the records: operator, a random
name of the device, and an HMAC over both.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from smsgate.domain.errors import StoreUnavailable, TooManyGuesses
from smsgate.settings import Secret
from smsgate.store.rate_limits import Guesses

MAX_ATTEMPTS = 8
"""Wrong attempts of one origin at one name …"""
WINDOW_S = 15 * 60
"""… in this time; after that it waits until the time is over."""
_MAX_REMEMBERED = 10_000
_BUSY = "Too many people are signing in: please try again in a second."
_PURPOSE = b"smsgate console device\0"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that is known."""

    operator_id: str
    name: str
    """Random; the device's own."""


def new_device(operator_id: str) -> Device:
    """Return a device for a browser in which the operator has just signed in."""
    return Device(operator_id, secrets.token_urlsafe(16))


def make_device_token(device: Device, keys: Sequence[Secret]) -> str:
    """Return what the browser keeps, signed with the newest of ``SMSGATE_SECRET_KEYS``."""
    content = f"{device.operator_id}.{device.name}"
    return f"{content}.{_mac(content, keys[0])}"


def read_device_token(token: str, keys: Sequence[Secret]) -> Device | None:
    """Return the device of a token; None where none of the keys signed it."""
    content, _, mac = token.rpartition(".")
    operator_id, _, name = content.partition(".")
    right = [hmac.compare_digest(_mac(content, key), mac) for key in keys if mac.isascii()]
    return Device(operator_id, name) if any(right) else None


def _mac(content: str, key: Secret) -> str:
    return hmac.new(key.value.encode(), _PURPOSE + content.encode(), sha256).hexdigest()


class AttemptCounter:
    """Counts attempts by origin and name: in the store, and in this process while that is away."""

    def __init__(self, guesses: Guesses, keys: Sequence[Secret]) -> None:
        """``keys`` hide what was typed as a name, which may be a password."""
        self._guesses = guesses
        self._key = keys[0].value.encode()
        self._local: dict[str, tuple[int, float]] = {}
        """By key how many attempts, and until when they count."""

    def count(self, origin: str, name: str) -> int:
        """Count an attempt before it is checked; return which one of the window it is.

        Counted first, a hundred at once are a hundred.
        """
        key = self._key_of(origin, name)
        try:
            return self._guesses.note(key)
        except StoreUnavailable:
            now = time.monotonic()
            count, until = self._local.get(key, (0, 0.0))
            if until <= now:
                count, until = 0, now + WINDOW_S
            if len(self._local) >= _MAX_REMEMBERED:
                self._local.clear()
            self._local[key] = count + 1, until
            return count + 1

    def used_up(self, origin: str, name: str) -> bool:
        """Whether the origin has to wait at that name, without counting anything."""
        key = self._key_of(origin, name)
        try:
            return self._guesses.counted(key) >= MAX_ATTEMPTS
        except StoreUnavailable:
            count, until = self._local.get(key, (0, 0.0))
            return count >= MAX_ATTEMPTS and time.monotonic() < until

    def clear(self, origin: str, name: str) -> None:
        """Reset the count after a successful attempt."""
        key = self._key_of(origin, name)
        self._local.pop(key, None)
        try:
            self._guesses.clear(key)
        except StoreUnavailable:
            return

    def _key_of(self, origin: str, name: str) -> str:
        return hmac.new(self._key, f"{origin}\0{name}".encode(), sha256).hexdigest()[:32]


class _Ticket:
    """A caller that waits."""

    __slots__ = ("called", "refused")

    def __init__(self) -> None:
        self.called = threading.Event()
        self.refused = False


class FairQueue:
    """Lets a few callers in at once; of those who wait, one of each origin in turn.

    Where too many wait, the origin with the most of them has one fewer.
    """

    def __init__(self, at_once: int, max_waiting: int, wait_s: float) -> None:
        """``wait_s`` seconds are the longest that a caller waits."""
        self._free = at_once
        self._max_waiting = max_waiting
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[_Ticket]] = OrderedDict()

    @contextmanager
    def slot(self, origin: str) -> Iterator[None]:
        """Wait for a slot, and hold it. Raises ``TooManyGuesses``."""
        self._enter(origin)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, origin: str) -> None:
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return
            ticket = self._queued(origin)
        called = ticket.called.wait(self._wait_s)
        with self._lock:
            # Called in the very moment in which the wait ended, the caller has the slot.
            if (called or ticket.called.is_set()) and not ticket.refused:
                return
            self._remove(origin, ticket)
        raise TooManyGuesses(_BUSY)

    def _queued(self, origin: str) -> _Ticket:
        """Return a ticket at the end of the queue of its origin."""
        if sum(map(len, self._waiting.values())) >= self._max_waiting:
            longest = max(self._waiting, key=lambda one: len(self._waiting[one]))
            if len(self._waiting.get(origin, ())) >= len(self._waiting[longest]):
                raise TooManyGuesses(_BUSY)
            last = self._waiting[longest][-1]
            self._remove(longest, last)
            last.refused = True
            last.called.set()
        ticket = _Ticket()
        self._waiting.setdefault(origin, deque()).append(ticket)
        return ticket

    def _remove(self, origin: str, ticket: _Ticket) -> None:
        queue = self._waiting.get(origin)
        if queue is not None and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._waiting[origin]

    def _leave(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            origin, queue = next(iter(self._waiting.items()))
            ticket = queue.popleft()
            self._waiting.move_to_end(origin)
            if not queue:
                del self._waiting[origin]
            ticket.called.set()
