"""Whether Redis is set up so that what it acknowledges is kept.

A primary that dies takes with it what its replicas do not have yet. So where there are replicas,
the inbox waits for one of them, half a second at most; what none has by then is not acknowledged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import redis
from redis.cluster import RedisCluster

from smsgate.domain.errors import StoreNotReady
from smsgate.store.connection import now_us, translated
from smsgate.store.redis_address import Cluster
from smsgate.store.redis_types import Client, Command

_TRUST_S = 5.0
"""How long an answer about the eviction policy is believed."""


class EvictionPolicy:
    """Redis's policy for a full memory, as it was read last."""

    def __init__(self) -> None:
        self.checked_at = -_TRUST_S
        self._name = ""

    def is_known(self) -> bool:
        """Whether it was read in the last five seconds."""
        return time.monotonic() - self.checked_at < _TRUST_S

    def learn(self, infos: Iterable[Mapping[str, Any]]) -> None:
        """Take it from each server's ``INFO memory``."""
        self._name = ", ".join(sorted({str(one.get("maxmemory_policy", "")) for one in infos}))
        self.checked_at = time.monotonic()

    def refuse(self) -> None:
        """Raise ``StoreNotReady`` where Redis may throw suppressions away to make room."""
        if self._name != "noeviction":
            raise StoreNotReady(
                f"Redis has maxmemory-policy {self._name}, so it may drop suppressions; "
                "set it to noeviction"
            )


class Health:
    """Asks Redis about itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._eviction = EvictionPolicy()

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` where Redis does not answer."""
        with translated():
            self._client.ping()

    def now_us(self) -> int:
        """Redis's clock. Raises ``StoreUnavailable``."""
        return now_us(self._client)

    def refuse_eviction(self) -> None:
        """Raise ``StoreNotReady`` where Redis may throw suppressions away to make room.

        Asked at most every five seconds, since it costs a round trip of its own.
        """
        with self._lock:
            if not self._eviction.is_known():
                with translated():
                    self._eviction.learn(_infos(self._client, "memory"))
        self._eviction.refuse()

    def weaknesses(self) -> list[str]:
        """What of Redis's settings could lose acknowledged writes; each a sentence."""
        with translated():
            persistence = _infos(self._client, "persistence")
            memory = _infos(self._client, "memory")
        found = []
        if not all(one.get("aof_enabled") for one in persistence):
            found.append("appendonly is off: a restart loses what came after the last snapshot")
        elif self._fsync() not in ("always", ""):
            found.append(f"appendfsync is {self._fsync()}: a crash can lose the last second")
        if any(one.get("maxmemory_policy") != "noeviction" for one in memory):
            found.append("maxmemory-policy is not noeviction: suppressions may be dropped")
        return found

    def _fsync(self) -> str:
        """The fsync policy; empty where a managed Redis does not say."""
        try:
            return str(self._client.config_get("appendfsync").get("appendfsync", ""))
        except redis.ResponseError:
            return ""


_WAIT: Command = ("WAIT", 1, 500)
"""One replica, milliseconds."""


class Replicas:
    """Asks Redis whether it has any."""

    def __init__(self, client: Client) -> None:
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
                with translated():
                    infos = _infos(self._client, "replication")
                counts = [int(one.get("connected_slaves", 0)) for one in infos]
                self._every_primary = all(counts)
                self._asked_at = time.monotonic()
        return _WAIT if self._every_primary else None


def _infos(client: Client, section: str) -> list[dict[str, Any]]:
    """What each server with partitions says of itself."""
    if isinstance(client, Cluster):
        return list(client.info(section, target_nodes=RedisCluster.PRIMARIES).values())
    return [client.info(section)]
