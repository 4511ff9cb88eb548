"""What a signature covers of a URL: its spellings, and the hash of a body that it names."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import same
from smsgate.providers.calls import FORM

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def url_spellings(url: str) -> tuple[str, ...]:
    """Return the URLs that a provider may have signed when it called ``url``.

    Twilio is inconsistent about ports: it signs with or without the port, whatever it was given
    (its libraries try both). Its Node library also tries an apostrophe in the query as ``%27``.
    All spellings name the same place, so trying them lets nothing else in.
    """
    scheme, separator, rest = url.partition("://")
    slash = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, path = rest[:slash], rest[slash:]
    host = _without_port(authority)
    port = _DEFAULT_PORTS.get(scheme, "")
    other = host if host != authority else authority + port
    spellings = (url, f"{scheme}{separator}{other}{path}")
    if "'" not in path.partition("?")[2]:
        return spellings
    parted = [spelling.partition("?") for spelling in spellings]
    escaped = [start + "?" + query.replace("'", "%27") for start, _, query in parted]
    return (*spellings, *escaped)


def _without_port(authority: str) -> str:
    """Drop the port, and only the port: user, password and an IPv6 address have colons too."""
    host, colon, port = authority.rpartition(":")
    return host if colon and (port.isascii() and port.isdigit()) else authority


def check_body_hash(request: WebhookRequest) -> None:
    """Return if a body that is no form is covered by the hash that the signed URL names.

    Raises ``Unreadable`` where nothing vouches for the body, ``SignatureRefused`` for another one.
    """
    query = parse_qsl(request.query, keep_blank_values=True)
    hashes = [value for name, value in query if name == "bodySHA256"]
    if not hashes:
        raise Unreadable(
            f"The body is not form data ({FORM}) and the URL has no bodySHA256 that covers it, "
            "so that nothing vouches for it."
        )
    if len(hashes) > 1 or not same(hashes[0], hashlib.sha256(request.body).hexdigest()):
        raise SignatureRefused("The body does not have the bodySHA256 that the URL names.")
