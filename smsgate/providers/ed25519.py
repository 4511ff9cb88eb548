"""Ed25519 (RFC 8032) in base64: the scheme of Telnyx and of Standard Webhooks v1a.

``cryptography`` is imported with the first signature: it takes 8 MiB, and a process without an
account of these schemes does without.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING

from smsgate.providers.tokens import from_base64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_KEY_BYTES = 32


def fits(signature: str, signed: bytes, public_key: str) -> bool:
    """Whether the owner of ``public_key`` made ``signature`` over ``signed``. Never fails.

    Both texts are standard base64. A signature counts only in the one spelling that base64 has
    for its bytes; a key of another length fits nothing.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    key = _key(public_key)
    raw = from_base64(signature)
    if key is None or not raw:
        return False
    try:
        key.verify(raw, signed)
    except InvalidSignature:
        return False
    return True


def sign(signed: bytes, private_key: str) -> str:
    """Return the signature over ``signed`` by a private key (base64 of its 32 bytes)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(key.sign(signed)).decode("ascii")


@lru_cache(maxsize=256)
def _key(public_key: str) -> Ed25519PublicKey | None:
    """Accounts' keys are few, and making one from its bytes costs a third of a verification."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    raw = from_base64(public_key)
    return Ed25519PublicKey.from_public_bytes(raw) if len(raw) == _KEY_BYTES else None
