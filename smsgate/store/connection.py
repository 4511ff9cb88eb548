"""Redis as redis-py has it: a client for a URL, our Lua scripts on it, and its errors as ours.

``redis://``, ``rediss://`` and ``unix://`` are one server. ``redis+sentinel://host:26379,host2:26379/
mymaster`` asks Sentinels where the primary ``mymaster`` is; ``redis+cluster://host:7000,host2:7001``
learns the rest of a cluster from any of the nodes named. ``rediss+…`` is the same over TLS.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha1
from importlib import resources
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import redis
from redis import exceptions as errors
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from smsgate.domain.errors import StoreUnavailable
from smsgate.store.keys import PARTITION_KEYS, PartitionKeys

TIMEOUT_S = 2.0
"""How long one round trip may take. Providers wait between 2 and 15 seconds for an answer."""
WINDOW = 16
"""Calls of a script that are sent together."""
Call: TypeAlias = tuple[Sequence[str], Sequence[str | bytes | int]]
"""Keys and arguments of a script."""
Result: TypeAlias = Any
"""What a script gave: numbers, bytes and lists of them."""
_NOT_RUN = (
    *(errors.NoScriptError, errors.AskError, errors.TryAgainError),  # a MovedError is an AskError
    *(errors.ClusterDownError, errors.ConnectionError),
)
"""Answers to a call that is to be made again."""
_WRITES_REFUSED = {
    "maxmemory": "raise `maxmemory` in redis.conf; a full ledger: bring the records' database back",
    "good replicas": "bring back as many replicas as `min-replicas-to-write` asks for",
    "misconf": "free space on the disk of Redis; its log says what fails",
    "replica": "set REDIS_URL to the primary, or to the Sentinels that know it",
}
"""By a word of the error, in lower case, what mends it."""
_REMEDIES = {
    "authentication": "give user and password in REDIS_URL: `redis://USER:PASSWORD@host`",
    "password": "give the right user and password in REDIS_URL",
    "no permissions": "let its user run that: `ACL SETUSER` at Redis",
    "loading": "wait: Redis still reads its data from disk",
}
"""The same for an error that does not refuse writes."""


def unavailable(error: Exception, what: str = "store") -> StoreUnavailable:
    """Redis's error as ours, on one short line, with what mends it."""
    # redis-py writes whole commands and clients into some.
    problem = str(error).rpartition("caused error: ")[2].partition("<redis.")[0].strip(" :\n")
    line = (problem or type(error).__name__).splitlines()[0][:200]
    for sign, remedy in _WRITES_REFUSED.items():
        if sign in problem.lower():
            return StoreUnavailable(f"Redis refuses writes: {line}", remedy, refuses_writes=True)
    remedies = [remedy for sign, remedy in _REMEDIES.items() if sign in problem.lower()]
    return StoreUnavailable(f"the {what} cannot be used: {line}", *remedies[:1])


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for every error of Redis or of the connection."""
    try:
        yield
    except errors.NoScriptError:
        raise
    except (errors.RedisError, errors.RedisClusterException) as error:
        raise unavailable(error) from error


class Client(redis.Redis):
    """A client of one server, or of the primary behind Sentinels; a ``Cluster`` has all it has."""

    is_cluster = False

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """The answer to a command. Raises ``StoreUnavailable``, and ``NoScriptError``."""
        with translated():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def by_server(self, keys: Sequence[str]) -> dict[redis.Redis, Sequence[int]]:
        """The servers that hold the keys, each with the places of its keys."""
        return {self: range(len(keys))}

    def learn_slots(self) -> None:
        """Nothing: one server has all keys."""

    def infos(self, section: str) -> list[dict[str, Any]]:
        """What each server with partitions says of itself."""
        return [self.info(section)]


class Cluster:
    """A ``RedisCluster`` that connects on first use, and raises as a ``Client`` does."""

    is_cluster = True

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a ``RedisCluster`` has
        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401
            with translated():
                return getattr(self.connected, name)(*args, **options)

        return call

    @cached_property
    def connected(self) -> Any:  # noqa: ANN401 - without types
        """The ``RedisCluster``, with its nodes and slots known."""
        return RedisCluster(**self._options)

    def by_server(self, keys: Sequence[str]) -> dict[redis.Redis, Sequence[int]]:
        """As of a ``Client``: its pipelines have no ``EVALSHA``, and ask any node for ``WAIT``."""
        places: dict[ClusterNode, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            places[self.connected.get_node_from_key(key)].append(place)
        return {self.connected.get_redis_connection(one): its for one, its in places.items()}

    def learn_slots(self) -> None:
        """Ask the cluster anew which server has which keys."""
        self.connected.nodes_manager.initialize()

    def infos(self, section: str) -> list[dict[str, Any]]:
        """As of a ``Client``. Raises ``StoreUnavailable``."""
        return [self.info(section, target_nodes=one) for one in self.get_primaries()]


def open_redis(url: str, timeout_s: float = TIMEOUT_S) -> Client:
    """A client for the URL; connects on first use. ``timeout_s``: to connect, and for an answer.

    A connection that broke while it lay in the pool, or whose server has become a replica, is
    replaced once; a time-out is not tried again, because a provider is waiting.
    """
    retried = (errors.ConnectionError, errors.ReadOnlyError)
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 1, supported_errors=retried),
    }
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    if not kind:
        return cast("Client", Client.from_url(url, **options))
    hosts = [urlsplit(f"//{one}") for one in parts.netloc.rpartition("@")[2].split(",")]
    places = [(one.hostname, one.port or (26379 if kind == "sentinel" else 6379)) for one in hosts]
    options["ssl"] = scheme == "rediss"
    login = {
        "username": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
    }
    if kind == "cluster":
        nodes = [cast("Any", ClusterNode)(*place) for place in places]
        return cast("Client", Cluster({"startup_nodes": nodes, **login, **options}))
    asked = dict(parse_qsl(parts.query))
    theirs = {name: asked.get(f"sentinel_{name}") for name in login}
    name, _, database = parts.path.strip("/").partition("/")
    sentinel = cast("Any", Sentinel)(places, sentinel_kwargs={**options, **theirs})
    primary: Client = sentinel.master_for(
        name or "mymaster", Client, db=int(database or 0), **login, **options
    )
    return primary


class Script:
    """One Lua script of ``lua/``, run by its hash."""

    def __init__(self, client: Client, name: str) -> None:
        folder = resources.files(__package__).joinpath("lua")
        first, _, rest = folder.joinpath(f"{name}.lua").read_bytes().partition(b"\n")
        # The prelude behind its first line, which has to stay the first.
        self.source = b"\n".join((first, folder.joinpath("prelude.lua").read_bytes(), rest))
        # So that a user of Redis who may only read can run it.
        self.command_name = "EVALSHA_RO" if b"no-writes" in first else "EVALSHA"
        # Redis names scripts by SHA-1; nothing is protected by it.
        self._sha = sha1(self.source, usedforsecurity=False).hexdigest()
        self._client = client

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Result:
        """Run it; the result is Redis's, with bytes undecoded. Raises ``StoreUnavailable``."""
        return self.many([(keys, args)])[0]

    def many(self, calls: Iterable[Call], replica_ms: int = 0, raises: bool = True) -> list[Result]:
        """Run it several times, some in one round trip. Each call is atomic, all together are not.

        With ``replica_ms``, a replica of each server must have what was written within that time.
        Raises ``StoreUnavailable`` for the first error; without ``raises`` calls have theirs.
        """
        results: list[Result] = []
        left = iter(calls)
        while window := list(itertools.islice(left, WINDOW)):
            # A pipeline of one costs twice as much; a cluster would be asked which its keys are.
            if len(window) == 1 and not (replica_ms or self._client.is_cluster):
                try:
                    results.append(self._client.execute_command(*self._command(*window[0])))
                    continue
                except errors.NoScriptError:
                    self._client.script_load(self.source)
            with translated():
                found = self._run(window, replica_ms)
                for one in found if raises else ():
                    if isinstance(one, errors.RedisError):
                        raise one
            results += found
        return results

    def _command(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Sequence[object]:
        return (self.command_name, self._sha, len(keys), *keys, *args)

    def _run(self, calls: Sequence[Call], replica_ms: int, attempts: int = 3) -> list[Result]:
        results: dict[int, Result] = {}
        for server, places in self._client.by_server([keys[0] for keys, _ in calls]).items():
            some = [self._command(*calls[at]) for at in places]
            results.update(zip(places, _send(server, some, replica_ms), strict=True))
        not_run = [at for at, one in results.items() if isinstance(one, _NOT_RUN)]
        if not_run and attempts > 1:
            self._client.script_load(self.source)
            self._client.learn_slots()
            again = self._run([calls[at] for at in not_run], replica_ms, attempts - 1)
            results.update(zip(not_run, again, strict=True))
        return [results[at] for at in range(len(calls))]


def _send(server: redis.Redis, commands: Sequence[Sequence[object]], replica_ms: int) -> list[Any]:
    """Send commands to one server; of each the answer, or the error."""
    with server.pipeline(transaction=False) as pipeline:
        run: Any = pipeline.execute_command  # without types
        for command in commands:
            run(*command)
        if replica_ms:
            run("WAIT", 1, replica_ms)
        try:
            answers = pipeline.execute(raise_on_error=False)
        except errors.ConnectionError as error:
            return [error] * len(commands)
    if any(isinstance(one, errors.ReadOnlyError) for one in answers):
        server.connection_pool.disconnect(inuse_connections=False)
    if replica_ms:
        replicas = answers.pop()
        if isinstance(replicas, errors.RedisError):
            raise replicas
        if not replicas:
            raise errors.RedisError(f"no replica has what was written after {replica_ms} ms")
    return answers


@contextmanager
def pipelined(client: Client) -> Iterator[Pipeline]:
    """Commands that go together; on a cluster, each to its node. Raises ``StoreUnavailable``."""
    with translated(), client.pipeline(transaction=False) as pipeline:
        yield pipeline


def of_partitions(client: Client, ask: Callable[[Pipeline, PartitionKeys], object]) -> list[Any]:
    """What Redis gives to the commands that ``ask`` adds for each partition; one round trip.

    Raises ``StoreUnavailable``.
    """
    with pipelined(client) as pipeline:
        for keys in PARTITION_KEYS:
            ask(pipeline, keys)
        return pipeline.execute()


def now_us(client: Client) -> int:
    """Redis's clock. Raises ``StoreUnavailable``."""
    seconds, micros = client.time()
    return seconds * 1_000_000 + micros


def as_text(value: bytes | str | None) -> str:
    """A value of Redis; empty where there is none."""
    return value.decode() if isinstance(value, bytes) else value or ""


def stream_rows(rows: object) -> list[tuple[str, dict[bytes, bytes]]]:
    """Id, as text, and fields of the rows of a stream that redis-py gives."""
    return [(id_.decode(), fields) for id_, fields in cast("list[tuple[bytes, Any]]", rows)]


def hash_rows(rows: object) -> dict[str, bytes]:
    """Fields of a hash, as redis-py gives them, with their names as text."""
    return {name.decode(): value for name, value in cast("dict[bytes, bytes]", rows).items()}


def json_text(value: msgspec.Struct) -> str:
    """JSON as text: Redis's msgpack reader does not know byte strings."""
    return msgspec.json.encode(value).decode()
