"""Leases: which of several processes does what only one may do, by Redis's clock."""

from __future__ import annotations

from smsgate.store.connection import Client, Script


class Leases:
    """Leases of one client. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._hold = Script(client, "hold_lease")
        self._release = Script(client, "release_lease")

    def hold(self, key: str, name: str, lasts_ms: int) -> bool:
        """Whether the process ``name`` holds the lease; takes or prolongs it if it may."""
        return bool(self._hold([key], [name, lasts_ms]))

    def release(self, key: str, name: str) -> None:
        """Give up the lease, so that no other process waits for its end."""
        self._release([key], [name])
