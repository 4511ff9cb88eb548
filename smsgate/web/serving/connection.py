"""One connection: requests come, one after the other, and are answered in their order.

Whoever is slow has a limit: for a head, for a body, for the time between two requests. A body that
is taken whole may not be longer than whoever reads it will have it.
"""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING, cast

from smsgate.messages import HttpReply
from smsgate.web.serving.exchange import STATUS_LINES, Exchange
from smsgate.web.serving.heads import environ_of
from smsgate.web.serving.parsing import Asked, Parsing

if TYPE_CHECKING:  # exists for type checkers only
    from smsgate.web.serving.process import Process

READ_S = 60.0
"""How long the other side may take before it reads on."""
_LINGER_S = 2.0
"""How long is read on after a last answer, since who still sends would else not see it; and how
long a new connection may be silent where it will be the last."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """Hands requests over when their turn has come, and writes answers."""

    transport: asyncio.Transport
    _parsing: Parsing

    def __init__(self, process: Process) -> None:
        """Nothing has come yet."""
        self._process = process
        self._paused = self._used = self._working = self._heard_all = False
        """Nothing is read; a request was answered; one is being begun; no more will come."""
        self._deadline = math.inf
        """When it is ended unless something happens; on the loop's clock."""
        self.writable = threading.Event()
        self.writable.set()
        self.gone = False

    # --- what the loop says ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self.transport = cast("asyncio.Transport", transport)
        own, peer = (transport.get_extra_info(name) for name in ("sockname", "peername"))
        read_on = self._process.later
        asked = Asked(self._process.application.limit, self._wait, lambda: read_on(self._balance))
        self._parsing = Parsing(environ_of(peer, own), self._process.limits, asked)
        self._exchanges = self._parsing.exchanges
        self._process.connections.add(self)
        self._wait(self._process.limits.head_s)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone; what has not come whole is dropped."""
        del error
        self.gone = True
        self.writable.set()
        self._process.connections.discard(self)
        self._parsing.end()

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._parsing.feed(data)
        if self._parsing.refused:
            self._refuse()
        self._work()
        self._balance()

    def eof_received(self) -> bool:
        """The other side has said all; what it has said wholly is still answered."""
        self._parsing.last = self._heard_all = True
        self._parsing.end()
        return bool(self._exchanges) and self._exchanges[0].ready

    def pause_writing(self) -> None:
        """The other side does not read."""
        self.writable.clear()
        self._balance()

    def resume_writing(self) -> None:
        """It does again."""
        self.writable.set()
        self._balance()

    # --- answers -----------------------------------------------------------------------------

    def reply(self, reply: HttpReply) -> None:
        """Answer the request whose turn it is, at once and wholly."""
        self.write(self._exchanges[0].answer(reply))
        self.end(whole=True)

    def write(self, data: bytes) -> None:
        """Send some bytes, where anybody is there."""
        if data and not self.gone:
            self.transport.write(data)

    def end(self, *, whole: bool) -> None:
        """The answer to the request whose turn it is has ended; the next one has its turn."""
        if self.gone:
            return
        if not whole:
            self.transport.abort()
            return
        exchange = self._exchanges.popleft()
        self._used = True
        if exchange.chunked and not exchange.bodiless:
            self.transport.write(b"0\r\n\r\n")
        if not exchange.keeps or (self._parsing.last and not self._exchanges):
            self._close()
        elif self._exchanges:
            self._work()
        else:
            self._wait(self._process.limits.head_s)
        self._balance()

    def overdue(self, now: float) -> bool:
        """Whether its time is over. Who still reads a last answer has longer."""
        unread = self._parsing.closing and self.transport.get_write_buffer_size() > 0
        return self._deadline + (READ_S if unread else 0.0) < now

    def finish(self) -> None:
        """Take no further request; end once the last one is answered."""
        self._parsing.last = True
        idle = not self._exchanges and self._parsing.head is None
        if idle and self._used:
            self.transport.close()
        elif idle:  # it was made a moment ago, and its first request is on its way
            self._deadline = min(self._deadline, self._process.now() + _LINGER_S)
        for exchange in self._exchanges:
            exchange.keeps = exchange.keeps and exchange is not self._exchanges[-1]

    def _work(self) -> None:
        """Begin with the request whose turn it is; with the next one where that was answered."""
        if self._working:
            return
        self._working = True
        while self._exchanges and not self._exchanges[0].begun:
            exchange = self._exchanges[0]
            if exchange.waits:
                exchange.waits = False
                self.write(_CONTINUE)
            if not exchange.ready:
                break
            exchange.begin()
            self._process.begin(self, exchange)
        self._working = False

    def _wait(self, seconds: float) -> None:
        self._deadline = self._process.now() + seconds

    def _balance(self) -> None:
        """Take no more from a connection than is worked on, and than is read of the answers."""
        if self.gone or self._heard_all:
            return
        wanted = self._parsing.full or not self.writable.is_set()
        if wanted and not self._paused:
            self.transport.pause_reading()
        elif self._paused and not wanted:
            self.transport.resume_reading()
        self._paused = wanted

    def _refuse(self) -> None:
        """What comes cannot be read: say so where no other answer is due, and end."""
        self._parsing.last = True
        self._parsing.end()
        newest: Exchange | None = self._exchanges[-1] if self._exchanges else None
        if newest is not None and newest.stream is None and not newest.whole:
            self._exchanges.pop()
        if not self._exchanges and not self._parsing.closing:
            line = STATUS_LINES[self._parsing.refused]
            self.write(
                f"HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            self._close()

    def _close(self) -> None:
        """End, but read on for a moment: with bytes unread, the answer would be lost."""
        self._parsing.last = self._parsing.closing = True
        self._deadline = self._process.now() + _LINGER_S
        if self._heard_all or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()
