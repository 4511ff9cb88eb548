"""Whether Redis is set up so that what it acknowledges is kept."""

from __future__ import annotations

import ipaddress
import time
from urllib.parse import parse_qs, urlsplit

import redis
from redis.client import Pipeline

from smsgate.domain.errors import StoreNotReady, StoreUnavailable
from smsgate.store.connection import Client, now_us, of_partitions
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys
from smsgate.store.metadata import STATE

TRUST_S = 5.0
"""How long an answer about the eviction policy is believed."""


class Health:
    """Asks Redis about itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._policies = ""
        self._checked_at = -TRUST_S

    def now_us(self) -> int:
        """Redis's clock. Raises ``StoreUnavailable``."""
        return now_us(self._client)

    def signature(self) -> tuple[object, ...]:
        """What is another one where the store may have lost something.

        That is, where it was flushed or shut for a rebuild, where Redis was started anew, and where
        another server has become the primary.
        """

        def ask(pipeline: Pipeline, keys: PartitionKeys) -> object:
            return pipeline.hmget(keys.metadata, *STATE)

        if self._client.is_cluster:
            rows = of_partitions(self._client, ask)
        else:
            rows = [self._client.hmget(PARTITION_KEYS[0].metadata, *STATE)]
        servers = sorted(str(one.get("run_id")) for one in self._client.infos("server"))
        return (*(tuple(row) for row in rows), *servers)

    def refuse_eviction(self) -> None:
        """Raise ``StoreNotReady`` where Redis may throw suppressions away to make room.

        Asked again after five seconds, since it costs a round trip of its own; without a lock,
        behind which threads would wait one after another for a Redis that hangs.
        """
        if time.monotonic() - self._checked_at >= TRUST_S:
            infos = self._client.infos("memory")
            self._policies = ", ".join(
                sorted({str(one.get("maxmemory_policy", "")) for one in infos})
            )
            self._checked_at = time.monotonic()
        if self._policies != "noeviction":
            raise StoreNotReady(
                f"Redis has maxmemory-policy {self._policies}, so it may drop suppressions; "
                "set it to noeviction"
            )

    def weaknesses(self) -> list[str]:
        """What of Redis's settings could lose acknowledged writes; each a sentence."""
        persistence = self._client.infos("persistence")
        memory = self._client.infos("memory")
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
        except StoreUnavailable as error:
            if isinstance(error.__cause__, redis.ResponseError):
                return ""
            raise


def exposures(url: str) -> list[str]:
    """What lets others than smsgate at a Redis on another host; each a sentence without secrets."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    hosts = [urlsplit(f"//{place}").hostname for place in places.split(",")]
    if parts.scheme == "unix" or all(map(_is_here, hosts)):
        return []
    found = []
    if not (login.partition(":")[2] or parse_qs(parts.query).get("password")):
        found.append("is on another host without a password: anyone who reaches it gets in")
    if not parts.scheme.startswith("rediss"):
        found.append("is on another host without TLS: the network can read the traffic")
    return found


def _is_here(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "127.0.0.1").is_loopback
    except ValueError:
        return host == "localhost"
