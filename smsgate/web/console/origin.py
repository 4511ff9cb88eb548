"""How a browser reached the console: by which host, by https or not, or on this very machine.

The ``Host`` header is whatever the client writes, so nothing is let go of because of it alone.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from flask import Flask, Response, request

from smsgate.settings import Settings
from smsgate.web.problems import TEXT
from smsgate.web.wsgi_request import PROXY, Environ

_FORWARDED = re.compile(
    "HTTP_(X_FORWARDED.*|(X_ORIGINAL_)?FORWARDED.*|X_REAL_IP|X_CLIENT_IP|TRUE_CLIENT_IP"
    "|CF_CONNECTING_IP|VIA)"
)
"""Headers by which a proxy says that it stands between us and the browser."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]*)?")
"""A host as a header may have it (RFC 9110, 7.2), with or without its port."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OTHER_HOST = (
    "The console does not answer under this name. Open it at SMSGATE_PUBLIC_URL, or at "
    "http://127.0.0.1 on the machine itself. A proxy must pass on the Host header. Add other names "
    "to [web] hosts in smsgate.toml."
)
_NO_HTTPS = (
    "The console is for https alone, because it handles passwords. Open it by https and set "
    "SMSGATE_PUBLIC_URL to https://…. A proxy that ends TLS must send X-Forwarded-Proto, with "
    "trust_proxy set. On the machine itself, http://127.0.0.1 works."
)
_OTHER_SITE = (
    "Nothing was changed: the browser says that this form was sent by another site. Open the "
    "console at SMSGATE_PUBLIC_URL and send the form from there."
)


class Origin:
    """What the settings say of the way to the console, and what a request says."""

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url)
        self.is_https = public.scheme == "https"
        """Whether browsers are to come by https alone, as the public URL says."""
        self._is_trial = not public.hostname or not (self.is_https or not is_here(public.hostname))
        self._hosts = frozenset(map(_plain, (public.hostname or "", *settings.web.hosts))) - {""}

    def is_local_trial(self, environ: Environ) -> bool:
        """Whether this is a trial on one's own machine, where plain http is allowed.

        Only where the public URL is unset or this machine's by http, and the request came from this
        machine, for this machine, through no proxy that says so.
        """
        return self._is_trial and _is_from_here(environ) and is_here(_host(environ))

    def problem(self, environ: Environ) -> str:
        """Why a request is not answered, as a sentence; empty where it is."""
        host = _host(environ)
        if not self._is_ours(host, environ):
            return _OTHER_HOST
        # Browsers take their own machine for as good as https.
        return "" if is_here(host) or self._came_by_https(environ) else _NO_HTTPS

    def is_from_other_site(self, environ: Environ) -> bool:
        """Whether the browser says that another site than the console made the request.

        By ``Sec-Fetch-Site``; browsers of before 2023 say it by ``Origin`` alone. Without either
        the token of the form has to do, as it has to for every form anyway.
        """
        site, url = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
        if site or not url:
            return site in ("cross-site", "same-site")
        try:
            return not self._is_ours(urlsplit(url).netloc, environ)
        except ValueError:
            return True

    def _is_ours(self, host: str, environ: Environ) -> bool:
        """Whether the console may be opened under a host, given with or without its port."""
        return _plain(host) in self._hosts or (is_here(host) and _is_from_here(environ))

    def _came_by_https(self, environ: Environ) -> bool:
        """As far as it is known; a proxy that is not trusted does not tell, so the URL does."""
        if environ["wsgi.url_scheme"] == "https":
            return True
        is_told = PROXY in environ and environ.get("HTTP_X_FORWARDED_PROTO")
        return self.is_https and not is_told


def register(console: Flask, settings: Settings) -> None:
    """Answer nothing under another host, by plain http, or to another site's form.

    Before everything else.
    """
    origin = Origin(settings)

    @console.before_request
    def check() -> Response | None:
        """Say what would be right as plain text: a page would begin a session."""
        problem = origin.problem(request.environ)
        if problem:
            return Response(f"{problem}\n", 400, content_type=TEXT)
        if request.method not in _SAFE_METHODS and origin.is_from_other_site(request.environ):
            return Response(f"{_OTHER_SITE}\n", 403, content_type=TEXT)
        return None


def is_here(host: str) -> bool:
    """Whether a host, with or without its port, is this very machine by name or address."""
    name = _plain(host)
    try:
        return _is_loopback(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _is_from_here(environ: Environ) -> bool:
    try:
        here = _is_loopback(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return here and not any(map(_FORWARDED.fullmatch, environ))


def _is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _host(environ: Environ) -> str:
    return str(environ.get("HTTP_HOST") or environ["SERVER_NAME"])


def _plain(host: str) -> str:
    """A host without its port, for comparison; empty unless the value is exactly one host."""
    bare = host if host.startswith("[") or host.count(":") < 2 else f"[{host}]"
    found = _HOST.fullmatch(bare)
    return found[1].strip("[]").rstrip(".").lower() if found else ""
