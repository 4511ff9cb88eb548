"""From what a WSGI server hands over to a ``WebhookRequest`` as the provider sent it.

A signature covers bytes and the URL that the provider was given. So the body stays as it is,
and the URL is put together from configuration and the raw path and query. A Host header is used
only where no public URL is configured: it cannot let a forgery in, since whoever invents a host
needs the secret to sign it; but behind a proxy that changes scheme or host, nothing verifies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar, overload
from urllib.parse import quote, unquote_to_bytes

from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import is_form
from smsgate.providers import PROVIDERS
from smsgate.settings import Account
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


def webhook_request(
    environ: Environ, account: Account | None, body: bytes, trust_proxy: bool
) -> WebhookRequest:
    """Return the request as a value. ``account`` is none where the URL names none that we have."""
    public = account.public_url if account else ""
    origin = public or _own_origin(environ, trust_proxy)
    return WebhookRequest(
        method=environ["REQUEST_METHOD"],
        url=origin + raw_target(environ, trust_proxy),
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


def raw_target(environ: Environ, trust_proxy: bool) -> str:
    """Return path and query exactly as they were sent.

    Gunicorn (RAW_URI), Werkzeug and uWSGI (REQUEST_URI) pass them on. Of other servers' requests a
    trusted proxy says them in ``X-Original-URI``, which has to fit what the server decoded. Else
    the decoded path is escaped again as clients do: that gives back what was sent, unless it had
    needless escapes or a lone ``?`` at its end.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not raw and trust_proxy:
        raw = _forwarded_target(environ)
    if not raw:
        query = environ.get("QUERY_STRING", "")
        return quote(_path(environ), safe=_PATH_SAFE) + (f"?{query}" if query else "")
    if not raw.startswith("/"):  # A request line may have the whole URL (RFC 9112, 3.2.2).
        raw = "/" + str(raw).partition("://")[2].partition("/")[2]
    return str(raw)


def _forwarded_target(environ: Environ) -> str:
    """What the proxy says, if it fits this request: a client may have sent the header itself."""
    target = str(environ.get("HTTP_X_ORIGINAL_URI", ""))
    path, _, query = target.partition("?")
    fits = unquote_to_bytes(path) == _path(environ) and query == environ.get("QUERY_STRING", "")
    return target if fits else ""


def _path(environ: Environ) -> bytes:
    """The decoded path; WSGI has bytes as characters of Latin-1 (PEP 3333)."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path.encode("latin-1")


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
