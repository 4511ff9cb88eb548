"""The sockets of the process ``web``: they spare system calls, and with them changes of thread.

At each system call of a socket Python lets another thread go on, and under load one always waits
to. For a request of a kept connection gunicorn makes eight: it switches the mode of the socket four
times, waits, reads, and sends head and body of the answer one after the other. Here it is two: read
and send. What that saves: docs/decisions/0001-web-server.md.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
import time
from typing import Any

AT_ONCE_S = 0.1
"""How long one call waits for the other side; the longest that ``comes_at_once`` takes."""
STALL_S = 10.0
"""How long one read of a head or a body, or one write of an answer, may wait for the other side."""
_READ_BYTES = 8192
"""What gunicorn reads at once."""
_SO_ATTACH_FILTER = 26
_DROP_SYN = struct.pack(
    "=" + 4 * "HBBI", *(0x30, 0, 0, 13), *(0x45, 0, 1, 2), *(6, 0, 0, 0), *(6, 0, 0, 2**32 - 1)
)
"""Classic BPF: load the flags of the TCP header; with SYN among them drop the packet."""


class Connection(socket.socket):
    """One side of a connection, as gunicorn uses it.

    Which mode it is to have is only noted, until something is read or sent. The first piece of an
    answer, its head, waits for the second; ``flush`` sends it where none came.
    """

    _wanted: float | None = None
    _ahead = b""
    _head = b""
    _answers = False

    def setblocking(self, flag: bool) -> None:
        """Note it."""
        self._wanted = None if flag else 0.0

    def settimeout(self, value: float | None) -> None:
        """Note it."""
        self._wanted = value

    def gettimeout(self) -> float | None:
        """What was noted last."""
        return self._wanted

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Read what came, and wait for it up to ``STALL_S``; ``BlockingIOError`` after that."""
        self._answers = True
        if self._ahead:
            read, self._ahead = self._ahead[:bufsize], self._ahead[bufsize:]
            return read
        self._set_mode()
        until = 0.0
        while True:
            try:
                return super().recv(bufsize, flags)
            except BlockingIOError:
                now = time.monotonic()
                until = until or now + STALL_S - AT_ONCE_S
                if now >= until or self._wanted is not None:
                    raise

    def comes_at_once(self) -> bool:
        """Whether the next request comes, or the other side ends, within ``AT_ONCE_S``."""
        self.setblocking(True)
        self._set_mode()
        try:
            self._ahead = super().recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            pass  # the next read says so
        return True

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401 - whatever is a buffer
        """Send, together with what is held back; the first piece of an answer is held back."""
        if self._answers and not self._head:
            self._answers = False
            self._head = bytes(data)
            return
        data, self._head = self._head + data, b""
        self._set_mode()
        super().sendall(data, flags)

    def flush(self) -> None:
        """Send what is held back."""
        self._answers = False
        if self._head:
            self.sendall(b"")

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:  # noqa: ANN401
        """Send a file, after what is held back."""
        self.flush()
        self._set_mode()
        return super().sendfile(file, offset, count)

    def _set_mode(self) -> None:
        if super().gettimeout() != self._wanted:
            super().settimeout(self._wanted)


class Listener(socket.socket):
    """Listens on a port, and makes a ``Connection`` of each that it accepts."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, and the address of its other side."""
        accepted, address = super().accept()
        return Connection(
            accepted.family, accepted.type, accepted.proto, accepted.detach()
        ), address

    def drop_new_connections(self) -> None:
        """Let the system ignore what would open another one; clients ask again after a second.

        They meet another process then. A connection made between the last ``accept`` and ``close``
        would be reset, with a request on it. Only Linux can do this.
        """
        if sys.platform == "linux":
            program = ctypes.create_string_buffer(_DROP_SYN)
            given = struct.pack("@HP", len(_DROP_SYN) // 8, ctypes.addressof(program))
            self.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, given)


def bound(host: str, port: int) -> Listener:
    """A socket of that port. There may be several: of each process, and of the next deployment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = Listener(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Connections inherit what follows.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Without limits a call would wait for the other side without end.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(AT_ONCE_S))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(STALL_S))
    sock.bind((host, port))
    return sock


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
