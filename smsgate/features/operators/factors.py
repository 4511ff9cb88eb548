"""What sign-in asks for after the password: a passkey, a code of an app, or a recovery code.

Each is compared in the statement that uses it up: of two at once one counts. The secret of an app
is encrypted with a key derived from ``SMSGATE_SECRET_KEYS``, so a copy of the database makes no
codes. Raises ``RecordsUnavailable``.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import pyotp
from pydantic import SecretStr
from pyotp.utils import strings_equal
from sqlalchemy import Connection, select, update

from smsgate.features.operators.service import (
    RECOVERY,
    OperatorRow,
    SignInRefused,
    insert,
    issue,
    now_us,
    recovery_codes_left,
    redeem,
)
from smsgate.records.database import Database
from smsgate.records.reader import Row, rows_of
from smsgate.records.tables import credentials

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

APP, PASSKEY = "app", "passkey"
"""Kinds of credentials."""
_RECOVERY_S = 100 * 365 * 24 * 3600
_STEP_S = 30
_DRIFT = (0, -1, 1)
"""Clocks of phones may be a step behind or ahead (RFC 6238, 5.2)."""
_RECOVERY_CODES, _CODE_LENGTH = 8, 24
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a recovery code: 31 characters that are not mixed up; 24 of them are 118 bits."""
USED_BEFORE = "used before"
"""Note in the log about a code that somebody may have copied."""
CODE_REFUSED = (
    "That code is wrong, expired, or was used before, or there were too many attempts for you or "
    "from here. Wait for the next code; after eight attempts wait 15 minutes."
)
UNREADABLE = (
    "Your second factor cannot be checked: none of SMSGATE_SECRET_KEYS encrypted it. Ask an admin "
    "to remove it: `smsgate operators reset NAME --second-factor`."
)


def find_step(secret: str, code: str) -> int | None:
    """Return the half minute since 1970 whose code it is, now or next to now; None where wrong.

    Spaces, with which apps show a code, do not count.
    """
    now, totp, typed = int(time.time()) // _STEP_S, pyotp.TOTP(secret), "".join(code.split())
    steps = (now + one for one in _DRIFT)
    return next((at for at in steps if strings_equal(typed, totp.generate_otp(at))), None)


def find_factors(database: Database, row: OperatorRow) -> list[Row]:
    """Return an operator's passkeys and apps, oldest first."""
    query = select(credentials).where(credentials.c.operator_id == row.id)
    return rows_of(database, query.order_by(credentials.c.made_us, credentials.c.id))


class Factors:
    """Codes of authenticator apps, and recovery codes."""

    def __init__(self, database: Database, keys: Sequence[SecretStr]) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._database, self._keys = database, keys

    @cached_property
    def _cipher(self) -> MultiFernet:
        # Here, as where signatures need it: it takes 6 MiB.
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        derived = (
            hmac.digest(one.get_secret_value().encode(), b"smsgate second factor 1", "sha256")
            for one in self._keys
        )
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])

    def encrypt(self, secret: str) -> bytes:
        """Return the secret of an app, encrypted with the newest of the keys."""
        return self._cipher.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes | str) -> str | None:
        """Return the secret of an app; None where none of the keys encrypted it."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            return self._cipher.decrypt(encrypted).decode()
        except InvalidToken:
            return None

    def accept_code(self, row: OperatorRow, code: str) -> str:
        """Use up a code of an app or a recovery code; return how it was right.

        Raises ``SignInRefused``.
        """
        typed = "".join(one for one in code.casefold() if one.isalnum())
        refusal = SignInRefused(CODE_REFUSED, "wrong code", field="code")
        for app in find_factors(self._database, row):
            secret = self.decrypt(app.secret) if app.kind == APP else None
            step = find_step(secret, typed) if secret else None
            if secret and step is not None:
                renewed = self.encrypt(secret)  # keys may have been rotated
                if use_credential(self._database, app, step, secret=renewed):
                    return "with second factor"
                raise SignInRefused(CODE_REFUSED, "wrong code", USED_BEFORE, field="code")
            if app.kind == APP and not secret:
                refusal = SignInRefused(UNREADABLE, "wrong code", field="code")
        with self._database.writing() as connection:
            if not redeem(connection, RECOVERY, row.id, typed):
                raise refusal
        return f"with a recovery code, {recovery_codes_left(self._database, row)} are left"


def use_credential(database: Database, one: Row, counter: int, **values: object) -> bool:
    """Keep how far a credential was used; False where it was used so far already."""
    # Two zeros are allowed: that authenticator does not count.
    kept = credentials.c
    forward = (kept.counter < counter) | ((kept.counter == 0) & (counter == 0))
    using = update(credentials).where(forward, kept.id == one.id)
    using = using.values(counter=counter, used_us=now_us(), **values)
    with database.writing() as connection:
        return connection.execute(using).rowcount == 1


def new_recovery_codes(connection: Connection, row: OperatorRow) -> list[str]:
    """Return new recovery codes, which take the place of those before."""
    codes = [
        "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        for _ in range(_RECOVERY_CODES)
    ]
    # A plain hash is enough: nobody finds one of 2^118 by trying.
    issue(connection, RECOVERY, row.id, codes, _RECOVERY_S)
    return ["-".join(code[at : at + 4] for at in range(0, _CODE_LENGTH, 4)) for code in codes]


def add_credential(connection: Connection, row: OperatorRow, values: Mapping[str, object]) -> bool:
    """Add a credential of an operator; False where somebody has it already."""
    known = {"operator_id": row.id, "made_us": now_us(), "used_us": 0}
    return insert(connection, credentials, {**known, **values})
