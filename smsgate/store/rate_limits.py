"""Counts of attempts to sign in."""

from __future__ import annotations

from collections.abc import Callable

from smsgate.store.redis_types import Client

MOST = 30
"""Attempts of one address in one window; after that it waits until the window is over."""


class Guesses:
    """One counter for each address, gone a while after its first guess."""

    def __init__(
        self,
        client: Client,
        key: Callable[[str], str],
        window_s: int,
    ) -> None:
        self._client = client
        self._key = key
        self._window_s = window_s

    def too_many(self, address: str) -> bool:
        """Whether the address has to wait. Raises ``StoreUnavailable``."""
        return self.counted(address) >= MOST

    def counted(self, address: str) -> int:
        """How many guesses of the window there were. Raises ``StoreUnavailable``."""
        return int(self._client.get(self._key(address)) or 0)

    def claim(self, address: str) -> bool:
        """Count a guess before it is checked; False where the address has to wait.

        So a hundred guesses at once count as a hundred. Raises ``StoreUnavailable``.
        """
        return self.note(address) <= MOST

    def note(self, address: str) -> int:
        """Count a guess; gives which one of the window it is. Raises ``StoreUnavailable``."""
        return self._count(address, 1)

    def clear(self, address: str) -> None:
        """Forget the guesses of an address. Raises ``StoreUnavailable``."""
        self._client.delete(self._key(address))

    def forgive(self, address: str) -> None:
        """Take back a claim, since the guess was right. Raises ``StoreUnavailable``."""
        self._count(address, -1)

    def _count(self, address: str, step: int) -> int:
        key = self._key(address)
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(key, 0, ex=self._window_s, nx=True)
            pipeline.incrby(key, step)
            return int(pipeline.execute()[1])
