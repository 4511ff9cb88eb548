"""What sign-in asks for after the password: a passkey, a code of an app, or a recovery code.

Each is compared in the statement that uses it up: of two at once one counts. The secret of an app
is encrypted with a key derived from ``SMSGATE_SECRET_KEYS``, so a copy of the database makes no
codes. Passkeys are for the host of the configuration, never for that of a request, and a challenge
is answered once, in the session that asked. Raises ``RecordsUnavailable``.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyotp
import structlog
import webauthn
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from pyotp.utils import strings_equal
from sqlalchemy import Connection, select, update
from webauthn.helpers import base64url_to_bytes, parse_client_data_json, structs
from webauthn.helpers.exceptions import WebAuthnException

from smsgate.features.operators.service import (
    CHALLENGE,
    RECOVERY,
    OperatorRow,
    SignInRefused,
    insert,
    issue,
    now_us,
    recovery_codes_left,
    redeem,
)
from smsgate.features.operators.sessions import OperatorSession
from smsgate.records.database import Database
from smsgate.records.reader import Row, rows_of
from smsgate.records.tables import credentials

APP, PASSKEY = "app", "passkey"
"""Kinds of credentials."""
CHALLENGE_S = 300
"""How long a browser may take to answer by a passkey."""
_RECOVERY_S = 100 * 365 * 24 * 3600
_STEP_S = 30
_DRIFT = (0, -1, 1)
"""Clocks of phones may be a step behind or ahead (RFC 6238, 5.2)."""
_RECOVERY_CODES = 8
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a recovery code: 31 characters that are not mixed up; 16 of them are 79 bits."""
_VERIFIED = structs.UserVerificationRequirement.REQUIRED
_INVALID = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What py_webauthn raises for an answer that is wrong, or no answer at all."""
PASSKEY_REFUSED = (
    "That passkey was not accepted, or it took longer than five minutes. Try again, or choose "
    "another way."
)
COPIED = (
    "That passkey was refused: its counter went back, so it may have been copied. Sign in another "
    "way, and remove the passkey on the page under your name."
)
CODE_REFUSED = (
    "That code is wrong, expired, or was used before. Wait for the next one; after eight attempts "
    "wait 15 minutes."
)
UNREADABLE = (
    "Your second factor cannot be checked: none of SMSGATE_SECRET_KEYS encrypted it. Ask an admin "
    "to remove it: `smsgate operators reset NAME --second-factor`."
)
_log = structlog.get_logger("smsgate.console")


class RelyingParty(NamedTuple):
    """For whom passkeys are made: the host name, and the origin as browsers name it."""

    id: str
    origin: str


def relying_party(public_url: str, port: int) -> RelyingParty:
    """Return for whom passkeys are made, by the configuration.

    Browsers have passkeys at https, or at localhost by http, and say so elsewhere. An IP address
    cannot have any, so a trial at ``http://127.0.0.1`` has them at ``http://localhost``, and so has
    one without an address, at its port.
    """
    parts = urlsplit(public_url or f"http://localhost:{port}")
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")
    host = "localhost" if is_local else parts.hostname or ""
    is_usual = parts.port in (None, 443 if parts.scheme == "https" else 80)
    return RelyingParty(host, f"{parts.scheme}://{host}" + ("" if is_usual else f":{parts.port}"))


def find_step(secret: str, code: str) -> int | None:
    """Return the half minute since 1970 whose code it is, now or next to now; None where wrong.

    Spaces, with which apps show a code, do not count.
    """
    now, totp, typed = int(time.time()) // _STEP_S, pyotp.TOTP(secret), "".join(code.split())
    steps = (now + one for one in _DRIFT)
    return next((at for at in steps if strings_equal(typed, totp.generate_otp(at))), None)


class Factors:
    """The factors of operators beside the password."""

    def __init__(self, database: Database, keys: Sequence[SecretStr], party: RelyingParty) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._database, self.party = database, party
        derived = (
            hmac.digest(one.get_secret_value().encode(), b"smsgate second factor 1", "sha256")
            for one in keys
        )
        self._cipher = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])

    def of(self, row: OperatorRow) -> list[Row]:
        """Return the operator's factors, oldest first."""
        query = select(credentials).where(credentials.c.operator_id == row.id)
        return rows_of(self._database, query.order_by(credentials.c.made_us, credentials.c.id))

    def encrypt(self, secret: str) -> bytes:
        """Return the secret of an app, encrypted with the newest of the keys."""
        return self._cipher.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes | str) -> str | None:
        """Return the secret of an app; None where none of the keys encrypted it."""
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
        for app in self.of(row):
            secret = self.decrypt(app.secret) if app.kind == APP else None
            step = find_step(secret, typed) if secret else None
            if secret and step is not None:
                renewed = self.encrypt(secret)  # keys may have been rotated
                if self._use(app, step, secret=renewed):
                    return "with second factor"
                raise refusal
            if app.kind == APP and not secret:
                refusal = SignInRefused(UNREADABLE, "wrong code", field="code")
        with self._database.writing() as connection:
            if not redeem(connection, RECOVERY, row.id, typed):
                raise refusal
        return f"with a recovery code, {recovery_codes_left(self._database, row)} are left"

    def accept_passkey(self, current: OperatorSession, answer: str) -> str:
        """Return by which passkey a browser answered. Raises ``SignInRefused``."""
        with self._checking(current, answer) as expected:
            id_ = base64url_to_bytes(json.loads(answer)["rawId"])
            found = next((one for one in self.of(current.operator) if one.id == id_), None)
            if found is None or found.kind != PASSKEY:
                raise _passkey_refused("no passkey of this person")
            checked = webauthn.verify_authentication_response(
                credential=answer,
                credential_public_key=found.secret,
                credential_current_sign_count=0,  # compared where it is stored
                **expected,
            )
        if not self._use(found, checked.new_sign_count):
            note = f"{found.name}: its counter went back, it may have been copied"
            raise SignInRefused(COPIED, "wrong passkey", note)
        return f"with passkey {found.name}"

    def new_passkey(self, current: OperatorSession, answer: str) -> Mapping[str, object]:
        """Return what is kept of the passkey that a browser made. Raises ``SignInRefused``."""
        with self._checking(current, answer) as expected:
            made = webauthn.verify_registration_response(credential=answer, **expected)
        return {
            "kind": PASSKEY,
            "id": made.credential_id,
            "secret": made.credential_public_key,
            "counter": made.sign_count,
        }

    def _use(self, one: Row, counter: int, **values: object) -> bool:
        """Keep how far a credential was used; False where it was used so far already."""
        # Two zeros are allowed: that authenticator does not count.
        kept = credentials.c
        forward = (kept.counter < counter) | ((kept.counter == 0) & (counter == 0))
        using = update(credentials).where(forward, kept.id == one.id)
        using = using.values(counter=counter, used_us=now_us(), **values)
        with self._database.writing() as connection:
            return connection.execute(using).rowcount == 1

    def creation_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to make a passkey, as JSON."""
        row = current.operator
        options = webauthn.generate_registration_options(
            rp_id=self.party.id,
            rp_name="smsgate",
            user_id=row.id.encode(),
            user_name=row.name,
            challenge=self._new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED, user_verification=_VERIFIED
            ),
            exclude_credentials=self._passkeys(row),
        )
        return webauthn.options_to_json(options)

    def request_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to sign in by a passkey; empty where there is none."""
        known = self._passkeys(current.operator)
        if not known:
            return ""
        options = webauthn.generate_authentication_options(
            rp_id=self.party.id,
            challenge=self._new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            allow_credentials=known,
            user_verification=_VERIFIED,
        )
        return webauthn.options_to_json(options)

    def _passkeys(self, row: OperatorRow) -> list[structs.PublicKeyCredentialDescriptor]:
        found = [one for one in self.of(row) if one.kind == PASSKEY]
        return [structs.PublicKeyCredentialDescriptor(id=one.id) for one in found]

    def _new_challenge(self, current: OperatorSession) -> bytes:
        """Return what a passkey is to sign in this session; it replaces the one before."""
        challenge = secrets.token_bytes(32)
        with self._database.writing() as connection:
            issue(connection, CHALLENGE, current.digest.hex(), [challenge], CHALLENGE_S)
        return challenge

    @contextmanager
    def _checking(self, current: OperatorSession, answer: str) -> Iterator[dict[str, Any]]:
        """What an answer to the challenge of this session is compared with, once.

        Raises ``SignInRefused``, also for what py_webauthn refuses.
        """
        try:
            sent = base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
            challenge = parse_client_data_json(sent).challenge
            with self._database.writing() as connection:
                is_open = redeem(connection, CHALLENGE, current.digest.hex(), challenge)
            if not is_open:
                raise _passkey_refused("answered too late, or twice")
            yield {
                "expected_challenge": challenge,
                "expected_rp_id": self.party.id,
                "expected_origin": self.party.origin,
                "require_user_verification": True,
            }
        except _INVALID as error:
            # The type alone: what a browser sent may be anything.
            _log.warning("passkey refused", reason=type(error).__name__)
            raise _passkey_refused() from error


def _passkey_refused(note: str = "") -> SignInRefused:
    return SignInRefused(PASSKEY_REFUSED, "wrong passkey", note)


def new_recovery_codes(connection: Connection, row: OperatorRow) -> list[str]:
    """Return new recovery codes, which take the place of those before."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(_RECOVERY_CODES)]
    # A plain hash is enough: nobody finds one of 2^79 by trying.
    issue(connection, RECOVERY, row.id, codes, _RECOVERY_S)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def add_credential(connection: Connection, row: OperatorRow, values: Mapping[str, object]) -> bool:
    """Add a credential of an operator; False where somebody has it already."""
    known = {"operator_id": row.id, "made_us": now_us(), "used_us": 0}
    return insert(connection, credentials, {**known, **values})
