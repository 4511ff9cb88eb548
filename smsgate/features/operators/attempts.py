"""What guessing at sign-in meets: counts by place and name, and a fair line for the work.

A place is a browser that is known (see ``devices.py``), else an address. Whoever guesses uses up
the attempts of their own place and stands in the line of their own place; others have their own.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

from smsgate.domain.errors import StoreUnavailable, TooManyGuesses
from smsgate.settings import Secret
from smsgate.store.rate_limits import Guesses

MOST_ATTEMPTS = 8
"""Wrong attempts of one place at one name …"""
WINDOW_S = 15 * 60
"""… in this time; after that it waits until the time is over."""
_MOST_REMEMBERED = 10_000
_BUSY = "Many sign in at this moment: please try again in a second."


class Attempts:
    """Counts attempts by place and name: in the store, and in this process while that is away."""

    def __init__(self, guesses: Guesses, keys: Sequence[Secret]) -> None:
        """``keys`` hide what was typed as a name, which may be a password."""
        self._guesses = guesses
        self._key = keys[0].value.encode()
        self._here: dict[str, tuple[int, float]] = {}
        """By key how many attempts, and until when they count."""

    def number(self, place: str, name: str) -> int:
        """Count an attempt before it is looked at; gives which one of the window it is.

        Counted first, a hundred at once are a hundred.
        """
        key = self._key_of(place, name)
        try:
            return self._guesses.number(key)
        except StoreUnavailable:
            return self._number_here(key)

    def used_up(self, place: str, name: str) -> bool:
        """Whether the place has to wait at that name, without counting anything."""
        key = self._key_of(place, name)
        try:
            return self._guesses.counted(key) >= MOST_ATTEMPTS
        except StoreUnavailable:
            count, until = self._here.get(key, (0, 0.0))
            return count >= MOST_ATTEMPTS and time.monotonic() < until

    def clear(self, place: str, name: str) -> None:
        """Begin anew, since an attempt was right."""
        key = self._key_of(place, name)
        self._here.pop(key, None)
        try:
            self._guesses.clear(key)
        except StoreUnavailable:
            return

    def _number_here(self, key: str) -> int:
        now = time.monotonic()
        count, until = self._here.get(key, (0, 0.0))
        if until <= now:
            count, until = 0, now + WINDOW_S
        if len(self._here) >= _MOST_REMEMBERED:
            self._here.clear()
        self._here[key] = count + 1, until
        return count + 1

    def _key_of(self, place: str, name: str) -> str:
        return hmac.new(self._key, f"{place}\0{name}".encode(), sha256).hexdigest()[:32]


class _Ticket:
    """Somebody who waits."""

    __slots__ = ("called", "refused")

    def __init__(self) -> None:
        self.called = threading.Event()
        self.refused = False


class FairLine:
    """Lets a few in at a time; of those who wait, one of each place in turn.

    Where too many wait, the place with the most of them has one fewer.
    """

    def __init__(self, at_once: int, most_waiting: int, wait_s: float) -> None:
        """``wait_s`` seconds are as long as anybody waits."""
        self._free = at_once
        self._most_waiting = most_waiting
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[_Ticket]] = OrderedDict()

    @contextmanager
    def turn(self, place: str) -> Iterator[None]:
        """Wait for a turn, and have it. Raises ``TooManyGuesses``."""
        self._enter(place)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, place: str) -> None:
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return
            ticket = self._queued(place)
        called = ticket.called.wait(self._wait_s)
        with self._lock:
            # Called in the very moment in which the patience ended, the turn is had all the same.
            if (called or ticket.called.is_set()) and not ticket.refused:
                return
            self._remove(place, ticket)
        raise TooManyGuesses(_BUSY)

    def _queued(self, place: str) -> _Ticket:
        """A ticket at the end of the line of its place."""
        if sum(map(len, self._waiting.values())) >= self._most_waiting:
            longest = max(self._waiting, key=lambda one: len(self._waiting[one]))
            if len(self._waiting.get(place, ())) >= len(self._waiting[longest]):
                raise TooManyGuesses(_BUSY)
            last = self._waiting[longest][-1]
            self._remove(longest, last)
            last.refused = True
            last.called.set()
        ticket = _Ticket()
        self._waiting.setdefault(place, deque()).append(ticket)
        return ticket

    def _remove(self, place: str, ticket: _Ticket) -> None:
        line = self._waiting.get(place)
        if line is not None and ticket in line:
            line.remove(ticket)
            if not line:
                del self._waiting[place]

    def _leave(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            place, line = next(iter(self._waiting.items()))
            ticket = line.popleft()
            self._waiting.move_to_end(place)
            if not line:
                del self._waiting[place]
            ticket.called.set()
