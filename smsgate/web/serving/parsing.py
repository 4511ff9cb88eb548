"""From the bytes of a connection to requests."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import httptools

from smsgate.web.serving.bodies import Body
from smsgate.web.serving.exchange import Exchange
from smsgate.web.serving.heads import Environ, aim, put

MOST_HEADERS = 100
BAD, TOO_LARGE = 400, 431


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes."""

    threads: int
    connections: int
    """More wait until one ends."""
    head_s: float
    """How long a head may take, and how long a connection may idle between two requests."""
    head_bytes: int
    body_s: float
    """How long the body of a webhook may take."""
    end_s: float
    """How long requests in progress may take when the process is told to end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the parser asks its connection."""

    limit: Callable[[Environ], int]
    """How long the body may be that is taken whole; 0 where it is read as it comes."""
    wait: Callable[[float], None]
    """Wait so many seconds for what comes next."""
    read_on: Callable[[], None]
    """More of a body may come; called by the thread that reads it."""


class Parsing:
    """What has come over one connection."""

    def __init__(self, template: Environ, limits: Limits, asked: Asked) -> None:
        """``template``: what all of its requests have in common."""
        self.exchanges: deque[Exchange] = deque()
        """Requests that are not answered yet, the last one of which may still be coming."""
        self.refused = 0
        """The status for what cannot be read; nothing is read any more then."""
        self.last = self.closing = False
        """No further request is taken; and nothing is read any more."""
        self.head: Environ | None = None
        """Of the request that is coming, until its head is whole."""
        self._template = template
        self._limits = limits
        self._asked = asked
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._size = 0
        """Of that head, in bytes."""

    def feed(self, data: bytes) -> None:
        """Something came."""
        if self.closing or self.refused:
            return
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.last = True  # nobody here speaks anything else: it is answered as any request
        except httptools.HttpParserError:
            self.refused = max(self.refused, BAD)
        if self.head is not None and self._size > self._limits.head_bytes:
            self.refused = max(self.refused, TOO_LARGE)

    def end(self) -> None:
        """Nothing more will come; whoever reads a body hears so."""
        if self.exchanges and self.exchanges[-1].stream is not None:
            self.exchanges[-1].stream.end()

    @property
    def full(self) -> bool:
        """Whether more has come than is worked on."""
        newest = self.exchanges[-1].stream if self.exchanges else None
        return len(self.exchanges) > 1 or (newest is not None and newest.full)

    # --- what the parser says --------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self.head, self._target, self._headers = self._template.copy(), b"", []

    def on_url(self, url: bytes) -> None:
        """A part of its target came."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        environ, self.head = self.head, None
        if len(self._headers) > MOST_HEADERS or self._is_long():
            self.refused = TOO_LARGE
        if self.refused or self.closing or environ is None:
            return
        parser = self._parser
        target, method = self._target.decode("latin-1"), parser.get_method().decode("ascii")
        aim(environ, method, target, parser.get_http_version())
        put(environ, self._headers)
        limit = self._asked.limit(environ)
        exchange = Exchange(environ, limit, keeps=parser.should_keep_alive() and not self.last)
        if not limit:
            exchange.stream = Body(self._asked.read_on)
        self.exchanges.append(exchange)
        self._asked.wait(self._limits.body_s if limit else math.inf)

    def on_body(self, data: bytes) -> None:
        """A part of the body came."""
        if not (self.refused or self.closing):
            self.exchanges[-1].take(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.refused or self.closing:
            return
        self._size = 0
        self.exchanges[-1].whole = True
        self.end()
        self._asked.wait(math.inf)

    def _is_long(self) -> bool:
        """Whether the head is too long; the body may have come together with it."""
        most = self._limits.head_bytes
        if self._size <= most:
            return False
        return len(self._target) + sum(len(one) + len(two) for one, two in self._headers) > most
