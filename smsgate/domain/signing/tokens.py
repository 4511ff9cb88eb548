"""JSON Web Tokens with a shared secret, and the base64 that they are written in."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable

from smsgate.domain.signing.secrets import as_bytes, same

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


def _algorithm_of(header: str) -> str:
    try:
        return str(json.loads(from_base64_url(header) or b"{}")["alg"])
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""


def base64_url(data: bytes) -> str:
    """Return base64 for URLs, without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64_url(text: str) -> bytes | None:
    """Undo ``base64_url``; nothing where ``text`` is something else."""
    try:
        return base64.urlsafe_b64decode(as_bytes(text) + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
