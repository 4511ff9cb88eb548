"""Leases: which of several processes does what only one may do, by Redis's clock."""

from __future__ import annotations

from smsgate.store.redis_types import Client


def hold_lease(client: Client, key: str, name: str, lasts_ms: int) -> bool:
    """Whether the process ``name`` holds the lease; takes or prolongs it if it may.

    Raises ``StoreUnavailable``.
    """
    holder = client.get(key)
    if holder is None:
        return bool(client.set(key, name, nx=True, px=lasts_ms))
    return holder == name.encode() and client.pexpire(key, lasts_ms)


def release_lease(client: Client, key: str, name: str) -> None:
    """Give up the lease, so that no other process waits for its end. Raises as ``hold_lease``."""
    if client.get(key) == name.encode():
        client.delete(key)
