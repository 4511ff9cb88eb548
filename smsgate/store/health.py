"""Whether Redis is set up so that what it acknowledges is kept."""

from __future__ import annotations

import threading
import time
from typing import Any

import redis
from redis.cluster import RedisCluster

from smsgate.domain.errors import StoreNotReady
from smsgate.store.connection import translated
from smsgate.store.redis_address import Client, Cluster

_TRUST_S = 5.0
"""How long an answer about the eviction policy is believed."""


class Health:
    """Asks Redis about itself."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client
        self._lock = threading.Lock()
        self._checked_at = -_TRUST_S
        self._policy = ""

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` where Redis does not answer."""
        with translated():
            self._client.ping()

    def now_us(self) -> int:
        """Redis's clock. Raises ``StoreUnavailable``."""
        with translated():
            seconds, micros = self._client.time()
        return int(seconds) * 1_000_000 + int(micros)

    def refuse_eviction(self) -> None:
        """Raise ``StoreNotReady`` where Redis may throw suppressions away to make room.

        Asked at most every five seconds, since it costs a round trip of its own.
        """
        with self._lock:
            if time.monotonic() - self._checked_at >= _TRUST_S:
                with translated():
                    policies = {
                        str(one.get("maxmemory_policy", "")) for one in self._infos("memory")
                    }
                self._policy = ", ".join(sorted(policies))
                self._checked_at = time.monotonic()
        if self._policy != "noeviction":
            raise StoreNotReady(
                f"Redis has maxmemory-policy {self._policy}, so it may drop suppressions; "
                "set it to noeviction"
            )

    def weaknesses(self) -> list[str]:
        """What of Redis's settings could lose acknowledged writes; each a sentence."""
        with translated():
            persistence = self._infos("persistence")
            memory = self._infos("memory")
        found = []
        if not all(one.get("aof_enabled") for one in persistence):
            found.append("appendonly is off: a restart loses what came after the last snapshot")
        elif self._fsync() not in ("always", ""):
            found.append(f"appendfsync is {self._fsync()}: a crash can lose the last second")
        if any(one.get("maxmemory_policy") != "noeviction" for one in memory):
            found.append("maxmemory-policy is not noeviction: suppressions may be dropped")
        return found

    def _infos(self, section: str) -> list[dict[str, Any]]:
        """What each server with partitions says of itself."""
        if isinstance(self._client, Cluster):
            found = self._client.info(section, target_nodes=RedisCluster.PRIMARIES)
            return list(found.values())
        return [self._client.info(section)]

    def _fsync(self) -> str:
        """The fsync policy; empty where a managed Redis does not say."""
        try:
            return str(self._client.config_get("appendfsync").get("appendfsync", ""))
        except redis.ResponseError:
            return ""
