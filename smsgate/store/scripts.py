"""Running the Lua scripts of ``lua/``."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1
from importlib import resources
from typing import TypeAlias

from redis.exceptions import NoScriptError, RedisError

from smsgate.domain.errors import StoreUnavailable
from smsgate.store.connection import answer, round_trip
from smsgate.store.redis_client import Cluster
from smsgate.store.redis_errors import translated, unavailable
from smsgate.store.redis_types import Client, Command, Connection, Result

Call: TypeAlias = tuple[Sequence[str], Sequence[str | bytes | int]]
"""Keys and arguments of a script."""
WINDOW = 4
"""Calls that are sent together while the answers of those before are on their way."""


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
        for result in results:
            if isinstance(result, StoreUnavailable):
                raise result
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
        """Run a script that only reads many times; results in order, as they come.

        The next calls are made and sent while Redis works on those before. Raises
        ``StoreUnavailable`` for the first error.
        """
        calls = iter(calls)
        first = list(itertools.islice(calls, WINDOW))
        yield from self.many(first)  # loads the script, too
        if len(first) < WINDOW:
            return
        if isinstance(self._client, Cluster):
            while window := list(itertools.islice(calls, WINDOW)):
                yield from self.many(window)
            return
        with translated():
            yield from self._streamed(calls)

    def _streamed(self, calls: Iterator[Call]) -> Iterator[Result]:
        pool = self._client.connection_pool
        connection = pool.get_connection()
        waiting: deque[int] = deque()
        try:
            while window := list(itertools.islice(calls, WINDOW)):
                connection.send_packed_command(
                    connection.pack_commands([self._text.command(call) for call in window])
                )
                waiting.append(len(window))
                if len(waiting) > 1:
                    yield from _answers(connection, waiting.popleft())
            while waiting:
                yield from _answers(connection, waiting.popleft())
        except BaseException:
            connection.disconnect()  # answers that nobody read must not meet the next caller
            raise
        finally:
            pool.release(connection)

    def _pipelined(self, calls: Sequence[Call], confirmation: Command | None) -> list[Result]:
        commands = [self._text.command(call) for call in calls]
        return round_trip(self._client, commands, [keys[0] for keys, _ in calls], confirmation)


def _answers(connection: Connection, count: int) -> Iterator[Result]:
    for _ in range(count):
        result = answer(connection)
        if isinstance(result, RedisError):
            raise result
        yield result


def _source(name: str) -> bytes:
    """``lua/<name>.lua`` with the prelude behind its first line, which has to stay the first."""
    folder = resources.files(__package__).joinpath("lua")
    first, _, rest = folder.joinpath(f"{name}.lua").read_bytes().partition(b"\n")
    return b"\n".join((first, folder.joinpath("prelude.lua").read_bytes(), rest))
