"""Signatures: the HMAC over what is signed, and a comparison in constant time."""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache
from typing import Literal

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


@lru_cache(maxsize=64)
def is_form(content_type: str) -> bool:
    """Whether a content type is that of a posted form."""
    return content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
