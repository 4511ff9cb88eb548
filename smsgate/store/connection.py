"""Connections to Redis: round trips on one server or a cluster, and its errors as ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import (
    ConnectionError,  # noqa: A004 - Redis's own, which is no OSError
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from smsgate.store import redis_address
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys
from smsgate.store.redis_client import Cluster
from smsgate.store.redis_errors import unavailable
from smsgate.store.redis_types import Client, Command, Connection, ConnectionPool, Pipeline, Result

TIMEOUT_S = 2.0
"""How long one round trip may take. Providers wait between 2 and 15 seconds for an answer."""
TRUST_S = 5.0
"""How long an answer about replicas or the eviction policy is believed."""
_WAIT: Command = ("WAIT", 1, 500)
"""One replica, milliseconds."""


class Replicas:
    """Asks Redis whether it has any.

    A primary that dies takes with it what its replicas do not have yet. So where there are some,
    the inbox waits for one of them, half a second at most; what none has by then is not
    acknowledged.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._asked_at = -TRUST_S
        self._every_primary = False

    def confirmation(self) -> Command | None:
        """What has to be answered with 1 or more before a write counts, if anything has to.

        Asked at most every five seconds, since it costs a round trip of its own. Raises
        ``StoreUnavailable``.
        """
        with self._lock:
            if time.monotonic() - self._asked_at >= TRUST_S:
                infos = infos_of(self._client, "replication")
                counts = [int(one.get("connected_slaves", 0)) for one in infos]
                self._every_primary = all(counts)
                self._asked_at = time.monotonic()
        return _WAIT if self._every_primary else None


def infos_of(client: Client, section: str) -> list[dict[str, Any]]:
    """What each server with partitions says of itself."""
    if isinstance(client, Cluster):
        return list(client.info(section, target_nodes=RedisCluster.PRIMARIES).values())
    return [client.info(section)]


def open_redis(url: str, timeout_s: float = TIMEOUT_S) -> Client:
    """A client for the URL. Connects on first use."""
    return redis_address.open_redis(url, timeout_s, timeout_s)


def now_us(client: Client) -> int:
    """Redis's clock. Raises ``StoreUnavailable``."""
    seconds, micros = client.time()
    return seconds * 1_000_000 + micros


def of_partitions(client: Client, ask: Callable[[Pipeline, PartitionKeys], object]) -> list[Any]:
    """What Redis gives to the commands that ``ask`` adds for each partition; one round trip.

    Raises ``StoreUnavailable``.
    """
    with client.pipeline(transaction=False) as pipeline:
        for keys in PARTITION_KEYS:
            ask(pipeline, keys)
        return pipeline.execute()


def round_trip(
    client: Client,
    commands: Sequence[Command],
    keys: Sequence[str],
    confirmation: Command | None = None,
) -> list[Result]:
    """Send commands at once and read their answers, errors among them.

    ``keys`` names for each command a key that it touches: it says where in a cluster the command
    belongs. Cheaper than redis-py's pipeline, whose preparations are most of its time: this is the
    one round trip of a webhook. A connection that broke is replaced once.
    ``confirmation`` is sent behind the commands, on each connection: see ``Replicas``.
    Raises ``StoreUnavailable``, also where no replica confirms.
    """

    def send(pool: ConnectionPool, some: Sequence[Command]) -> list[Result]:
        return _confirmed(pool, some, confirmation)

    try:
        if isinstance(client, Cluster):
            return client.round_trip(commands, keys, send)
        try:
            return send(client.connection_pool, commands)
        except ConnectionError:  # it may have broken while it lay in the pool
            return send(client.connection_pool, commands)
    except (RedisError, RedisClusterException) as error:
        raise unavailable(error) from error


def exchange(pool: ConnectionPool, commands: Sequence[Command]) -> list[Result]:
    """Send commands at once on a connection of a pool; their answers, Redis's errors among them.

    Raises ``redis.ConnectionError`` and ``redis.TimeoutError``; nobody knows then which of the
    commands ran.
    """
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        answers = [answer(connection) for _ in commands]
        if any(isinstance(one, ReadOnlyError) for one in answers):
            connection.disconnect()  # no primary any more; the next one asks where the new one is
    except BaseException:
        connection.disconnect()  # answers that nobody read must not meet the next caller
        raise
    finally:
        pool.release(connection)
    return answers


def _confirmed(
    pool: ConnectionPool, commands: Sequence[Command], confirmation: Command | None
) -> list[Result]:
    if confirmation is None:
        return exchange(pool, commands)
    *answers, replicas = exchange(pool, [*commands, confirmation])
    if isinstance(replicas, RedisError):
        raise replicas
    if replicas < 1:
        raise RedisError("no replica has what was written after half a second")
    return answers


def answer(connection: Connection) -> Result:
    """The next answer on a connection, an error of Redis's among them."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
