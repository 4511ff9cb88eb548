"""How far smsgate and the opt-out lists of providers were compared, by account.

``smsgate:opt-out-list:ACCOUNT`` holds a string (JSON), ``…:lease`` the process that is at work. A
flushed store forgets both: then every opt-out is told to the provider again, which changes nothing
there, and the list is read from its beginning.
"""

from __future__ import annotations

import msgspec

from smsgate.metrics.snapshot import OptOutListState
from smsgate.store.connection import Client
from smsgate.store.processes import Leases

LEASE_S = 60
"""How long the lease of an account's list lasts; a call takes at most 13 s."""
MAX_REFUSALS = 20
"""Different reasons of refusals that are kept."""


_decode = msgspec.json.Decoder(OptOutListState).decode


class OptOutLists:
    """One value for each account. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._leases = Leases(client)

    def leads(self, account: str, name: str) -> bool:
        """Whether the process of that name has the lease; takes or prolongs it if it may."""
        return self._leases.hold(_key(account, ":lease"), name, LEASE_S * 1000)

    def release(self, account: str, name: str) -> None:
        """Give up the lease, so that another process need not wait for its end."""
        self._leases.release(_key(account, ":lease"), name)

    def read(self, account: str) -> OptOutListState | None:
        """What is remembered; None if nothing is, because the clock never began."""
        found = self._client.get(_key(account))
        return None if found is None else _decode(found)

    def write(self, account: str, state: OptOutListState) -> None:
        """Remember it. Only the holder of the lease may."""
        self._client.set(_key(account), msgspec.json.encode(state))


def _key(account: str, part: str = "") -> str:
    return f"smsgate:opt-out-list:{account}{part}"
