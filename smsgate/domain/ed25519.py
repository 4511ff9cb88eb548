"""Ed25519 (RFC 8032) in base64: the scheme of Telnyx and of Standard Webhooks v1a.

A module of its own: it imports ``cryptography``, which nothing but these schemes needs.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KEY_BYTES = 32


def fits(signature: str, signed: bytes, public_key: str) -> bool:
    """Whether the owner of ``public_key`` made ``signature`` over ``signed``. Never fails.

    Both texts are standard base64. A signature counts only in the one spelling that base64 has
    for its bytes; a key of another length fits nothing.
    """
    key = _key(public_key)
    raw = _decoded(signature)
    if key is None or not raw:
        return False
    try:
        key.verify(raw, signed)
    except InvalidSignature:
        return False
    return True


def sign(signed: bytes, private_key: str) -> str:
    """Return the signature over ``signed`` by a private key (base64 of its 32 bytes)."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(key.sign(signed)).decode("ascii")


@lru_cache(maxsize=256)
def _key(public_key: str) -> Ed25519PublicKey | None:
    """Accounts' keys are few, and making one from its bytes costs a third of a verification."""
    raw = _decoded(public_key)
    return Ed25519PublicKey.from_public_bytes(raw) if len(raw) == _KEY_BYTES else None


def _decoded(text: str) -> bytes:
    """The bytes that ``text`` is the base64 of; none where it is not written as base64 is."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode("ascii") == text else b""
