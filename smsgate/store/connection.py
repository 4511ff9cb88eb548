"""Connections to Redis: round trips on one server or a cluster, and its errors as ours."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - Redis's own, which is no OSError
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)

from smsgate.domain.errors import StoreUnavailable
from smsgate.store import redis_address
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys
from smsgate.store.redis_address import Cluster, problem_of
from smsgate.store.redis_types import Client, Command, Connection, ConnectionPool, Pipeline, Result

TIMEOUT_S = 2.0
"""How long one round trip may take. Providers wait between 2 and 15 seconds for an answer."""
_CODE = re.compile(r"\b(?:OOM|NOREPLICAS|MISCONF|READONLY)\b")
_ELSEWHERE = (type(None), MovedError, AskError, TryAgainError, ClusterDownError)
"""What a command gave that has to go to another node: nothing yet, or that it is there."""
_TRIES = 2
"""How often a cluster's slots are read anew while it moves them, or lost a node."""


def open_redis(url: str, timeout_s: float = TIMEOUT_S) -> Client:
    """A client for the URL. Connects on first use."""
    return redis_address.open_redis(url, timeout_s, timeout_s)


def now_us(client: Client) -> int:
    """Redis's clock. Raises ``StoreUnavailable``."""
    with translated():
        seconds, micros = client.time()
    return seconds * 1_000_000 + micros


def of_partitions(client: Client, ask: Callable[[Pipeline, PartitionKeys], object]) -> list[Any]:
    """What Redis gives to the commands that ``ask`` adds for each partition; one round trip.

    Raises ``StoreUnavailable``.
    """
    with translated(), client.pipeline(transaction=False) as pipeline:
        for keys in PARTITION_KEYS:
            ask(pipeline, keys)
        return pipeline.execute()


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for every error of Redis or of the connection."""
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        raise unavailable(error) from error


def unavailable(error: RedisError | RedisClusterException) -> StoreUnavailable:
    """Redis's error as ours, with what mends it; where Redis refuses writes, with the reason."""
    for code, why, mend in _WRITES_REFUSED:
        if code in _code(error):
            return StoreUnavailable(f"{REFUSES_WRITES}: {why}", mend)
    said = f"the store cannot be used: {problem_of(error)}"
    for signs, mend in _REMEDIES:
        if any(sign in said.lower() for sign in signs):
            return StoreUnavailable(said, mend)
    return StoreUnavailable(said)


def refused_writes(error: RedisError) -> str:
    """A sentence that Redis refuses writes, and why; empty for any other error."""
    said = str(unavailable(error))
    return said if said.startswith(REFUSES_WRITES) else ""


REFUSES_WRITES = "Redis refuses writes"
"""How the error for that begins."""
_WRITES_REFUSED = (
    (
        "OOM",
        "its memory is full (`maxmemory` is reached, and nothing may be evicted)",
        "raise `maxmemory` in redis.conf; with a full ledger: bring the records' database back",
    ),
    (
        "NOREPLICAS",
        "fewer replicas follow it than `min-replicas-to-write` asks for",
        "bring the replicas back; INFO replication at Redis says which follow",
    ),
    (
        "MISCONF",
        "it cannot write to its disk",
        "make room on the disk of Redis; its log says what fails",
    ),
    (
        "READONLY",
        "it is a replica",
        "set REDIS_URL to the primary, or to the Sentinels that know it",
    ),
)
"""Code of Redis's error, what it means, what mends it."""
_REMEDIES = (
    (
        ("authentication", "username-password", "invalid password"),
        "give user and password in REDIS_URL: `redis://USER:PASSWORD@host`",
    ),
    (("no permissions",), "let its user run that: `ACL SETUSER` at Redis"),
    (("loading",), "wait: Redis still reads its data from disk"),
)
"""Words of an error in lower case, and what mends it."""


def _code(error: Exception) -> str:
    """The code of an error; redis-py takes it off where it knows it, and hides it in pipelines."""
    if isinstance(error, OutOfMemoryError):
        return "OOM"
    if isinstance(error, ReadOnlyError):
        return "READONLY"
    return " ".join(_CODE.findall(str(error)))


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
    Raises ``redis.ConnectionError``, ``TimeoutError``; ``RedisError`` where no replica confirms.
    """
    if isinstance(client, Cluster):
        return _over_cluster(client, commands, keys, confirmation)
    try:
        return _confirmed(client.connection_pool, commands, confirmation)
    except ConnectionError:  # it may have broken while it lay in the pool
        return _confirmed(client.connection_pool, commands, confirmation)


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


def _over_cluster(
    cluster: Cluster,
    commands: Sequence[Command],
    keys: Sequence[str],
    confirmation: Command | None,
) -> list[Result]:
    results: list[Result] = [None] * len(commands)
    waiting = list(range(len(commands)))
    for again in (*(True,) * _TRIES, False):
        try:
            for pool, places in _by_node(cluster, keys, waiting):
                answers = _confirmed(pool, [commands[at] for at in places], confirmation)
                for at, one in zip(places, answers, strict=True):
                    results[at] = one
        except ConnectionError:
            if not again:
                raise
        waiting = [at for at in waiting if isinstance(results[at], _ELSEWHERE)]
        if not waiting or not again:
            break
        cluster.connected().nodes_manager.initialize()
    return results


def _by_node(
    cluster: Cluster, keys: Sequence[str], places: Sequence[int]
) -> Iterator[tuple[ConnectionPool, list[int]]]:
    client = cluster.connected()
    nodes: dict[Any, list[int]] = defaultdict(list)
    for at in places:
        node = client.get_node_from_key(keys[at])  # type: ignore[no-untyped-call]
        nodes[node].append(at)
    for node, of_node in nodes.items():
        yield cast("Client", client.get_redis_connection(node)).connection_pool, of_node


def answer(connection: Connection) -> Result:
    """The next answer on a connection, an error of Redis's among them."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
