"""Bodies of requests: read whole before any view runs, or refused.

A view that acts on part of a body could take "STOP" of "STOP no" for the text. So one hook reads
the body, compares it with its Content-Length, and hands it to the view in memory; the limit is
Flask's ``MAX_CONTENT_LENGTH``, or ``request.max_content_length`` where a route has set it.
"""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from flask import Flask, request
from werkzeug.exceptions import LengthRequired

from smsgate.domain.errors import LengthMissing, TooLarge, Unreadable

if TYPE_CHECKING:  # exists for type checkers only
    from _typeshed.wsgi import WSGIEnvironment

DEFAULT_LIMIT_BYTES = 64 * 1024
_REPORT_BROKEN_CHUNKS = ("gunicorn/",)
"""How ``SERVER_SOFTWARE`` of the servers begins whose ``wsgi.input`` raises where a chunked body
breaks off. Others end it as if it were whole."""


def register(app: Flask, streamed: Collection[str] = ()) -> None:
    """Let the application read each body first.

    Args:
        app: the application; sets its ``MAX_CONTENT_LENGTH``.
        streamed: endpoints that read a large body themselves, as it comes. They get a stream that
            raises ``ClientDisconnected`` where less comes than was announced.
    """
    app.config["MAX_CONTENT_LENGTH"] = DEFAULT_LIMIT_BYTES

    @app.before_request
    def read_whole_body() -> None:
        environ = request.environ
        if not (environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")):
            return
        if request.endpoint in streamed:
            _guard_stream(environ)
        else:
            environ["wsgi.input"] = BytesIO(
                read_body(environ, request.max_content_length or DEFAULT_LIMIT_BYTES)
            )
            environ["wsgi.input_terminated"] = True


def whole_body(environ: WSGIEnvironment) -> bytes:
    """What the hook read; Flask's ``get_data`` gives the same, at twenty times the price."""
    stream = environ["wsgi.input"]
    return stream.getvalue() if isinstance(stream, BytesIO) else b""


def read_body(environ: WSGIEnvironment, limit_bytes: int) -> bytes:
    """Return the whole body.

    Raises ``TooLarge`` over the limit, ``Unreadable`` where the body breaks off or its length is
    unclear, and ``LengthMissing`` where a body without a length could break off unnoticed.
    """
    announced = _announced(environ)
    if announced is None and not _reports_broken_chunks(environ):
        raise LengthMissing("Send the body with its Content-Length, not in chunks.")
    if announced is not None and announced > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        body = _read(environ["wsgi.input"], limit_bytes + 1 if announced is None else announced)
    except Exception as error:
        raise Unreadable("The body broke off before its end.") from error
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    if len(body) < (announced or 0):
        raise Unreadable("The body broke off before its end.")
    return body


def _guard_stream(environ: WSGIEnvironment) -> None:
    """Without ``wsgi.input_terminated`` Werkzeug itself compares with the Content-Length."""
    if _announced(environ) is None:
        raise LengthRequired
    environ.pop("wsgi.input_terminated", None)


def _announced(environ: WSGIEnvironment) -> int | None:
    text = environ.get("CONTENT_LENGTH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Unreadable("Content-Length is no number.")
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise Unreadable("The request has both Content-Length and Transfer-Encoding.")
    return int(text[:18])


def _reports_broken_chunks(environ: WSGIEnvironment) -> bool:
    return str(environ.get("SERVER_SOFTWARE", "")).startswith(_REPORT_BROKEN_CHUNKS)


def _read(stream: BinaryIO, size: int) -> bytes:
    """Read ``size`` bytes, or fewer where the stream ends; one read may give less than asked."""
    body = stream.read(size)
    while len(body) < size and (more := stream.read(size - len(body))):
        body += more
    return body


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"The body is over {limit_bytes // 1024} KiB, which is the limit here.")
