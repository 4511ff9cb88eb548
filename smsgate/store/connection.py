"""Round trips to Redis, on one server or a cluster, and running the Lua scripts of ``lua/``."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha1
from importlib import resources
from typing import Any, TypeAlias

import msgspec
import redis.client
from redis.cluster import RedisCluster
from redis.exceptions import (
    ConnectionError,  # noqa: A004 - Redis's own, which is no OSError
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from smsgate.domain.errors import OldStore, StoreUnavailable
from smsgate.store.keys import OLD_METADATA, PARTITION_KEYS, PartitionKeys
from smsgate.store.redis_cluster import Cluster
from smsgate.store.redis_errors import unavailable
from smsgate.store.redis_types import Client, Command, Connection, ConnectionPool, Pipeline, Result

TRUST_S = 5.0
"""How long an answer about replicas or the eviction policy is believed."""
_WAIT: Command = ("WAIT", 1, 500)
"""One replica, milliseconds."""


class TranslatingRedis(redis.Redis):
    """A client of one server, or of the primary behind Sentinels."""

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """The answer to a command. Raises ``StoreUnavailable``."""
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            raise unavailable(error) from error

    def pipeline(
        self, transaction: bool = True, shard_hint: str | None = None
    ) -> redis.client.Pipeline:
        """Commands that go together; ``execute`` raises ``StoreUnavailable``."""
        return _ServerPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


class _ServerPipeline(redis.client.Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            return super().execute(raise_on_error)
        except redis.RedisError as error:
            raise unavailable(error) from error


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
        ``StoreUnavailable``; ``OldStore`` where nothing may be written, whoever has replicas.
        """
        with self._lock:
            if time.monotonic() - self._asked_at >= TRUST_S:
                refuse_old(self._client)
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


def existing(client: Client, names: Sequence[str]) -> list[int]:
    """The places of the keys that exist; one command where all are on one server and none does.

    Raises ``StoreUnavailable``.
    """
    if not isinstance(client, Cluster) and not client.exists(*names):
        return []
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.exists(name)
        return [place for place, found in enumerate(pipeline.execute()) if found]


def refuse_old(client: Client) -> None:
    """Raise ``OldStore`` where Redis has a store of smsgate 0.1 or 0.2.

    Raises ``StoreUnavailable``.
    """
    if existing(client, OLD_METADATA):
        raise OldStore


def streams_with_entries(client: Client, names: Sequence[str]) -> list[int]:
    """The places of the streams that have entries; one command where all are on one server.

    Raises ``StoreUnavailable``.
    """
    if not isinstance(client, Cluster):
        found = dict(client.xread(dict.fromkeys(names, "0"), count=1))
        return [place for place, name in enumerate(names) if name.encode() in found]
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.xlen(name)
        return [place for place, length in enumerate(pipeline.execute()) if length]


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
        answers = [_answer(connection) for _ in commands]
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


def _answer(connection: Connection) -> Result:
    """The next answer on a connection, an error of Redis's among them."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


Call: TypeAlias = tuple[Sequence[str], Sequence[str | bytes | int]]
"""Keys and arguments of a script."""
WINDOW = 16
"""Calls of a script that only reads that are sent together."""


class ScriptText:
    """A Lua script of this package, and how it is called by its hash."""

    def __init__(self, name: str) -> None:
        self.source = _source(name)
        # Redis names scripts by SHA-1; nothing is protected by it.
        self.sha = sha1(self.source, usedforsecurity=False).hexdigest()
        # So that a user of Redis who may only read can run it.
        reads_only = b"no-writes" in self.source.partition(b"\n")[0]
        self.command_name = "EVALSHA_RO" if reads_only else "EVALSHA"

    def command(self, call: Call) -> Command:
        """The command that runs it with these keys and arguments."""
        keys, args = call
        return (self.command_name, self.sha, len(keys), *keys, *args)


class Script:
    """One Lua script of this package, run by its hash."""

    def __init__(self, client: Client, name: str) -> None:
        """Read the script of that name; connects on first use."""
        self._client = client
        self._text = ScriptText(name)

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Result:
        """Run it; the result is Redis's, with bytes undecoded. Raises ``StoreUnavailable``."""
        return self.many([(keys, args)])[0]

    def many(self, calls: Sequence[Call]) -> list[Result]:
        """Run it several times in one round trip. Each call is atomic, all together are not.

        Raises ``StoreUnavailable`` for the first error, so only scripts that read may be called
        more than once.
        """
        results = self.each(calls)
        raise_first(results)
        return results

    def each(
        self, calls: Sequence[Call], confirmation: Command | None = None
    ) -> list[Result | StoreUnavailable]:
        """Run it several times in one round trip; of each call its result or its error.

        Raises ``StoreUnavailable`` where the connection broke, or where no replica confirms what
        was written (see ``Replicas``): any of them may have run.
        """
        results = self._pipelined(calls, confirmation)
        missing = [at for at, one in enumerate(results) if isinstance(one, NoScriptError)]
        if missing:
            self._client.script_load(self._text.source)
            again = self._pipelined([calls[at] for at in missing], confirmation)
            for at, one in zip(missing, again, strict=True):
                results[at] = one
        return [unavailable(one) if isinstance(one, RedisError) else one for one in results]

    def flow(self, calls: Iterable[Call]) -> Iterator[Result]:
        """Run a script that only reads many times, in windows; results in order, as they come.

        Raises ``StoreUnavailable`` for the first error.
        """
        calls = iter(calls)
        while window := list(itertools.islice(calls, WINDOW)):
            yield from self.many(window)

    def _pipelined(self, calls: Sequence[Call], confirmation: Command | None) -> list[Result]:
        commands = [self._text.command(call) for call in calls]
        return round_trip(self._client, commands, [keys[0] for keys, _ in calls], confirmation)


def json_text(value: msgspec.Struct) -> str:
    """JSON as text: Redis's msgpack reader does not know byte strings."""
    return msgspec.json.encode(value).decode()


def raise_first(results: Iterable[object]) -> None:
    """Raise ``StoreUnavailable`` for the first error among the results of calls, if any."""
    for one in results:
        if isinstance(one, RedisError):
            raise unavailable(one) from one
        if isinstance(one, StoreUnavailable):
            raise one


def _source(name: str) -> bytes:
    """``lua/<name>.lua`` with the prelude behind its first line, which has to stay the first."""
    folder = resources.files(__package__).joinpath("lua")
    first, _, rest = folder.joinpath(f"{name}.lua").read_bytes().partition(b"\n")
    return b"\n".join((first, folder.joinpath("prelude.lua").read_bytes(), rest))
