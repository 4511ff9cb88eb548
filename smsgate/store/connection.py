"""Commands that go to Redis together, and running the Lua scripts of ``lua/``."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha1
from importlib import resources
from typing import Any, TypeAlias, cast

import msgspec
import redis
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - Redis's own, which is no OSError
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)

from smsgate.domain.errors import OldStore, StoreUnavailable
from smsgate.store.keys import OLD_METADATA, PARTITION_KEYS, PartitionKeys
from smsgate.store.redis_errors import unavailable
from smsgate.store.redis_types import Client, Command, Pipeline, Result

TRUST_S = 5.0
"""How long an answer about replicas or the eviction policy is believed."""
_NOT_RUN = (type(None), NoScriptError, MovedError, AskError, TryAgainError, ClusterDownError)
"""What a call gave that ran nowhere yet: no answer, or that it is to be made again."""
_WAIT: Command = ("WAIT", 1, 500)
"""One replica, milliseconds."""


class TranslatingRedis(redis.Redis):
    """A client of one server, or of the primary behind Sentinels."""

    is_cluster = False

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """The answer to a command. Raises ``StoreUnavailable``."""
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            raise unavailable(error) from error

    def by_server(self, keys: Mapping[int, str]) -> list[tuple[Client, list[int]]]:
        """The servers that hold the keys, each with the places of its keys."""
        return [(cast("Client", self), list(keys))]

    def learn_slots(self) -> None:
        """Nothing: one server has all keys."""

    def infos(self, section: str) -> list[dict[str, Any]]:
        """What each server with partitions says of itself."""
        return [self.info(section)]


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for every error of Redis or of the connection."""
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        raise unavailable(error) from error


@contextmanager
def pipelined(client: Client) -> Iterator[Pipeline]:
    """Commands that go together; on a cluster, each to its node. Raises ``StoreUnavailable``."""
    with translated(), client.pipeline(transaction=False) as pipeline:
        yield pipeline


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
                counts = [int(one.get("connected_slaves", 0)) for one in infos]
                self._every_primary = all(counts)
                self._asked_at = time.monotonic()
        return _WAIT if self._every_primary else None


def now_us(client: Client) -> int:
    """Redis's clock. Raises ``StoreUnavailable``."""
    seconds, micros = client.time()
    return seconds * 1_000_000 + micros


def of_partitions(client: Client, ask: Callable[[Pipeline, PartitionKeys], object]) -> list[Any]:
    """What Redis gives to the commands that ``ask`` adds for each partition; one round trip.

    Raises ``StoreUnavailable``.
    """
    with pipelined(client) as pipeline:
        for keys in PARTITION_KEYS:
            ask(pipeline, keys)
        return pipeline.execute()


def existing(client: Client, names: Sequence[str]) -> list[int]:
    """The places of the keys that exist; one command where all are on one server and none does.

    Raises ``StoreUnavailable``.
    """
    if not client.is_cluster and not client.exists(*names):
        return []
    with pipelined(client) as pipeline:
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
    if not client.is_cluster:
        found = dict(client.xread(dict.fromkeys(names, "0"), count=1))
        return [place for place, name in enumerate(names) if name.encode() in found]
    with pipelined(client) as pipeline:
        for name in names:
            pipeline.xlen(name)
        return [place for place, length in enumerate(pipeline.execute()) if length]


def _sent(server: Client, commands: Sequence[Command]) -> list[Result]:
    """The answers of one server to commands that are sent at once, Redis's errors among them."""
    if len(commands) == 1:  # a pipeline of one costs twice as much
        answers = [_answer(server, commands[0])]
    else:
        with server.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            answers = pipeline.execute(raise_on_error=False)
    if any(isinstance(one, ReadOnlyError) for one in answers):
        # No primary any more; a new connection asks where the new one is.
        server.connection_pool.disconnect(inuse_connections=False)
    return answers


def _answer(server: Client, command: Command) -> Result:
    try:
        return server.execute_command(*command)
    except ResponseError as error:
        return error
    except StoreUnavailable as error:
        if isinstance(error.__cause__, ResponseError):
            return error.__cause__
        raise


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
        results: list[Result] = [None] * len(calls)
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
                    self._client.script_load(self._text.source)
                else:
                    self._client.learn_slots()
        return [unavailable(one) if isinstance(one, RedisError) else one for one in results]

    def flow(self, calls: Iterable[Call]) -> Iterator[Result]:
        """Run a script that only reads many times, in windows; results in order, as they come.

        Raises ``StoreUnavailable`` for the first error.
        """
        calls = iter(calls)
        while window := list(itertools.islice(calls, WINDOW)):
            yield from self.many(window)

    def _send(
        self,
        calls: Sequence[Call],
        places: Sequence[int],
        results: list[Result],
        confirmation: Command | None,
    ) -> None:
        """Send the calls at these places, each to the server of its first key."""
        behind = [confirmation] if confirmation else []
        for server, its in self._client.by_server({at: calls[at][0][0] for at in places}):
            commands = [self._text.command(calls[at]) for at in its]
            answers = _sent(server, [*commands, *behind])
            if behind:
                replicas = answers.pop()
                if isinstance(replicas, RedisError):
                    raise replicas
                if replicas < 1:
                    raise RedisError("no replica has what was written after half a second")
            for at, one in zip(its, answers, strict=True):
                results[at] = one


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
