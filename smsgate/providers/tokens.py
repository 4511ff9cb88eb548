"""JSON Web Tokens (RFC 7519) that are signed by HMAC, and strict base64."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec

from smsgate.domain.signing import as_bytes, same

Claims = TypeVar("Claims")
_JWT_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def jwt_claims(token: str, secrets: Iterable[str], shape: type[Claims]) -> Claims | None:
    """Return the claims of a JSON Web Token that one of ``secrets`` signed, if they have a shape.

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
                with suppress(msgspec.MsgspecError, ValueError, RecursionError):
                    return msgspec.json.decode(from_base64_url(claims) or b"", type=shape)
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
