"""How far smsgate and the opt-out lists of providers were compared, by account.

``smsgate:opt-out-list:ACCOUNT`` holds a string (JSON), ``…:lease`` the process that is at work, and
``…:0`` to ``…:1023`` sets of the list's numbers while it is read. The last two expire. A flushed
store forgets all of it: then every opt-out is told to the provider again, which changes nothing
there, and the list is read from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from smsgate.domain.phone import digits
from smsgate.metrics.snapshot import OptOutListState
from smsgate.store.connection import pipelined
from smsgate.store.leases import Leases
from smsgate.store.redis_types import Client

LEASE_S = 60
"""How long the lease of an account's list lasts; a call takes at most 13 s."""
BUCKETS = 1024
"""Sets that the numbers of a list are split into while it is read: up to 512 in each, Redis keeps
them at 8 bytes a number (see ``keys.py``)."""
_LISTED_TTL_S = 2 * 24 * 3600
MAX_REFUSALS = 20
"""Different reasons of refusals that are kept."""


_decode = msgspec.json.Decoder(OptOutListState).decode


class OptOutLists:
    """One value for each account, and the numbers of a list while it is read.

    Everything raises ``StoreUnavailable``.
    """

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

    def add_listed(self, account: str, numbers: Iterable[str]) -> None:
        """Note numbers (E.164) that are on the list."""
        members = [digits(number) for number in numbers]
        if not members:
            return
        with pipelined(self._client) as pipeline:
            for member in members:
                key = _bucket(account, member)
                pipeline.sadd(key, member)
                pipeline.expire(key, _LISTED_TTL_S)
            pipeline.execute()

    def count_unlisted(self, account: str, numbers: Sequence[str]) -> int:
        """How many of the numbers are not among those that were noted."""
        if not numbers:
            return 0
        with pipelined(self._client) as pipeline:
            for number in numbers:
                member = digits(number)
                pipeline.sismember(_bucket(account, member), member)
            return sum(not found for found in pipeline.execute())

    def clear_listed(self, account: str) -> None:
        """Forget the numbers that were noted."""
        with pipelined(self._client) as pipeline:
            for bucket in range(BUCKETS):
                pipeline.delete(_bucket(account, bucket))
            pipeline.execute()


def _key(account: str, part: str = "") -> str:
    return f"smsgate:opt-out-list:{account}{part}"


def _bucket(account: str, member: int) -> str:
    return _key(account, f":{member % BUCKETS}")
