"""Whether a request is MessageBird's: a JSON Web Token, or the older HMAC where an account says so.

``jwt`` (the default): MessageBird-Signature-JWT holds hashes of the URL and of the body, and is
good for a minute. ``timestamp`` (deprecated by MessageBird): MessageBird-Signature is an HMAC over
the time, the sorted query and the hash of the body. A request is never tried by the other one.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode

import msgspec

from smsgate.domain.errors import SignatureExpired, SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, base64_url, check_time, hmac_base64, jwt_claims, same
from smsgate.settings import Account

_JWT = "messagebird-signature-jwt"
_SIGNATURE = "messagebird-signature"
_TIME = "messagebird-request-timestamp"
_ISSUER = "MessageBird"
_LEEWAY_S = 1
_GOOD_FOR_S = 60


class _Claims(msgspec.Struct):
    iss: str
    nbf: int
    exp: int
    url_hash: str
    payload_hash: str = ""


_CLAIMS = msgspec.json.Decoder(_Claims)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if MessageBird signed URL and body with a key of this account, a short while ago.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but the time.
    """
    keys = [key.value for key in account.secrets.get("signing_key", ()) if key.value]
    if account.options.get("scheme") == "timestamp":
        _verify_timestamp(request, keys, now_us)
    else:
        _verify_jwt(request, keys, now_us)


def sign(url: str, body: bytes, account: Account, at_us: int) -> dict[str, str]:
    """Return the headers by which MessageBird would sign a request with the newest key."""
    key = account.secrets["signing_key"][0].value
    at_s = at_us // 1_000_000
    if account.options.get("scheme") == "timestamp":
        return {_TIME: str(at_s), _SIGNATURE: _timestamp_signature(url, body, str(at_s), key)}
    claims = _Claims(_ISSUER, at_s, at_s + _GOOD_FOR_S, _digest(as_bytes(url)), _payload(body))
    parts = [b'{"alg":"HS256","typ":"JWT"}', msgspec.json.encode(claims)]
    signed = ".".join(base64_url(part) for part in parts)
    return {_JWT: f"{signed}.{base64_url(hmac.digest(as_bytes(key), as_bytes(signed), 'sha256'))}"}


def _verify_jwt(request: WebhookRequest, keys: list[str], now_us: int) -> None:
    found = jwt_claims(request.headers.get(_JWT, ""), keys)
    if found is None:
        raise SignatureRefused(
            "No key of the account signed MessageBird-Signature-JWT; `signing_key` must be the "
            "signing key of the dashboard, not an access key."
        )
    try:
        claims = _CLAIMS.decode(found)
    except msgspec.MsgspecError:
        raise SignatureRefused("The claims of MessageBird-Signature-JWT are others.") from None
    if not same(claims.url_hash, _digest(as_bytes(request.url))):
        raise SignatureRefused("MessageBird signed another URL than the public one of ours.")
    if claims.iss != _ISSUER or claims.payload_hash != _payload(request.body):
        raise SignatureRefused("MessageBird signed another body.")
    now_s = now_us // 1_000_000
    if not claims.nbf - _LEEWAY_S <= now_s <= claims.exp + _LEEWAY_S:
        raise SignatureExpired(
            "The signature is right, but it was good at another time; check this host's clock."
        )


def _verify_timestamp(request: WebhookRequest, keys: list[str], now_us: int) -> None:
    given, time = request.headers.get(_SIGNATURE, ""), request.headers.get(_TIME, "")
    if not (time.isascii() and time.isdigit()):
        raise SignatureRefused(f"The request lacks {_TIME}, or it is no time in seconds.")
    expected = [_timestamp_signature(request.url, request.body, time, key) for key in keys]
    if not any(same(given, one) for one in expected):
        raise SignatureRefused("The MessageBird-Signature does not fit time, query and body.")
    check_time(int(time[:15]) * 1_000_000, now_us)


def _timestamp_signature(url: str, body: bytes, time: str, key: str) -> str:
    """The query counts in the order of its names, escaped in the one usual way."""
    pairs = sorted(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    query = urlencode(pairs, errors="replace")
    return hmac_base64(
        key, as_bytes(f"{time}\n{query}\n") + hashlib.sha256(body).digest(), "sha256"
    )


def _payload(body: bytes) -> str:
    """The hash of a body; of none, nothing."""
    return _digest(body) if body else ""


def _digest(signed: bytes) -> str:
    return hashlib.sha256(signed).hexdigest()
