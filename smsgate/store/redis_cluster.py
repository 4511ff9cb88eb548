"""A client of a cluster that connects on first use."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException

from smsgate.store.connection import translated
from smsgate.store.redis_types import Client


class Cluster:
    """A ``RedisCluster`` that connects on first use, as the client of one server does."""

    is_cluster = True

    def __init__(self, hosts: Iterable[tuple[str, int]], options: dict[str, Any]) -> None:
        """``hosts`` are some of the nodes, ``options`` those of a ``RedisCluster``."""
        self._hosts = hosts
        self._options = options
        self._lock = threading.Lock()
        self._client: RedisCluster | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a ``RedisCluster`` has
        """A method of the ``RedisCluster``; it raises ``StoreUnavailable``."""

        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401
            with translated():
                return getattr(self.connected(), name)(*args, **options)

        return call

    def connected(self) -> RedisCluster:
        """The client, with its nodes and slots known. Raises ``redis.RedisError``."""
        with self._lock:
            if self._client is None:
                nodes: list[Any] = [
                    ClusterNode(host, port)  # type: ignore[no-untyped-call]
                    for host, port in self._hosts
                ]
                try:
                    self._client = RedisCluster(startup_nodes=nodes, **self._options)
                except RedisClusterException as error:  # which is no RedisError
                    raise redis.ConnectionError(str(error)) from error
            return self._client

    def by_server(self, keys: Mapping[int, str]) -> list[tuple[Client, list[int]]]:
        """The servers that hold the keys, each with the places of its keys.

        redis-py's own pipeline of a cluster refuses ``EVALSHA``, and its ``WAIT`` would go to any
        server. Raises ``redis.RedisError``.
        """
        client = self.connected()
        places: dict[ClusterNode, list[int]] = defaultdict(list)
        for place, key in keys.items():
            places[client.get_node_from_key(key)].append(place)  # type: ignore[no-untyped-call]
        return [
            (cast("Client", client.get_redis_connection(node)), its) for node, its in places.items()
        ]

    def infos(self, section: str) -> list[dict[str, Any]]:
        """What each server with partitions says of itself. Raises ``StoreUnavailable``."""
        with translated():
            asked = self.connected().info(section, target_nodes=RedisCluster.PRIMARIES)
            return list(asked.values())

    def learn_slots(self) -> None:
        """Ask the cluster anew which server has which keys. Raises ``redis.RedisError``."""
        self.connected().nodes_manager.initialize()
