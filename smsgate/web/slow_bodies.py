"""Bodies that do not come: their connections are broken, so that their threads are free again.

Granian waits for a body without end, and a thread of the few that a process has waits with it: as
many connections as threads, each with a head and half a body, would stop every webhook. It gives
neither a limit nor the connection. So whoever reads says so here; where a read takes too long,
the kernel is asked which connections had something to say and no answer for as long, and those
are shut down: the read then ends, as with any body that breaks off.

Linux only, since elsewhere the kernel does not tell. Proxies that hand requests on whole (nginx by
default) leave nothing to do here.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import structlog

_log = structlog.get_logger("smsgate.web")
LONGEST_S = 10.0
"""How long a request may be on its way."""
CROWDED_S = 2.0
"""The same while many are waited for at once."""
CROWD = 16
LOOK_S = 0.5
_SLOW_S = 1.0
"""A body that is read for longer makes us look at the connections."""
_OPEN = Path("/proc/self/fd")
# struct tcp_info of <linux/tcp.h>: ms since data was last sent and received; segments with data.
_LAST_SENT, _LAST_RECEIVED, _SEGMENTS = 44, 52, 152
_INFO_BYTES = 160


class SlowBodies:
    """Knows who reads, and breaks what takes too long. Threads share it."""

    def __init__(self) -> None:
        """Nobody reads yet; the thread that looks starts with the first who does."""
        self._reading: dict[int, float] = {}
        self._waiting: dict[int, float] = {}
        """By inode of a connection, since when it has been seen without an answer."""
        self._ports: set[int] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, port: str) -> None:
        """The calling thread begins to read a body that came to a port of ours."""
        self._reading[threading.get_ident()] = time.monotonic()
        if self._thread is None and sys.platform == "linux":
            self._start(int(port))

    def end(self) -> float:
        """The calling thread has read, or given up; for how many seconds it did."""
        return time.monotonic() - self._reading.pop(threading.get_ident())

    def look(self) -> None:
        """Break the connections that have waited for too long, if somebody reads for long."""
        now = time.monotonic()
        slow = sum(now - since > _SLOW_S for since in list(self._reading.values()))
        if not slow:
            self._waiting.clear()
            return
        longest = CROWDED_S if slow > CROWD else LONGEST_S
        before, self._waiting = self._waiting, {}
        with ExitStack() as stack:
            found = [stack.enter_context(one) for one in _connections(self._ports)]
            waiting = [one for one in found if _is_unanswered(one)]
            overdue = self._overdue(waiting, before, now, longest)
            if slow > len(waiting):
                # Some hide: their half came together with a whole request that was answered.
                overdue += [one for one in found if _silent_ms(one) > longest * 1000]
            # No more than there are reads: behind them whole requests may wait for a thread.
            _break(overdue[:slow])

    def _overdue(
        self,
        waiting: Iterable[socket.socket],
        before: dict[int, float],
        now: float,
        longest: float,
    ) -> list[socket.socket]:
        """Those that have waited too long, the longest first."""
        found = []
        for connection in waiting:
            inode = os.fstat(connection.fileno()).st_ino
            since = self._waiting[inode] = before.get(inode, now)
            if now - since + _SLOW_S >= longest:
                found.append((since, -_told(connection)[0], connection))
        return [connection for *_, connection in sorted(found, key=lambda one: one[:2])]

    def _start(self, port: int) -> None:
        with self._lock:
            self._ports.add(port)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bodies", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(LOOK_S)
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the next look must not miss for this one
                _log.error("slow bodies could not be looked for", exc_info=error)


def _connections(ports: set[int]) -> Iterator[socket.socket]:
    """The connections of this process to its ports, each as a copy that is to be closed."""
    seen: set[int] = set()  # a copy may bear a name that was listed
    for name in os.listdir(_OPEN):  # noqa: PTH208 - a name is all that is needed
        with suppress(OSError):  # it ended meanwhile
            known = os.stat(int(name))  # noqa: PTH116 - not a path
            if known.st_ino in seen or not stat.S_ISSOCK(known.st_mode):
                continue
            seen.add(known.st_ino)
            found = socket.socket(fileno=os.dup(int(name)))
            if _is_ours(found, ports):
                yield found
            else:
                found.close()


def _is_ours(found: socket.socket, ports: set[int]) -> bool:
    try:
        return found.type == socket.SOCK_STREAM and _port(found) in ports and _has_peer(found)
    except OSError:
        return False


def _has_peer(found: socket.socket) -> bool:
    """Whether it is a connection, and not where connections are awaited."""
    return bool(found.getpeername())


def _port(found: socket.socket) -> int:
    address = found.getsockname()
    return int(address[1]) if isinstance(address, tuple) else 0


def _is_unanswered(connection: socket.socket) -> bool:
    """Whether something came after we last sent."""
    sent_ms, received_ms, came, went = _told(connection)
    return bool(came and not went) or received_ms < sent_ms


def _silent_ms(connection: socket.socket) -> int:
    """For how long nothing has come or gone."""
    return min(_told(connection)[:2])


def _told(connection: socket.socket) -> tuple[int, int, int, int]:
    """Since when nothing was sent and received, in ms; how many segments came and went."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    if len(info) < _INFO_BYTES:  # an old kernel: nothing is broken off
        return 0, 0, 0, 0
    (sent_ms,) = struct.unpack_from("=I", info, _LAST_SENT)
    (received_ms,) = struct.unpack_from("=I", info, _LAST_RECEIVED)
    return sent_ms, received_ms, *struct.unpack_from("=II", info, _SEGMENTS)


def _break(connections: Iterable[socket.socket]) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


SLOW_BODIES = SlowBodies()
"""Of this process."""
