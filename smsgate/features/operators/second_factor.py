"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes.

Its secret must be known in clear to check a code, so it is kept enciphered, with a key that is
derived from ``SMSGATE_SECRET_KEYS``: a copy of the database alone makes no codes. It is enciphered
with the newest secret and read with every one, so a rotation needs nothing but a list of both.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from hashlib import sha256

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from smsgate.settings import Secret

STEP_S = 30
_DRIFT = (0, -1, 1)
"""Clocks of phones may be a step behind or ahead (RFC 6238, 5.2)."""
RECOVERY_CODES = 8
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a recovery code: 31 signs that are not mixed up, 16 of them are 79 bits."""


def new_secret() -> str:
    """A secret of 160 bits, in base32."""
    return pyotp.random_base32()


def address(secret: str, name: str) -> str:
    """What the QR code says (``otpauth://``)."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="smsgate")


def step_of(secret: str, code: str) -> int | None:
    """The half minute since 1970 whose code it is, of the present and its neighbours; or none."""
    given = "".join(code.split())
    now = int(time.time()) // STEP_S
    totp = pyotp.TOTP(secret)
    found = None
    for drift in _DRIFT:
        if hmac.compare_digest(totp.generate_otp(now + drift).encode(), given.encode()):
            found = now + drift
    return found


def seal(secret: str, keys: Sequence[Secret]) -> str:
    """The secret, enciphered with the newest of the keys."""
    return _cipher(keys).encrypt(secret.encode()).decode()


def unseal(sealed: str, keys: Sequence[Secret]) -> str | None:
    """The secret; None where none of the keys sealed it."""
    try:
        return _cipher(keys).decrypt(sealed).decode()
    except InvalidToken:
        return None


def reseal(sealed: str, keys: Sequence[Secret]) -> str | None:
    """The secret sealed with the newest key, where an older one did it; else None."""
    try:
        _cipher(keys[:1]).decrypt(sealed)
    except InvalidToken:
        return _cipher(keys).rotate(sealed).decode()
    return None


def make_recovery() -> tuple[list[str], str]:
    """New recovery codes, and what is kept of them."""
    codes = ["".join(secrets.choice(_SIGNS) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    shown = ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]
    return shown, json.dumps([_digest(code) for code in codes])


def left(kept: str) -> int:
    """How many recovery codes are left."""
    return len(json.loads(kept)) if kept else 0


def spend(kept: str, code: str) -> str | None:
    """What is kept once that recovery code is spent; None where it is none."""
    digest = _digest("".join(sign for sign in code.casefold() if sign.isalnum()))
    codes = json.loads(kept) if kept else []
    if digest not in codes:
        return None
    return json.dumps([one for one in codes if one != digest])


def _digest(code: str) -> str:
    """A plain hash is enough: nobody finds one of 2^79 by trying."""
    return sha256(code.encode()).hexdigest()


def _cipher(keys: Sequence[Secret]) -> MultiFernet:
    return MultiFernet([Fernet(_key(one.value)) for one in keys])


def _key(secret: str) -> bytes:
    """A key that has nothing in common with other uses of the secret."""
    key = hmac.digest(secret.encode(), b"smsgate second factor 1", "sha256")
    return base64.urlsafe_b64encode(key)
