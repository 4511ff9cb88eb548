"""Whether what is stored has to reach a replica before it is acknowledged.

A primary that dies takes with it what its replicas do not have yet. So where there are replicas,
the inbox waits for one of them, half a second at most; what none has by then is not acknowledged.
"""

from __future__ import annotations

import threading
import time

from redis.cluster import RedisCluster

from smsgate.store.connection import Command, translated
from smsgate.store.redis_address import Client, Cluster

_TRUST_S = 5.0
"""How long an answer about the replicas is believed."""
_WAIT: Command = ("WAIT", 1, 500)
"""One replica, milliseconds."""


class Replicas:
    """Asks Redis whether it has any."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client
        self._lock = threading.Lock()
        self._asked_at = -_TRUST_S
        self._every_primary = False

    def confirmation(self) -> Command | None:
        """What has to be answered with 1 or more before a write counts, if anything has to.

        Asked at most every five seconds, since it costs a round trip of its own. Raises
        ``StoreUnavailable``.
        """
        with self._lock:
            if time.monotonic() - self._asked_at >= _TRUST_S:
                self._every_primary = all(self._counts())
                self._asked_at = time.monotonic()
        return _WAIT if self._every_primary else None

    def _counts(self) -> list[int]:
        """How many replicas each server with partitions has."""
        with translated():
            if isinstance(self._client, Cluster):
                found = self._client.info("replication", target_nodes=RedisCluster.PRIMARIES)
                return [int(one.get("connected_slaves", 0)) for one in found.values()]
            return [int(self._client.info("replication").get("connected_slaves", 0))]
