"""How often an address came with an opt-out link that nobody made."""

from __future__ import annotations

from smsgate.redis_address import Client
from smsgate.store.connection import translated
from smsgate.store.keys import guesses_of

WINDOW_S = 60
MOST = 30
"""Wrong links of one address in one window; after that it waits until the window is over."""


class Guesses:
    """One counter for each address, gone a minute after its first wrong link."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def too_many(self, address: str) -> bool:
        """Whether the address has to wait. Raises ``StoreUnavailable``."""
        with translated():
            return int(self._client.get(guesses_of(address)) or 0) >= MOST

    def note(self, address: str) -> None:
        """Count one wrong link. Raises ``StoreUnavailable``."""
        key = guesses_of(address)
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(key, 0, ex=WINDOW_S, nx=True)
            pipeline.incr(key)
            pipeline.execute()
