"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes.

Checking a code needs the secret in clear, so it is stored encrypted, with a key that is derived
from ``SMSGATE_SECRET_KEYS``: a copy of the database alone makes no codes.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import pyotp
from pydantic import SecretStr
from pyotp.utils import strings_equal

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

STEP_S = 30
_DRIFT = (0, -1, 1)
"""Clocks of phones may be a step behind or ahead (RFC 6238, 5.2)."""
RECOVERY_CODES = 8
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a recovery code: 31 characters that are not mixed up; 16 of them are 79 bits."""


def find_step(secret: str, code: str) -> int | None:
    """Return the half minute since 1970 whose code it is, now or next to now; None where wrong."""
    code, now, totp = "".join(code.split()), int(time.time()) // STEP_S, pyotp.TOTP(secret)
    steps = (now + one for one in _DRIFT)
    return next((at for at in steps if strings_equal(code, totp.generate_otp(at))), None)


def encrypt(secret: str, keys: Sequence[SecretStr]) -> str:
    """Return the secret, encrypted with the newest of the keys."""
    return _cipher(keys).encrypt(secret.encode()).decode()


def decrypt(encrypted: str, keys: Sequence[SecretStr]) -> str | None:
    """Return the secret; None where none of the keys encrypted it."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as in _cipher

    try:
        return _cipher(keys).decrypt(encrypted).decode()
    except InvalidToken:
        return None


def make_recovery_codes() -> tuple[list[str], str]:
    """Return new recovery codes, and what is stored of them."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    shown = ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]
    return shown, json.dumps([_digest(code) for code in codes])


def first_recovery_codes(kept: str) -> tuple[list[str], str]:
    """Return new recovery codes, and what is stored; none, and the same, if there are some."""
    return ([], kept) if count_recovery_codes(kept) else make_recovery_codes()


def count_recovery_codes(kept: str) -> int:
    """Return how many recovery codes are left."""
    return len(json.loads(kept)) if kept else 0


def use_recovery_code(kept: str, code: str) -> str | None:
    """Return what is stored once a recovery code is used; None if the code is not valid."""
    digest = _digest("".join(one for one in code.casefold() if one.isalnum()))
    codes = json.loads(kept) if kept else []
    if digest not in codes:
        return None
    return json.dumps([one for one in codes if one != digest])


def _digest(code: str) -> str:
    """A plain hash is enough: nobody finds one of 2^79 by trying."""
    return sha256(code.encode()).hexdigest()


def _cipher(keys: Sequence[SecretStr]) -> MultiFernet:
    """Return a cipher with keys derived for this use of the secrets only."""
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - 8 MiB, until it is used

    derived = (
        hmac.digest(one.get_secret_value().encode(), b"smsgate second factor 1", "sha256")
        for one in keys
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
