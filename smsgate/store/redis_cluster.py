"""A client of a cluster, and round trips over its nodes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self, TypeAlias, cast

import redis
from redis.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    TryAgainError,
)

from smsgate.store.redis_errors import translated
from smsgate.store.redis_types import Client, Command, ConnectionPool, Result

Send: TypeAlias = Callable[[ConnectionPool, Sequence[Command]], list[Result]]
_ELSEWHERE = (type(None), MovedError, AskError, TryAgainError, ClusterDownError)
"""What a command gave that has to go to another node: nothing yet, or that it is there."""
_TRIES = 2
"""How often a cluster's slots are read anew while it moves them, or lost a node."""


class Cluster:
    """A ``RedisCluster`` that connects on first use, as the client of one server does."""

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

    def pipeline(self, transaction: bool) -> _ClusterPipeline:
        """Commands that go together, each to its node."""
        with translated():
            plain = self.connected().pipeline(transaction)  # type: ignore[no-untyped-call]
            return _ClusterPipeline(plain)

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

    def round_trip(
        self, commands: Sequence[Command], keys: Sequence[str], send: Send
    ) -> list[Result]:
        """Send commands to the nodes of their keys; their answers, errors among them.

        While the cluster moves slots, or where it lost a node, its slots are read anew. Raises as
        ``send``, which sends commands to one node.
        """
        results: list[Result] = [None] * len(commands)
        waiting = list(range(len(commands)))
        for again in (*(True,) * _TRIES, False):
            try:
                for pool, places in self._by_node(keys, waiting):
                    answers = send(pool, [commands[at] for at in places])
                    for at, one in zip(places, answers, strict=True):
                        results[at] = one
            except redis.ConnectionError:
                if not again:
                    raise
            waiting = [at for at in waiting if isinstance(results[at], _ELSEWHERE)]
            if not waiting or not again:
                break
            self.connected().nodes_manager.initialize()
        return results

    def _by_node(
        self, keys: Sequence[str], places: Sequence[int]
    ) -> Iterator[tuple[ConnectionPool, list[int]]]:
        client = self.connected()
        nodes: dict[Any, list[int]] = defaultdict(list)
        for at in places:
            node = client.get_node_from_key(keys[at])  # type: ignore[no-untyped-call]
            nodes[node].append(at)
        for node, of_node in nodes.items():
            yield cast("Client", client.get_redis_connection(node)).connection_pool, of_node


class _ClusterPipeline:
    """A ``ClusterPipeline``; ``execute`` raises ``StoreUnavailable``."""

    def __init__(self, pipeline: ClusterPipeline) -> None:
        self._pipeline = pipeline

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a ``ClusterPipeline`` has
        return getattr(self._pipeline, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipeline.reset()  # type: ignore[no-untyped-call]

    def execute(self) -> list[Any]:
        """The answers, in order."""
        with translated():
            return self._pipeline.execute()
