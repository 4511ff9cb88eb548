"""One request and its answer, on a connection that may carry several, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO

from smsgate.messages import HttpReply
from smsgate.web.serving.bodies import Body
from smsgate.web.serving.heads import Environ

Headers = Iterable[tuple[str, str]]
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_BODILESS = ("1", "204", "304")
"""How the statuses begin whose answers have no body and no length."""


class Exchange:
    """A request as far as it has come."""

    __slots__ = (
        "begun",
        "bodiless",
        "body",
        "chunked",
        "environ",
        "keeps",
        "length",
        "limit",
        "stream",
        "waits",
        "whole",
    )

    def __init__(self, environ: Environ, limit: int, *, keeps: bool) -> None:
        """``limit``: of the body where it is taken whole; 0 where it is read as it comes."""
        self.environ = environ
        self.limit = limit
        self.keeps = keeps and environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        """Whether the connection may carry another request after it."""
        self.body = b""
        self.length = int(environ.get("CONTENT_LENGTH") or 0)
        self.waits = environ.get("HTTP_EXPECT", "").lower() == "100-continue"
        self.waits = self.waits and not (limit and self.over)
        """Whether its body is only sent when it is asked for."""
        self.stream: Body | None = None
        self.whole = False
        """Whether all of it has come."""
        self.begun = False
        self.bodiless = environ["REQUEST_METHOD"] == "HEAD"
        self.chunked = False

    @property
    def ready(self) -> bool:
        """Whether it can be worked on: it is here, or it will not be read any further."""
        return self.stream is not None or self.whole or self.over

    @property
    def over(self) -> bool:
        """Whether its body is more than anybody reads."""
        return max(self.length, len(self.body)) > self.limit

    def take(self, data: bytes) -> None:
        """A part of the body has come."""
        if self.stream is not None:
            self.stream.feed(data)
        elif not self.over:
            self.body = self.body + data if self.body else data

    def begin(self) -> Environ:
        """From now on it is worked on."""
        self.begun = True
        self.environ["wsgi.input"] = self.stream or BytesIO(self.body)
        return self.environ

    def answer(self, reply: HttpReply) -> bytes:
        """The whole answer, where it is a short one of ours."""
        self.keeps = self.keeps and self.whole
        about = reply.status, reply.content_type, len(reply.body)
        head = _short(*about, tuple(reply.headers.items()) if reply.headers else ())
        end = b"\r\n\r\n" if self.keeps else b"\r\nConnection: close\r\n\r\n"
        return b"%b%b%b%b" % (head, _date_line(), end, b"" if self.bodiless else reply.body)

    def head(self, status: str, headers: Headers, length: int | None) -> bytes:
        """The head of the answer; without a ``length`` the body comes in chunks, or to the end."""
        self.keeps = self.keeps and self.whole
        lines = [f"HTTP/1.1 {status}", *[f"{name}: {value}" for name, value in headers]]
        if status.startswith(_BODILESS):
            self.bodiless = True
        elif length is not None:
            lines.append(f"Content-Length: {length}")
        elif self.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            self.keeps = False
        else:
            self.chunked = True
            lines.append("Transfer-Encoding: chunked")
        if not self.keeps:
            lines.append("Connection: close")
        return _sound(lines) + _date_line() + b"\r\n\r\n"

    def piece(self, data: bytes) -> bytes:
        """A part of the answer's body as it goes over the connection."""
        if self.bodiless or not data:
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data


@lru_cache(maxsize=64)
def _short(
    status: int, content_type: str, length: int, headers: tuple[tuple[str, str], ...]
) -> bytes:
    """The head of a short answer; there are few of them."""
    lines = [f"HTTP/1.1 {STATUS_LINES[status]}", f"Content-Type: {content_type}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if not str(status).startswith(_BODILESS):
        lines.append(f"Content-Length: {length}")
    return _sound(lines)


def _sound(lines: Sequence[str]) -> bytes:
    """Lines of a head, each with its end."""
    head = "".join([f"{line}\r\n" for line in lines])
    if head.count("\n") != len(lines) or head.count("\r") != len(lines):
        raise ValueError("a header of the answer has a line break")
    return head.encode("latin-1")


_written: tuple[int, bytes] = (0, b"")


def _date_line() -> bytes:
    """Written once a second; without its end."""
    global _written  # noqa: PLW0603 - one line for all connections
    second = int(time.time())
    if second != _written[0]:
        _written = second, f"Date: {formatdate(second, usegmt=True)}".encode()
    return _written[1]
