"""What a WSGI server hands over: to which application, the client's address, the body, a webhook.

A view that acts on part of a body could take "STOP" of "STOP no" for the text. So a hook has Flask
read each body whole before any view runs; the limit is Flask's ``MAX_CONTENT_LENGTH``, or
``request.max_content_length`` of a route.

A signature covers bytes and the URL that the provider was given. So a webhook's body stays as it
is, and its URL is built from the configuration and the raw path and query. The Host header counts
only where no public URL is configured. That lets no forgery in, since a forger needs the secret
anyway; but behind a proxy that changes scheme or host, no signature verifies.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from smsgate.domain.errors import LengthMissing, TooLarge, Unreadable
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import is_form
from smsgate.outbound import is_public
from smsgate.providers import PROVIDERS
from smsgate.providers.calls import FORM
from smsgate.settings import Account, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 64 * 1024
"""The largest webhook that any provider documents is a fraction of it."""
MAX_BATCH_BYTES = 1024 * 1024
"""Where one webhook may hold many messages."""
YEAR_S = 365 * 24 * 3600
_MAX_ADDRESS_LENGTH = 64
"""Characters; anybody may send a header of any length."""
_PATH_SAFE = "/!$&'()*+,;=:@~"
"""What stands in a path without an escape (RFC 3986, 3.3)."""
PROXY = "werkzeug.proxy_fix.orig"
"""In requests that came through a trusted proxy: what was there before werkzeug's ``ProxyFix`` put
in its place what the proxy says. Of each header the last value counts, which our own proxy wrote.
"""
Environ = Mapping[str, Any]


def dispatcher(
    inner: WSGIApplication, others: Mapping[str, Callable[[], WSGIApplication]]
) -> WSGIApplication:
    """A WSGI application before ``inner``: ``others`` give those that answer below a path."""
    lock = threading.Lock()

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        other = others.get(environ["PATH_INFO"].partition("/")[2].partition("/")[0])
        if other is None:
            return inner(environ, start_response)
        with lock:  # made at the first request, for all who ask meanwhile
            app = other()
        return app(environ, start_response)

    return dispatch


def address_of(environ: Environ) -> str:
    """The address that a request came from; of IPv6 the /64, which one household has.

    Empty where clients cannot be told apart: a peer that is not on the public internet is a proxy
    of ours that we are not to trust.
    """
    return _client_address(environ.get("REMOTE_ADDR", "")[:_MAX_ADDRESS_LENGTH], PROXY in environ)


@lru_cache(maxsize=4096)
def _client_address(text: str, is_believed: bool) -> str:
    """Cached: every webhook asks, and reading an address costs as much as verifying a signature."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    if not (is_believed or is_public(str(address))):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def read_bodies_first(app: Flask, streamed: Collection[str] = ()) -> None:
    """Make the application read each body before its view runs, up to ``MAX_CONTENT_LENGTH``.

    ``streamed`` endpoints read a large body themselves, as it comes, and want a Content-Length.
    """
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @app.before_request
    def read_whole_body() -> None:
        environ = request.environ
        if environ.get("HTTP_TRANSFER_ENCODING"):  # one that breaks off looks as if it were whole
            raise LengthMissing("Send the body with its Content-Length, not in chunks.")
        # Without this key Werkzeug compares what comes with the Content-Length.
        environ.pop("wsgi.input_terminated", None)
        if request.endpoint in streamed:
            return
        try:
            request.get_data()
        except RequestEntityTooLarge as error:
            limit = request.max_content_length or MAX_BODY_BYTES
            raise TooLarge(
                f"The body is over {limit // 1024} KiB, which is the limit here."
            ) from error
        except Exception as error:  # servers have their own for what breaks off
            raise Unreadable("The body broke off before its end.") from error


def send_hsts(app: Flask, settings: Settings) -> None:
    """Tell browsers to come by https alone (RFC 6797), where the public URL is https.

    Only for its own host: whether others of the domain have TLS smsgate does not know.
    """
    if not settings.public_url.startswith("https://"):
        return

    @app.after_request
    def add_header(answer: Response) -> Response:
        answer.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        return answer


def webhook_request(environ: Environ, account: Account | None, body: bytes) -> WebhookRequest:
    """Return the request as a value. ``account`` is None where the URL names none that we have."""
    public = account.public_url if account else ""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    origin = public or f"{environ['wsgi.url_scheme']}://{host}"
    return WebhookRequest(
        method=environ["REQUEST_METHOD"],
        url=origin + raw_target(environ),
        headers={
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith(("HTTP_", "CONTENT_"))
        },
        body=body,
        address=address_of(environ),
    )


def max_body_bytes(environ: Environ, account: Account | None) -> int:
    """How long the body of a webhook may be."""
    if account is None or not PROVIDERS[account.provider].batches:
        return MAX_BODY_BYTES
    kind = environ.get("CONTENT_TYPE") or FORM  # of a body that names none
    return MAX_BODY_BYTES if is_form(kind) else MAX_BATCH_BYTES


def raw_target(environ: Environ) -> str:
    """Return path and query exactly as they were sent.

    A trusted proxy says them in ``X-Original-URI``, which has to fit this request, since a client
    may have sent it. Else the decoded path is escaped again as clients do: that gives back what was
    sent, unless it had needless escapes or a lone ``?`` at its end.
    """
    decoded: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    path = decoded.encode("latin-1")  # WSGI has bytes as characters of Latin-1 (PEP 3333)
    query: str = environ.get("QUERY_STRING", "")
    if PROXY in environ:
        target: str = environ.get("HTTP_X_ORIGINAL_URI", "")
        sent_path, _, sent_query = target.partition("?")
        if unquote_to_bytes(sent_path) == path and sent_query == query:
            return target
    return quote(path, safe=_PATH_SAFE) + (f"?{query}" if query else "")
