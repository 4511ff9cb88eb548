"""Signatures: what is signed, the HMAC over it, and a comparison in constant time.

Only functions of their arguments. A scheme that one provider alone uses stays in that provider's
module; this one has what several share: HMAC, posted forms (as Twilio and its kin sign them),
signed times, JSON Web Tokens, Standard Webhooks, and the schemes of Sinch and of MessageBird.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_to_bytes

from smsgate.domain.errors import SignatureExpired, SignatureRefused, Unreadable

Algorithm = Literal["sha1", "sha256"]


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


def hmac_base64(secret: str | bytes, signed: bytes, algorithm: Algorithm) -> str:
    """Return the HMAC of ``signed`` in standard base64. ``secret`` must not be empty."""
    if not secret:
        raise ValueError("An empty secret signs nothing.")
    made = _keyed(as_bytes(secret), algorithm).copy()
    made.update(signed)
    return base64.b64encode(made.digest()).decode("ascii")


@lru_cache(maxsize=256)
def _keyed(secret: bytes, algorithm: Algorithm) -> hmac.HMAC:
    """Ready for what is to be signed.

    ``hmac.digest`` lets go of the interpreter's lock for each of its three microseconds, and waits
    for it again behind every other thread that wants it.
    """
    return hmac.new(secret, None, algorithm)


def basic_auth(user: str, password: str) -> str:
    """Return the ``Authorization`` header of HTTP Basic (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(as_bytes(f"{user}:{password}")).decode("ascii")


def path_secret(url: str) -> str:
    """Return what may be a secret in ``…/webhooks/<account>/<secret>``: the path's last part."""
    return url.partition("#")[0].partition("?")[0].rpartition("/")[2]


WINDOW_S = 300
"""How old or early a signed time may be, where the provider does not say otherwise."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_us(text: str) -> int | None:
    """Return an ISO 8601 time as us since 1970; None if it is invalid. No offset means UTC."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def iso_time(us: int) -> str:
    """Return us since 1970 as ISO 8601 in UTC, to the ms: ``2026-09-21T13:33:20.000Z``."""
    text = (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds_us(text: str) -> int | None:
    """Return seconds since 1970, in digits, as us; nothing for anything else."""
    return int(text[:15]) * 1_000_000 if text.isascii() and text.isdigit() else None


def check_time(
    signed_us: int, now_us: int, past_s: int = WINDOW_S, future_s: int = WINDOW_S
) -> None:
    """Raise ``SignatureExpired`` where a time that is rightly signed is too old or too early."""
    if not now_us - past_s * 1_000_000 <= signed_us <= now_us + future_s * 1_000_000:
        raise SignatureExpired(
            "The signature is right, but its time is too far from ours; check this host's clock."
        )


_JWT_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def jwt_claims(token: str, secrets: Iterable[str]) -> bytes | None:
    """Return the claims (JSON) of a JSON Web Token that one of ``secrets`` signed, else nothing.

    HS256, HS384 and HS512 (RFC 7518, 3.2) are equally good here; no other algorithm is known, so
    that ``none`` or a public key gets nobody in. Times and claims are for the caller to check.
    """
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    digest = _JWT_DIGESTS.get(_algorithm_of(header), "")
    for secret in secrets:
        if digest and secret:
            code = hmac.digest(as_bytes(secret), as_bytes(signed), digest)
            if same(signature, base64_url(code)):
                return from_base64_url(claims)
    return None


def hs256_token(claims: bytes, secret: str) -> str:
    """Return the JSON Web Token with ``claims`` (JSON), signed by HS256."""
    signed = f"{_HS256_HEADER}.{base64_url(claims)}"
    return f"{signed}.{base64_url(hmac.digest(as_bytes(secret), as_bytes(signed), 'sha256'))}"


def _algorithm_of(header: str) -> str:
    try:
        return str(json.loads(from_base64_url(header) or b"{}")["alg"])
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""


def base64_url(data: bytes) -> str:
    """Return base64 for URLs, without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


_HS256_HEADER = base64_url(b'{"alg":"HS256","typ":"JWT"}')


def from_base64(text: str) -> bytes:
    """Undo standard base64; empty where ``text`` is not the one right spelling of its bytes.

    So that no other text is the same signature.
    """
    try:
        raw = base64.b64decode(as_bytes(text), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw) == as_bytes(text) else b""


def from_base64_url(text: str) -> bytes | None:
    """Undo ``base64_url``; nothing where ``text`` is something else."""
    try:
        return base64.urlsafe_b64decode(as_bytes(text) + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


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
    """Like ``form_texts``, for forms that repeat a name."""
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


SINCH = "x-sinch-webhook-signature"
MESSAGEBIRD = "messagebird-signature"
MESSAGEBIRD_TIME = "messagebird-request-timestamp"


def check_standard_webhook(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now_us: int
) -> None:
    """Verify a request by Standard Webhooks, v1 (HMAC-SHA256); ``secrets`` are ``whsec_…``.

    See standardwebhooks.com, "Verifying webhooks". Signatures of other versions are passed over.
    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    expected = [standard_webhook_signature(id_, timestamp, body, secret) for secret in secrets]
    fits = [same(one, other) for one in given for other in expected]
    signed_us = seconds_us(timestamp)
    if not (id_ and any(fits)) or signed_us is None:
        raise SignatureRefused(
            "No v1 entry of webhook-signature fits webhook-id, webhook-timestamp and the body."
        )
    check_time(signed_us, now_us)


def standard_webhook_signature(id_: str, timestamp: str, body: bytes, secret: str) -> str:
    """Return ``v1,…`` for a request; empty, which fits nothing, where the secret is no base64."""
    encoded = as_bytes(secret.removeprefix("whsec_"))
    try:
        key = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    signed = as_bytes(f"{id_}.{timestamp}.") + body
    return "v1," + hmac_base64(key, signed, "sha256") if key else ""


def standard_webhook_headers(
    id_: str, timestamp: str, body: bytes, secrets: Iterable[str]
) -> dict[str, str]:
    """Return the headers of a JSON request that is signed with each of the secrets."""
    signatures = [standard_webhook_signature(id_, timestamp, body, one) for one in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def check_sinch(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now_us: int
) -> None:
    """Verify a request of Sinch's SMS or Conversation API (HMAC-SHA256 of body, nonce and time).

    See developers.sinch.com/docs/conversation/callbacks. Raises ``SignatureRefused``, and
    ``SignatureExpired`` where all is right but the time.
    """
    nonce, timestamp = (headers.get(f"{SINCH}-{name}", "") for name in ("nonce", "timestamp"))
    given, algorithm = headers.get(SINCH, ""), headers.get(f"{SINCH}-algorithm", "HmacSHA256")
    signed = body + as_bytes(f".{nonce}.{timestamp}")
    fits = [same(given, hmac_base64(secret, signed, "sha256")) for secret in secrets if secret]
    signed_us, right_kind = seconds_us(timestamp), algorithm == "HmacSHA256" and "." not in nonce
    if not (any(fits) and right_kind) or signed_us is None:
        raise SignatureRefused(
            f"The {SINCH} is missing, or does not fit the body, nonce and timestamp."
        )
    check_time(signed_us, now_us)


def sinch_headers(body: bytes, secret: str, nonce: str, at_us: int) -> dict[str, str]:
    """Return the headers by which Sinch signs ``body`` at a time."""
    timestamp = str(at_us // 1_000_000)
    signed = body + as_bytes(f".{nonce}.{timestamp}")
    return {
        SINCH: hmac_base64(secret, signed, "sha256"),
        f"{SINCH}-algorithm": "HmacSHA256",
        f"{SINCH}-nonce": nonce,
        f"{SINCH}-timestamp": timestamp,
    }


def check_messagebird(
    headers: Mapping[str, str], place: str, body: bytes, keys: Iterable[str], now_us: int
) -> None:
    """Verify a request by MessageBird-Signature: HMAC-SHA256 of time, place and body.

    ``place`` is the sorted query at MessageBird (messagebird/python-rest-api, signed_request.py),
    and the URL at Bird (docs.bird.com/api/notifications-api, Verifying a webhook). Raises
    ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    given, timestamp = headers.get(MESSAGEBIRD, ""), headers.get(MESSAGEBIRD_TIME, "")
    signed_us = seconds_us(timestamp)
    if signed_us is None:
        raise SignatureRefused(
            f"The request lacks {MESSAGEBIRD_TIME}, or it is no time in seconds."
        )
    expected = [_messagebird_signature(timestamp, place, body, key) for key in keys]
    if not any(same(given, one) for one in expected):
        raise SignatureRefused(
            f"The {MESSAGEBIRD} does not fit time, URL and body; the URL must be the public one, "
            "exactly as it was given."
        )
    check_time(signed_us, now_us)


def messagebird_headers(place: str, body: bytes, key: str, at_us: int) -> dict[str, str]:
    """Return the headers by which MessageBird or Bird signs a request at a time."""
    timestamp = str(at_us // 1_000_000)
    signature = _messagebird_signature(timestamp, place, body, key)
    return {MESSAGEBIRD_TIME: timestamp, MESSAGEBIRD: signature}


def _messagebird_signature(timestamp: str, place: str, body: bytes, key: str) -> str:
    signed = as_bytes(f"{timestamp}\n{place}\n") + hashlib.sha256(body).digest()
    return hmac_base64(key, signed, "sha256")
