"""Which configuration was applied last."""

from __future__ import annotations

import msgspec

from smsgate.store.connection import translated
from smsgate.store.redis_address import Client
from smsgate.store.shared_keys import APPLIED


class AppliedConfiguration(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``smsgate config apply`` leaves for the processes."""

    id: str
    """Another one each time, so that the same files are read anew too: secrets may have changed."""
    version: str
    """Hash of what the files say; a process whose own files say otherwise keeps what it has."""
    by: str
    at_us: int
    """On the clock of the host that applied it."""
    software: str = ""


_applied = msgspec.json.Decoder(AppliedConfiguration).decode


class Configurations:
    """One value for all processes. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def applied(self) -> AppliedConfiguration | None:
        """What was applied last; nothing in a new store."""
        with translated():
            found = self._client.get(APPLIED)
        return _applied(found) if found else None

    def apply(self, applied: AppliedConfiguration) -> None:
        """Let every process take it."""
        with translated():
            self._client.set(APPLIED, msgspec.json.encode(applied))
