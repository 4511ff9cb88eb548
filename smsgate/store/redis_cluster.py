"""A client of a cluster that connects on first use."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException

from smsgate.store.connection import translated


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
        """A method of the ``RedisCluster``; it raises as one of a ``Client`` does."""

        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401
            with translated():
                return getattr(self.connected(), name)(*args, **options)

        return call

    def connected(self) -> RedisCluster:
        """The client, with its nodes and slots known. Raises ``RedisError``."""
        with self._lock:
            if self._client is None:
                # Neither class has types.
                nodes: list[Any] = [cast("Any", ClusterNode)(*host) for host in self._hosts]
                try:
                    self._client = RedisCluster(startup_nodes=nodes, **self._options)
                except RedisClusterException as error:  # which is no RedisError
                    raise redis.ConnectionError(str(error)) from error
            return self._client

    def by_server(self, keys: Sequence[str]) -> list[tuple[redis.Redis, list[int]]]:
        """As of a ``Client``. Raises ``RedisError``.

        redis-py's own pipeline of a cluster refuses ``EVALSHA``, and its ``WAIT`` would go to any
        server.
        """
        client: Any = self.connected()
        places: dict[ClusterNode, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            places[client.get_node_from_key(key)].append(place)
        return [(client.get_redis_connection(node), its) for node, its in places.items()]

    def learn_slots(self) -> None:
        """Ask the cluster anew which server has which keys. Raises ``RedisError``."""
        self.connected().nodes_manager.initialize()

    def infos(self, section: str) -> list[dict[str, Any]]:
        """As of a ``Client``. Raises ``StoreUnavailable``."""
        with translated():
            asked = self.connected().info(section, target_nodes=RedisCluster.PRIMARIES)
            return list(asked.values())
