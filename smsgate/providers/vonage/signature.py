"""Whether a request is Vonage's: the token, who issued it for whom, the body, the time.

The token signs only itself. What covers the body is its claim ``payload_hash``, which Vonage's
own libraries do not look at; without it a captured token would let any body in.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes, base64_url, check_time, jwt_claims, same
from smsgate.settings import Account

_BEARER = "Bearer "
_HEADER = base64_url(b'{"alg":"HS256","typ":"JWT"}')


class _Claims(msgspec.Struct):
    iat: int | float
    iss: str = ""
    payload_hash: str = ""
    api_key: str = ""


_CLAIMS = msgspec.json.Decoder(_Claims)


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the token is Vonage's, for this account, covers the body and is fresh.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but ``iat``.
    """
    authorization = request.headers.get("authorization", "")
    if not authorization.startswith(_BEARER):
        raise SignatureRefused("The request has no Authorization: Bearer with a signed token.")
    secrets = account.values_of("signature_secret")
    claims = _read(jwt_claims(authorization.removeprefix(_BEARER), secrets))
    if claims.iss != "Vonage" or claims.api_key not in ("", account.options.get("api_key", "")):
        raise SignatureRefused("The token is not issued by Vonage for this account's api_key.")
    if not same(claims.payload_hash.lower(), hashlib.sha256(request.body).hexdigest()):
        raise SignatureRefused("The token has no payload_hash that fits the body.")
    check_time(int(claims.iat) * 1_000_000, now_us)


def _read(claims: bytes | None) -> _Claims:
    if claims is None:
        raise SignatureRefused("The token is not signed with this account's signature_secret.")
    try:
        return _CLAIMS.decode(claims)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise SignatureRefused("The token has no iat, or claims of another shape.") from None


def sign(body: bytes, account: Account, jti: str, at_us: int) -> dict[str, str]:
    """Return the header by which Vonage signs ``body`` at a time, with the newest secret."""
    claims = {
        "iat": at_us // 1_000_000,
        "jti": jti,
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": account.options["api_key"],
    }
    signed = f"{_HEADER}.{base64_url(msgspec.json.encode(claims))}"
    secret = as_bytes(account.secrets["signature_secret"][0].value)
    code = hmac.digest(secret, as_bytes(signed), "sha256")
    return {"authorization": f"{_BEARER}{signed}.{base64_url(code)}"}
