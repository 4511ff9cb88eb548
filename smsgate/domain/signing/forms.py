"""Forms and the URLs that they were posted to, as Twilio and its kin sign them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from smsgate.domain.errors import Unreadable
from smsgate.domain.signing.secrets import Algorithm, as_bytes, hmac_base64, same

Pair = tuple[bytes, bytes]
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@lru_cache(maxsize=64)
def is_form(content_type: str) -> bool:
    """Whether a content type is that of a posted form."""
    return content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def body_hash_fits(url: str, body: bytes) -> bool | None:
    """Whether the one ``bodySHA256`` in a signed URL is that of the body; nothing without one."""
    query = form_pairs(as_bytes(url.partition("?")[2]))
    hashes = [value for name, value in query if name == b"bodySHA256"]
    if not hashes:
        return None
    return len(hashes) == 1 and same(hashes[0], hashlib.sha256(body).hexdigest())


@lru_cache(maxsize=32)
def form_pairs(raw: bytes) -> tuple[Pair, ...]:
    """Split ``application/x-www-form-urlencoded`` bytes into decoded names and values, in order.

    The rules are those of the URL standard (url.spec.whatwg.org, urlencoded parsing): ``&``
    separates, blank values stay, a name without ``=`` has a blank value, an escape that is none
    stays as it is. The values stay bytes: a signature covers bytes, whatever they spell.
    Verifying and reading ask for the same bytes one after the other, so the last are remembered.
    """
    pairs = []
    for piece in raw.replace(b"+", b" ").split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            if b"%" in piece:
                name = unquote_to_bytes(name) if b"%" in name else name
                value = unquote_to_bytes(value) if b"%" in value else value
            pairs.append((name, value))
    return tuple(pairs)


def form_texts(pairs: Sequence[Pair], once: Container[str]) -> dict[str, str]:
    """Return the form as texts, the first value of each name. Raises ``Unreadable``.

    A name in ``once`` must not have two values: where a signature covers repeated values sorted,
    which of them came first proves nothing.
    """
    try:
        fields = {name.decode(): value.decode() for name, value in pairs}
        if len(fields) < len(pairs):
            return _first_of_each(pairs, once)
    except UnicodeDecodeError:
        raise Unreadable("The form has bytes that are no UTF-8.") from None
    return fields


def _first_of_each(pairs: Sequence[Pair], once: Container[str]) -> dict[str, str]:
    """As ``form_texts``, where a name is repeated."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode(), value.decode()
        if fields.setdefault(key, text) != text and key in once:
            raise Unreadable(f"The form has {key} more than once, with different values.")
    return fields


def text_of(raw: bytes) -> str:
    """Read as UTF-8, else as Latin-1, in which every byte is a letter.

    For gateways that may send either: a text that is refused for its letters would be lost.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def sorted_form(pairs: Iterable[Pair]) -> bytes:
    """Return the part of a form that Twilio's scheme signs.

    Every name and value without separators, names in byte order, repeated values sorted and
    only once (twilio.com/docs/usage/security). The order of UTF-8 bytes is that of code points,
    so that sorting bytes gives what Twilio's libraries get from sorting text.
    """
    return b"".join([name + value for name, value in sorted(dict.fromkeys(pairs))])


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
