"""Signatures: what is signed, the HMAC over it, and a comparison that leaks no time.

Only the standard library, and only functions of their arguments. A scheme that one provider
alone uses stays in that provider's module; what stands here is shared or delicate.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote_to_bytes

Algorithm = Literal["sha1", "sha256"]
Pair = tuple[bytes, bytes]

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def same(given: str | bytes, expected: str | bytes) -> bool:
    """Whether two signatures or secrets are equal; the time does not tell where they differ.

    Any text may be given, non-ASCII too. An empty ``expected`` equals nothing: it stands for a
    secret that was never set.
    """
    wanted = as_bytes(expected)
    return hmac.compare_digest(as_bytes(given), wanted) and bool(wanted)


def as_bytes(text: str | bytes) -> bytes:
    """Return ``text`` in UTF-8; never fails, so that no input can turn a refusal into an error."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def hmac_base64(secret: str, signed: bytes, algorithm: Algorithm) -> str:
    """Return the HMAC of ``signed`` in standard base64. ``secret`` must not be empty."""
    if not secret:
        raise ValueError("An empty secret signs nothing.")
    return base64.b64encode(hmac.digest(as_bytes(secret), signed, algorithm)).decode("ascii")


def form_pairs(raw: bytes) -> list[Pair]:
    """Split ``application/x-www-form-urlencoded`` bytes into decoded names and values, in order.

    The rules are those of the URL standard (url.spec.whatwg.org, urlencoded parsing): ``&``
    separates, blank values stay, a name without ``=`` has a blank value, an escape that is none
    stays as it is. The values stay bytes: a signature covers bytes, whatever they spell.
    """
    pairs = []
    for piece in raw.replace(b"+", b" ").split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((_unescaped(name), _unescaped(value)))
    return pairs


def _unescaped(text: bytes) -> bytes:
    return unquote_to_bytes(text) if b"%" in text else text


def sorted_form(pairs: Iterable[Pair]) -> bytes:
    """Return the part of a form that Twilio's scheme signs.

    Every name and value without separators, names in byte order, repeated values sorted and
    only once (twilio.com/docs/usage/security). The order of UTF-8 bytes is that of code points,
    so that sorting bytes gives what Twilio's libraries get from sorting text.
    """
    return b"".join([name + value for name, value in sorted(set(pairs))])


def twilio_signature(url: str, form: bytes, secret: str, algorithm: Algorithm) -> str:
    """Return the value of ``X-Twilio-Signature`` for a URL and what ``sorted_form`` made of a form.

    ``form`` is empty for GET, where the URL has it all, and for bodies that are no form.
    """
    return hmac_base64(secret, as_bytes(url) + form, algorithm)


def url_spellings(url: str) -> tuple[str, ...]:
    """Return the URLs that a provider may have signed when it called ``url``.

    Twilio is inconsistent about ports: it signs with or without the port, whatever it was given
    (its libraries try both). Its Node library also tries an apostrophe in the query as ``%27``.
    All spellings name the same place, so trying them lets nothing else in.
    """
    scheme, separator, rest = url.partition("://")
    authority, path = _split_authority(rest)
    host = _without_port(authority)
    port = _DEFAULT_PORTS.get(scheme, "")
    other = host if host != authority else authority + port
    spellings = (url, f"{scheme}{separator}{other}{path}")
    if "'" not in path.partition("?")[2]:
        return spellings
    return (*spellings, *(_escaped_query(spelling) for spelling in spellings))


def _split_authority(rest: str) -> tuple[str, str]:
    """``user@host:1/path?x=/`` as ``user@host:1`` and ``/path?x=/``."""
    ends = [position for position in (rest.find("/"), rest.find("?")) if position >= 0]
    end = min(ends, default=len(rest))
    return rest[:end], rest[end:]


def _without_port(authority: str) -> str:
    """Drop the port, and only the port: user, password and an IPv6 address have colons too."""
    host, colon, port = authority.rpartition(":")
    return host if colon and (port.isascii() and port.isdigit()) else authority


def _escaped_query(url: str) -> str:
    path, mark, query = url.partition("?")
    return path + mark + query.replace("'", "%27")
