"""A connection that redis-py made and logged in, without redis-py between us and its socket.

Each round trip, redis-py looks whether the connection is well, waits for the socket before it
reads, and hands every answer through several layers. That is two thirds of what the one round
trip of a webhook costs us, and each wait lets another thread take the interpreter. So
connections are kept here, each with a reader of its own.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import hiredis
from redis import exceptions

from smsgate.store.redis_address import Client

_CHUNK = 65536
_KNOWN: tuple[tuple[str, type[exceptions.ResponseError]], ...] = (
    ("NOSCRIPT", exceptions.NoScriptError),
    ("MOVED", exceptions.MovedError),
    ("ASK", exceptions.AskError),
    ("TRYAGAIN", exceptions.TryAgainError),
    ("CLUSTERDOWN", exceptions.ClusterDownError),
    ("READONLY", exceptions.ReadOnlyError),
)
Command: TypeAlias = Sequence[str | bytes | int]

_idle: WeakKeyDictionary[Client, deque[Wire]] = WeakKeyDictionary()
"""By pool. A fork must not talk on its parent's connections."""
os.register_at_fork(after_in_child=_idle.clear)


def exchange(pool: Client, commands: Sequence[Command]) -> list[Any]:
    """Send commands at once; their answers, errors of Redis's among them.

    Raises ``redis.ConnectionError`` and ``redis.TimeoutError``; nobody knows then which of the
    commands ran.
    """
    wires = _idle.get(pool)
    if wires is None:
        wires = _idle.setdefault(pool, deque())
    try:
        wire = wires.pop()
    except IndexError:
        wire = Wire(pool)
    try:
        answers = wire.exchange(commands)
    except BaseException:
        wire.close()  # answers that nobody read must not meet the next caller
        raise
    if any(isinstance(one, exceptions.ReadOnlyError) for one in answers):
        wire.close()  # a primary that is none any more; the next one asks where the new one is
    else:
        wires.append(wire)
    return answers


class Wire:
    """One connection; for one caller at a time."""

    def __init__(self, pool: Client) -> None:
        """Take a connection of the pool. Raises ``redis.RedisError`` where there is none."""
        self._pool = pool
        self._connection = pool.get_connection()
        self._socket = self._connection._sock  # noqa: SLF001 - there is no other way to it
        self._reader = hiredis.Reader(replyError=_error)
        timeout_s = self._connection.socket_timeout
        if type(self._socket) is socket.socket and timeout_s:
            _wait_in_kernel(self._socket, timeout_s)

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands and read their answers."""
        try:
            self._socket.sendall(b"".join([_packed(one) for one in commands]))
            return [self._answer() for _ in commands]
        except (BlockingIOError, TimeoutError) as error:
            raise exceptions.TimeoutError("Redis did not answer in time") from error
        except (OSError, hiredis.HiredisError) as error:
            raise exceptions.ConnectionError(f"the connection broke: {error}") from error

    def close(self) -> None:
        """Break the connection; the pool makes a new one from it when it needs one."""
        with suppress(exceptions.RedisError, OSError):
            self._connection.disconnect()
            self._pool.release(self._connection)

    def _answer(self) -> Any:  # noqa: ANN401 - whatever Redis answers
        while True:
            answer = self._reader.gets()
            if answer is False:
                data = self._socket.recv(_CHUNK)
                if not data:
                    raise exceptions.ConnectionError("Redis closed the connection")
                self._reader.feed(data)
            elif not isinstance(answer, hiredis.PushNotification):
                return answer


def _wait_in_kernel(sock: socket.socket, timeout_s: float) -> None:
    """Let the system keep the time: Python's own asks before each read whether there is anything.

    A socket with TLS keeps Python's.
    """
    seconds = int(timeout_s)
    value = struct.pack("@ll", seconds, int((timeout_s - seconds) * 1_000_000))
    sock.setblocking(True)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def _error(message: str) -> exceptions.ResponseError:
    """Redis's answer as redis-py raises it, as far as anybody here tells errors apart."""
    code, _, rest = message.partition(" ")
    for known, kind in _KNOWN:
        if code == known:
            return kind(rest)
    return exceptions.ResponseError(message)


def _packed(command: Command) -> bytes:
    packed: bytes = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # its stub errs
    return packed
