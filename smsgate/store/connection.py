"""Clients of Redis as redis-py has them, and the Lua scripts of ``lua/`` run on them.

Each error of theirs becomes ``StoreUnavailable``.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from importlib import resources
from typing import Any, TypeAlias, cast

import msgspec
import redis
from redis.client import Pipeline
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - Redis's own, which is no OSError
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)

from smsgate.domain.errors import OldStore, StoreUnavailable
from smsgate.store.keys import OLD_METADATA, PARTITION_KEYS, PartitionKeys
from smsgate.store.redis_errors import unavailable

TRUST_S = 5.0
"""How long an answer about replicas or the eviction policy is believed."""
StreamRow: TypeAlias = tuple[str, dict[bytes, bytes]]
"""Id and fields of an entry of a stream."""
Command: TypeAlias = Sequence[str | bytes | int]
Call: TypeAlias = tuple[Sequence[str], Sequence[str | bytes | int]]
"""Keys and arguments of a script."""
Result: TypeAlias = Any
"""What a script gave: numbers, bytes and lists of them."""
WINDOW = 16
"""Calls of a script that are sent together."""
_NOT_RUN = (NoScriptError, MovedError, AskError, TryAgainError, ClusterDownError)
"""Answers to a call that ran nowhere, and is to be made again."""
_WAIT: Command = ("WAIT", 1, 500)
"""One replica, milliseconds."""


class Client(redis.Redis):
    """A client of one server, or of the primary behind Sentinels.

    A ``Cluster`` does wherever one is asked for.
    """

    is_cluster = False

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """The answer to a command. Raises ``StoreUnavailable``, and ``NoScriptError``."""
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise
        except RedisError as error:
            leave_replica(self, error)
            raise unavailable(error) from error

    def by_server(self, keys: Sequence[str]) -> list[tuple[redis.Redis, list[int]]]:
        """The servers that hold the keys, each with the places of its keys."""
        return [(self, list(range(len(keys))))]

    def learn_slots(self) -> None:
        """Nothing: one server has all keys."""

    def infos(self, section: str) -> list[dict[str, Any]]:
        """What each server with partitions says of itself."""
        return [self.info(section)]


def leave_replica(server: redis.Redis, answer: object) -> None:
    """Close idle connections after ``READONLY``: a new one asks where the primary is now."""
    if isinstance(answer, ReadOnlyError):
        server.connection_pool.disconnect(inuse_connections=False)


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for every error of Redis or of the connection."""
    try:
        yield
    except NoScriptError:
        raise
    except (RedisError, RedisClusterException) as error:
        raise unavailable(error) from error


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


def stream_rows(rows: object) -> list[StreamRow]:
    """Rows of a stream, as redis-py gives them, with their ids as text."""
    return [(id_.decode(), fields) for id_, fields in cast("list[tuple[bytes, Any]]", rows)]


def hash_rows(rows: object) -> dict[str, bytes]:
    """Fields of a hash, as redis-py gives them, with their names as text."""
    return {name.decode(): value for name, value in cast("dict[bytes, bytes]", rows).items()}


def refuse_old(client: Client) -> None:
    """Raise ``OldStore`` where Redis has a store of smsgate 0.1 or 0.2.

    Raises ``StoreUnavailable``.
    """
    if client.exists(*OLD_METADATA):
        raise OldStore


class Script:
    """One Lua script of this package, run by its hash."""

    def __init__(self, client: Client, name: str) -> None:
        """Read the script of that name; connects on first use."""
        folder = resources.files(__package__).joinpath("lua")
        first, _, rest = folder.joinpath(f"{name}.lua").read_bytes().partition(b"\n")
        # The prelude behind its first line, which has to stay the first.
        self.source = b"\n".join((first, folder.joinpath("prelude.lua").read_bytes(), rest))
        # Redis names scripts by SHA-1; nothing is protected by it.
        self._sha = sha1(self.source, usedforsecurity=False).hexdigest()
        # So that a user of Redis who may only read can run it.
        self.command_name = "EVALSHA_RO" if b"no-writes" in first else "EVALSHA"
        self._client = client

    def _command(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Command:
        return (self.command_name, self._sha, len(keys), *keys, *args)

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Result:
        """Run it; the result is Redis's, with bytes undecoded. Raises ``StoreUnavailable``."""
        return self.many([(keys, args)])[0]

    def many(self, calls: Iterable[Call]) -> list[Result]:
        """Run it several times. Each call is atomic, all together are not.

        Raises ``StoreUnavailable`` for the first error; later calls may have run.
        """
        results: list[Result] = []
        left = iter(calls)
        while window := list(itertools.islice(left, WINDOW)):
            found = self.each(window)
            raise_first(found)
            results += found
        return results

    def each(
        self, calls: Sequence[Call], confirmation: Command | None = None
    ) -> list[Result | StoreUnavailable]:
        """Run it several times in one round trip; of each call its result or its error.

        Raises ``StoreUnavailable`` where the connection broke, or where no replica confirms what
        was written (see ``Replicas``): any of them may have run.
        """
        # A pipeline of one costs twice as much; a cluster would be asked which arguments are keys.
        if len(calls) == 1 and not (confirmation or self._client.is_cluster):
            try:
                return [self._client.execute_command(*self._command(*calls[0]))]
            except NoScriptError:
                self._client.script_load(self.source)
            except StoreUnavailable as error:
                return [error]
        results: list[Result] = [TryAgainError()] * len(calls)
        waiting = list(range(len(calls)))
        with translated():
            for is_last in (False, False, True):
                try:
                    self._send(calls, waiting, results, confirmation)
                except ConnectionError:
                    if is_last or not self._client.is_cluster:
                        raise
                waiting = [at for at in waiting if isinstance(results[at], _NOT_RUN)]
                if not waiting or is_last:
                    break
                if any(isinstance(results[at], NoScriptError) for at in waiting):
                    self._client.script_load(self.source)
                else:
                    self._client.learn_slots()
        return [unavailable(one) if isinstance(one, RedisError) else one for one in results]

    def _send(
        self,
        calls: Sequence[Call],
        places: Sequence[int],
        results: list[Result],
        confirmation: Command | None,
    ) -> None:
        """Send the calls at these places, each to the server of its first key."""
        for server, its in self._client.by_server([calls[at][0][0] for at in places]):
            with server.pipeline(transaction=False) as pipeline:
                run: Any = pipeline.execute_command  # without types
                for at in its:
                    run(*self._command(*calls[places[at]]))
                if confirmation:
                    run(*confirmation)
                answers = pipeline.execute(raise_on_error=False)
            for one in answers:
                leave_replica(server, one)
            if confirmation:
                replicas = answers.pop()
                if isinstance(replicas, RedisError):
                    raise replicas
                if replicas < 1:
                    raise RedisError("no replica has what was written after half a second")
            for at, one in zip(its, answers, strict=True):
                results[places[at]] = one


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
                infos = self._client.infos("replication")
                self._every_primary = all(int(one.get("connected_slaves", 0)) for one in infos)
                self._asked_at = time.monotonic()
        return _WAIT if self._every_primary else None


def json_text(value: msgspec.Struct) -> str:
    """JSON as text: Redis's msgpack reader does not know byte strings."""
    return msgspec.json.encode(value).decode()


def raise_first(results: Iterable[object]) -> None:
    """Raise the first ``StoreUnavailable`` among the results of calls, if any."""
    for one in results:
        if isinstance(one, StoreUnavailable):
            raise one
