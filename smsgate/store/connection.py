"""Opening Redis, running scripts, and turning Redis's errors into ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from importlib import resources
from typing import Any, TypeAlias

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from smsgate.errors import StoreUnavailable

Client: TypeAlias = Any
"""A ``redis.Redis``. Its own types describe every decoding at once; ours are what we annotate."""
Call: TypeAlias = tuple[Sequence[str], Sequence[str | bytes | int]]
"""Keys and arguments of a script."""
Result: TypeAlias = Any
"""What a script gave: numbers, bytes and lists of them."""

TIMEOUT_S = 2.0
"""How long one round trip may take. Providers wait between 2 and 15 seconds for an answer."""


def open_redis(url: str, timeout_s: float = TIMEOUT_S) -> Client:
    """A client for the URL. Connects on first use.

    A connection that broke while it lay in the pool is replaced once; a time-out is not tried
    again, because the provider is waiting.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for whatever Redis or the way to it says is wrong."""
    try:
        yield
    except RedisError as error:
        raise _error(error) from error


class Script:
    """One Lua script of this package, run by its hash."""

    def __init__(self, client: Client, name: str) -> None:
        """Read the script of that name; Redis is not asked yet."""
        self._client = client
        self._source = _source(name)
        # Redis names scripts by SHA-1; nothing is protected by it.
        self._sha = sha1(self._source, usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Result:
        """Run it; the result is Redis's, with bytes undecoded. Raises ``StoreUnavailable``."""
        return self.many([(keys, args)])[0]

    def many(self, calls: Sequence[Call]) -> list[Result]:
        """Run it several times in one round trip. Each call is atomic, all together are not.

        Raises ``StoreUnavailable`` for the first error: of more than one call only those may
        run so that read.
        """
        with translated():
            try:
                return self._pipelined(calls)
            except NoScriptError:
                self._client.script_load(self._source)
                return self._pipelined(calls)

    def each(self, calls: Sequence[Call]) -> list[Result | StoreUnavailable]:
        """Run it several times in one round trip; of each call its result or its error.

        Raises ``StoreUnavailable`` where the way to Redis broke: any of them may have run.
        """
        with translated():
            results = self._pipelined(calls, raising=False)
            missing = [at for at, one in enumerate(results) if isinstance(one, NoScriptError)]
            if missing:
                self._client.script_load(self._source)
                again = self._pipelined([calls[at] for at in missing], raising=False)
                for at, one in zip(missing, again, strict=True):
                    results[at] = one
        return [_error(one) if isinstance(one, RedisError) else one for one in results]

    def _pipelined(self, calls: Sequence[Call], *, raising: bool = True) -> list[Result]:
        commands = [("EVALSHA", self._sha, len(keys), *keys, *args) for keys, args in calls]
        try:
            results = _round_trip(self._client, commands)
        except redis.ConnectionError:  # it may have broken while it lay in the pool
            results = _round_trip(self._client, commands)
        for result in results if raising else ():
            if isinstance(result, RedisError):
                raise result
        return results


def _round_trip(client: Client, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[Result]:
    """Send commands at once and read their answers, errors among them.

    What redis-py's pipeline does, without what it does besides: that is most of its time, and
    this is the one round trip of a webhook. Raises ``redis.ConnectionError``, ``TimeoutError``.
    """
    pool = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        return [_answer(connection) for _ in commands]
    except BaseException:
        connection.disconnect()  # answers that nobody read must not meet the next caller
        raise
    finally:
        pool.release(connection)


def _answer(connection: Client) -> Result:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _error(error: RedisError) -> StoreUnavailable:
    return StoreUnavailable(f"the store cannot be used: {error}")


def _source(name: str) -> bytes:
    """``lua/<name>.lua`` with the prelude behind its first line, which has to stay the first."""
    folder = resources.files(__package__).joinpath("lua")
    first, _, rest = folder.joinpath(f"{name}.lua").read_bytes().partition(b"\n")
    return b"\n".join((first, folder.joinpath("prelude.lua").read_bytes(), rest))
