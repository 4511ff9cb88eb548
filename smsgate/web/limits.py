"""How often something may be tried: counted by ``limits``, the library under Flask-Limiter.

Flask-Limiter itself counts before a view, and costs each request of an application 30 us, webhooks
too. What is limited here is known inside a view: whose key it is, that a link or a password was
wrong. So views ask ``limits`` themselves, which costs 2 us and a round trip.

All processes count together, in Redis: one server, one behind Sentinels, or a cluster. While Redis
is away each process counts by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisClusterException

from smsgate.domain.errors import TooManyGuesses
from smsgate.store.connection import Client, Cluster
from smsgate.store.shared_keys import LIMITS

_MAX_REMEMBERED = 10_000
"""Counts in the memory of a process; then all are forgotten."""
_ALONE_S = 10.0
"""How long a process counts by itself once Redis did not answer."""
LINES_OF_ADDRESS = RateLimitItemPerSecond(5, 10)
"""Log lines about refused requests of one address for one account."""
LINES_OF_ACCOUNT = RateLimitItemPerSecond(20, 10)
"""The same for one account, whatever the addresses."""


@contextmanager
def slot(free: threading.Semaphore) -> Iterator[None]:
    """Hold one of a few places, so that what takes long holds up few threads.

    Raises ``TooManyGuesses``.
    """
    if not free.acquire(blocking=False):
        raise TooManyGuesses("Too many people are signing in: please try again in a second.")
    try:
        yield
    finally:
        free.release()


class Limits:
    """Counts in fixed windows. Threads may share it; no method raises.

    A Redis that hangs takes one time-out; then the process counts by itself for a while, instead of
    waiting at each count of a request.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._shared: RedisStorage | None = None
        self._memory = MemoryStorage()
        self._alone_until_s = 0.0

    def count(self, limit: RateLimitItem, *who: str, cost: int = 1) -> int:
        """Count an attempt before it is checked; return how many there were in the window.

        So a hundred at once are a hundred. ``cost=-1`` takes back one that was right.
        """
        key, lasts_s = limit.key_for(*who), limit.get_expiry()
        return self._asked(lambda storage: storage.incr(key, lasts_s, cost))

    def hit(self, limit: RateLimitItem, *who: str, cost: int = 1) -> bool:
        """Count an attempt as ``count`` does; False where there were too many."""
        return self.count(limit, *who, cost=cost) <= limit.amount

    def is_used_up(self, limit: RateLimitItem, *who: str) -> bool:
        """Whether the next attempt would be one too many; counts nothing."""
        return self._asked(lambda storage: storage.get(limit.key_for(*who))) >= limit.amount

    def _asked(self, ask: Callable[[Storage], int]) -> int:
        if time.monotonic() >= self._alone_until_s:
            try:
                return ask(self._storage())
            except (StorageError, redis.RedisError, RedisClusterException):
                self._alone_until_s = time.monotonic() + _ALONE_S
        if len(self._memory.storage) >= _MAX_REMEMBERED:
            self._memory.reset()
        return ask(self._memory)

    def _storage(self) -> RedisStorage:
        """Made when first asked for, since a cluster has to be reached to be known."""
        if self._shared is None:
            # The client of `limits` would have other time-outs and no TLS to Sentinels, and ours
            # translates errors that it has to see; so it gets a plain one on our connections.
            if isinstance(self._client, Cluster):
                storage = RedisStorage("redis://", key_prefix=LIMITS, wrap_exceptions=True)
                storage.storage = self._client.connected
                storage.initialize_storage("")
            else:
                storage = RedisStorage(
                    "redis://",
                    self._client.connection_pool,
                    key_prefix=LIMITS,
                    wrap_exceptions=True,
                )
            self._shared = storage
        return self._shared


class RefusalLog:
    """Decides which refused requests have a log line, so that a flood does not fill the log.

    The metrics count every request. Each process decides for itself; threads may share it.
    """

    def __init__(self) -> None:
        self._lines = FixedWindowRateLimiter(MemoryStorage())

    def takes(self, account: str, address: str) -> bool:
        """Whether a request of an address that was refused has a line, which counts then.

        ``account`` may be another name that requests are told apart by.
        """
        return (
            self._lines.test(LINES_OF_ACCOUNT, account)
            and self._lines.hit(LINES_OF_ADDRESS, account, address)
            and self._lines.hit(LINES_OF_ACCOUNT, account)
        )
