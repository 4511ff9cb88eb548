"""What sign-in asks for after the password: a passkey, a code of an app, or a recovery code.

Each is a row of ``credentials``, and is compared in the statement that uses it up: of two at once
one counts. The secret of an app is encrypted with a key derived from ``SMSGATE_SECRET_KEYS``, so a
copy of the database makes no codes. Passkeys are for the host of the configuration, never for that
of a request, and a challenge is answered once, in the session that asked. Raises
``RecordsUnavailable``.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pyotp
import structlog
import webauthn
from pydantic import SecretStr
from pyotp.utils import strings_equal
from sqlalchemy import ColumnElement, Connection, delete, select, update
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from smsgate.features.operators.service import (
    RECOVERY,
    OperatorRow,
    OperatorService,
    SignInRefused,
    insert,
    now_us,
    token_digest,
)
from smsgate.features.operators.sessions import CHALLENGE_S, OperatorSession, Sessions
from smsgate.records.console_tables import credentials
from smsgate.records.reader import Row, rows_of

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

APP, PASSKEY = "app", "passkey"
"""Kinds of credentials, beside ``RECOVERY``."""
_STEP_S = 30
_DRIFT = (0, -1, 1)
"""Clocks of phones may be a step behind or ahead (RFC 6238, 5.2)."""
_RECOVERY_CODES = 8
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a recovery code: 31 characters that are not mixed up; 16 of them are 79 bits."""
_ADDRESS = re.compile(r"[\d.]+|.*:.*")
_INVALID = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What py_webauthn raises for an answer that is wrong, or no answer at all."""
NO_ADDRESS = (
    "Passkeys need an https address with a host name, or localhost. Ask whoever runs smsgate to "
    "set SMSGATE_PUBLIC_URL."
)
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
_kept = credentials.c
_FIELDS = {"wrong code": "code", "wrong password": "password"}


class FactorRefused(SignInRefused):
    """A code, passkey or password is not accepted; ``what`` and ``note`` go into the audit log."""

    def __init__(
        self, sentence: str = CODE_REFUSED, what: str = "wrong code", note: str = ""
    ) -> None:
        super().__init__(sentence, field=_FIELDS.get(what, ""))
        self.what, self.note = what, note


class RelyingParty(NamedTuple):
    """For whom passkeys are made: the host name, and the origin as browsers name it."""

    id: str
    origin: str


def relying_party(public_url: str, port: int) -> RelyingParty | None:
    """Return for whom passkeys are made, by the configuration; None where there can be none.

    Browsers have passkeys at https, or at localhost by http. An IP address cannot have any, so a
    trial at ``http://127.0.0.1`` has them at ``http://localhost``, and so has one without an
    address, at its port.
    """
    parts = urlsplit(public_url or f"http://localhost:{port}")
    host, is_https = parts.hostname or "", parts.scheme == "https"
    if not is_https and host in ("127.0.0.1", "::1"):
        host = "localhost"
    is_here = host == "localhost" or host.endswith(".localhost")
    if _ADDRESS.fullmatch(host) or not (is_https or is_here):
        return None
    is_usual = parts.port in (None, 443 if is_https else 80)
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

    def __init__(
        self,
        people: OperatorService,
        sessions: Sessions,
        keys: Sequence[SecretStr],
        party: RelyingParty | None,
    ) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._people, self._sessions, self._keys = people, sessions, keys
        self.party = party
        """None where the console's address allows no passkeys."""

    def of(self, row: OperatorRow, *kinds: str) -> list[Row]:
        """Return the operator's credentials of some kinds, oldest first."""
        query = select(credentials).where(_kept.operator_id == row.id, _kept.kind.in_(kinds))
        return rows_of(self._people.database, query.order_by(_kept.made_us, _kept.id))

    def encrypt(self, secret: str) -> bytes:
        """Return the secret of an app, encrypted with the newest of the keys."""
        return self._cipher().encrypt(secret.encode())

    def decrypt(self, encrypted: bytes | str) -> str | None:
        """Return the secret of an app; None where none of the keys encrypted it."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as in _cipher

        try:
            return self._cipher().decrypt(encrypted).decode()
        except InvalidToken:
            return None

    def _cipher(self) -> MultiFernet:
        """Return a cipher with keys derived for this use of the secrets only."""
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - 8 MiB, when used

        derived = (
            hmac.digest(one.get_secret_value().encode(), b"smsgate second factor 1", "sha256")
            for one in self._keys
        )
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])

    def accept_code(self, row: OperatorRow, code: str) -> str:
        """Use up a code of an app or a recovery code; return how it was right.

        Raises ``FactorRefused``.
        """
        typed = "".join(one for one in code.casefold() if one.isalnum())
        refusal = CODE_REFUSED
        for app in self.of(row, APP):
            secret = self.decrypt(app.secret)
            step = find_step(secret, typed) if secret else None
            if secret and step is not None:
                renewed = self.encrypt(secret)  # keys may have been rotated
                if self._use(app, step, secret=renewed):
                    return "with second factor"
                raise FactorRefused(CODE_REFUSED)
            refusal = refusal if secret else UNREADABLE
        which = _recovery_of(row) & (_kept.id == token_digest(typed))
        with self._people.database.writing() as connection:
            taking = delete(credentials).where(which)
            if connection.execute(taking).rowcount != 1:
                raise FactorRefused(refusal)
        return f"with a recovery code, {len(self.of(row, RECOVERY))} are left"

    def accept_passkey(self, current: OperatorSession, answer: str) -> str:
        """Return by which passkey a browser answered. Raises ``FactorRefused``."""
        with self.expected(current) as expected:
            credential = parse_authentication_credential_json(answer)
            mine = self.of(current.operator, PASSKEY)
            found = next((one for one in mine if one.id == credential.raw_id), None)
            if found is None:
                raise FactorRefused(PASSKEY_REFUSED, "wrong passkey", "no passkey of this person")
            checked = webauthn.verify_authentication_response(
                credential=credential,
                credential_public_key=found.secret,
                credential_current_sign_count=0,  # compared where it is stored
                **expected,
            )
        if not self._use(found, checked.new_sign_count):
            note = f"{found.name}: its counter went back, it may have been copied"
            raise FactorRefused(COPIED, "wrong passkey", note)
        return f"with passkey {found.name}"

    def _use(self, one: Row, counter: int, **values: object) -> bool:
        """Keep how far a credential was used; False where it was used so far already."""
        # Two zeros are allowed: that authenticator does not count.
        forward = (_kept.counter < counter) | ((_kept.counter == 0) & (counter == 0))
        using = update(credentials).where(forward, _kept.id == one.id)
        using = using.values(counter=counter, used_us=now_us(), **values)
        with self._people.database.writing() as connection:
            return connection.execute(using).rowcount == 1

    def creation_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to make a passkey, as JSON; empty where there can be none."""
        if self.party is None:
            return ""
        row = current.operator
        options = webauthn.generate_registration_options(
            rp_id=self.party.id,
            rp_name="smsgate",
            user_id=row.id.encode(),
            user_name=row.name,
            challenge=self._sessions.new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=self._descriptors(row),
        )
        return webauthn.options_to_json(options)

    def request_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to sign in by a passkey; empty where there can be none."""
        known = self._descriptors(current.operator)
        if not known or self.party is None:
            return ""
        options = webauthn.generate_authentication_options(
            rp_id=self.party.id,
            challenge=self._sessions.new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            allow_credentials=known,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def _descriptors(self, row: OperatorRow) -> list[PublicKeyCredentialDescriptor]:
        return [PublicKeyCredentialDescriptor(id=one.id) for one in self.of(row, PASSKEY)]

    @contextmanager
    def expected(self, current: OperatorSession) -> Iterator[dict[str, Any]]:
        """What an answer to the challenge of this session is compared with, once.

        Raises ``FactorRefused``, also for what py_webauthn refuses.
        """
        challenge = self._sessions.take_challenge(current)
        if challenge is None or self.party is None:
            raise FactorRefused(PASSKEY_REFUSED, "wrong passkey", "answered too late, or twice")
        try:
            yield {
                "expected_challenge": challenge,
                "expected_rp_id": self.party.id,
                "expected_origin": self.party.origin,
                "require_user_verification": True,
            }
        except _INVALID as error:
            # The type alone: what a browser sent may be anything.
            _log.warning("passkey refused", reason=type(error).__name__)
            raise FactorRefused(PASSKEY_REFUSED, "wrong passkey") from error


def new_recovery_codes(connection: Connection, row: OperatorRow) -> list[str]:
    """Return new recovery codes, which take the place of those before."""
    connection.execute(delete(credentials).where(_recovery_of(row)))
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(_RECOVERY_CODES)]
    for code in codes:
        # A plain hash is enough: nobody finds one of 2^79 by trying.
        values = {"id": token_digest(code), "secret": b"", "counter": 0, "name": ""}
        add_credential(connection, row, RECOVERY, values)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def add_credential(
    connection: Connection, row: OperatorRow, kind: str, values: Mapping[str, object]
) -> bool:
    """Add a credential of an operator; False where somebody has it already."""
    known = {"operator_id": row.id, "kind": kind, "made_us": now_us(), "used_us": 0}
    return insert(connection, credentials, {**known, **values})


def _recovery_of(row: OperatorRow) -> ColumnElement[bool]:
    return (_kept.operator_id == row.id) & (_kept.kind == RECOVERY)
