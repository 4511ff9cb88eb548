"""From what a WSGI server hands over to a ``WebhookRequest`` as the provider sent it.

A signature covers bytes and the URL that the provider was given. So the body stays as it is,
and the URL is put together from configuration and the raw path and query. A Host header is used
only where no public URL is configured: it cannot let a forgery in, since whoever invents a host
needs the secret to sign it; but behind a proxy that changes scheme or host, nothing verifies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, ClassVar, TypeVar, overload
from urllib.parse import quote

from smsgate.errors import LengthMissing, TooLarge, Unreadable
from smsgate.messages import WebhookRequest
from smsgate.providers import PROVIDERS, SIGNED_AGAIN
from smsgate.settings import Account
from smsgate.signing import is_form
from smsgate.web.visitors import address_of

BATCH_LIMIT = 1024 * 1024
"""Bytes of a webhook's body where one may hold many messages."""
FORM = "application/x-www-form-urlencoded"
"""What a body is taken for whose type nobody says."""
WEBHOOK_LIMIT = 64 * 1024
"""Bytes of a webhook's body; the largest that any provider documents is a fraction of it."""
_PATH_SAFE = "/!$&'()*+,;=:@~"
"""What stands in a path without an escape (RFC 3986, 3.3)."""

Environ = Mapping[str, Any]
T = TypeVar("T")


def webhook_request(environ: Environ, account: Account | None, trust_proxy: bool) -> WebhookRequest:
    """Return the request as a value. ``account`` is nothing where the URL names none that we have.

    Raises ``TooLarge`` and ``Unreadable`` as ``read_body`` does, and ``LengthMissing``.
    """
    public = account.public_url if account else ""
    origin = public or _own_origin(environ, trust_proxy)
    body = read_body(environ, limit_of(environ, account))
    if body and account is not None and _is_form(environ):
        _check_whole(environ, account)
    return WebhookRequest(
        method=environ["REQUEST_METHOD"],
        url=origin + raw_target(environ),
        headers=Headers(environ),
        body=body,
        address=address_of(environ, trust_proxy),
    )


def limit_of(environ: Environ, account: Account | None) -> int:
    """Bytes that the body of a webhook may have."""
    batches = account is not None and PROVIDERS[account.provider].BATCHES
    return BATCH_LIMIT if batches and not _is_form(environ) else WEBHOOK_LIMIT


def _is_form(environ: Environ) -> bool:
    return is_form(environ.get("CONTENT_TYPE") or FORM)


def _check_whole(environ: Environ, account: Account) -> None:
    """Refuse a form in chunks whose signature, if there is any, may not cover it.

    Some servers give what came of one that broke off as if it were all, and half a form is a form:
    a text would end early, or in the middle of a word. Half of anything else cannot be read.
    """
    if not environ.get("CONTENT_LENGTH") and account.provider not in SIGNED_AGAIN:
        raise LengthMissing("A form has to come with its Content-Length.")


def raw_target(environ: Environ) -> str:
    """Return path and query exactly as they were sent.

    Our server, werkzeug and uWSGI (REQUEST_URI) and Gunicorn (RAW_URI) pass them on. Where a server
    does not, the decoded path is escaped again as clients do, which gives back what was sent unless
    it had needless escapes, and our own paths have none.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not raw:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        query = environ.get("QUERY_STRING", "")
        return quote(path.encode("latin-1"), safe=_PATH_SAFE) + (f"?{query}" if query else "")
    if not raw.startswith("/"):  # A request line may have the whole URL (RFC 9112, 3.2.2).
        raw = "/" + str(raw).partition("://")[2].partition("/")[2]
    return str(raw)


def _own_origin(environ: Environ, trust_proxy: bool) -> str:
    scheme = environ["wsgi.url_scheme"]
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    if trust_proxy:
        scheme = _nearest_hop(environ, "HTTP_X_FORWARDED_PROTO") or scheme
        host = _nearest_hop(environ, "HTTP_X_FORWARDED_HOST") or host
    return f"{scheme}://{host}"


def _nearest_hop(environ: Environ, name: str) -> str:
    """The last value is the one that our own proxy wrote; those before it anyone may have sent."""
    return str(environ.get(name, "")).rpartition(",")[2].strip()


class Headers(Mapping[str, str]):
    """A request's headers by lower-case name, looked up in the WSGI environment when asked for.

    An environment has much besides, so that walking through it for every request would cost more
    than the few lookups.
    """

    __slots__ = ("_environ",)
    _keys: ClassVar[dict[str, str]] = {}
    """Names as the environment has them; only our own code asks, so there are few."""

    def __init__(self, environ: Environ) -> None:
        """Look nothing up yet."""
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        """Return one header; raises ``KeyError`` where it was not sent."""
        return str(self._environ[_key(name)])

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str) -> str: ...
    @overload
    def get(self, name: str, /, default: T) -> str | T: ...
    def get(self, name: str, /, default: Any = None) -> Any:
        """As any mapping's, without an exception for what was not sent: ten calls a request."""
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _key(name)
        return self._environ.get(key, default)

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                yield key.replace("_", "-").lower()

    def __len__(self) -> int:
        """How many headers there are."""
        return sum(1 for _ in self)


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def read_body(environ: Environ, limit: int) -> bytes:
    """Return the body, reading no more than ``limit`` bytes and the one that is too many.

    Raises ``TooLarge`` over the limit, and ``Unreadable`` where less came than was announced.
    Werkzeug's own limit would silently cut a chunked body, and let one pass that broke off.
    """
    announced = _announced(environ)
    if announced is None and not environ.get("wsgi.input_terminated"):
        return b""  # Reading on could wait for ever.
    if announced is not None and announced > limit:
        raise _too_large(limit)
    body = _read(environ["wsgi.input"], limit + 1 if announced is None else announced)
    if len(body) > limit:
        raise _too_large(limit)
    if len(body) < (announced or 0):
        raise Unreadable("The body broke off before its end.")
    return body


def _announced(environ: Environ) -> int | None:
    text = environ.get("CONTENT_LENGTH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Unreadable("Content-Length is no number.")
    return int(text[:18])


def _read(stream: BinaryIO, size: int) -> bytes:
    """Read ``size`` bytes, or fewer where the stream ends; one read may give less than asked."""
    body = stream.read(size)
    while len(body) < size and (more := stream.read(size - len(body))):
        body += more
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is over {limit // 1024} KiB, which is the limit here.")
