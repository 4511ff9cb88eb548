"""Passkeys as a second factor, by py_webauthn.

They are for the host of the configuration, never for that of a request, and a challenge is answered
once, in the session that asked. Raises ``RecordsUnavailable``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
import webauthn
from webauthn.helpers import base64url_to_bytes, parse_client_data_json, structs
from webauthn.helpers.exceptions import WebAuthnException

from smsgate.features.operators.factors import PASSKEY, find_factors, use_credential
from smsgate.features.operators.service import CHALLENGE, OperatorRow, SignInRefused, issue, redeem
from smsgate.features.operators.sessions import OperatorSession
from smsgate.records.database import Database
from smsgate.records.reader import Row

CHALLENGE_S = 300
"""How long a browser may take to answer by a passkey."""
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
_log = structlog.get_logger("smsgate.console")


class Passkeys:
    """Lets browsers make passkeys and sign in by them."""

    def __init__(self, database: Database, public_url: str, port: int) -> None:
        """For the host of the configuration, and its origin as browsers name it.

        Browsers have passkeys at https, or at localhost by http, and say so elsewhere. An IP
        address cannot have any, so a trial at ``http://127.0.0.1`` has them at
        ``http://localhost``, and so has one without an address, at its port.
        """
        parts = urlsplit(public_url or f"http://localhost:{port}")
        is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")
        is_usual = parts.port in (None, 443 if parts.scheme == "https" else 80)
        self._database = database
        self.host = "localhost" if is_local else parts.hostname or ""
        self.origin = f"{parts.scheme}://{self.host}" + ("" if is_usual else f":{parts.port}")

    def accept(self, current: OperatorSession, answer: str) -> str:
        """Return by which passkey a browser answered. Raises ``SignInRefused``."""
        with self._checking(current, answer) as expected:
            id_ = base64url_to_bytes(json.loads(answer)["rawId"])
            found = next((one for one in self._of(current.operator) if one.id == id_), None)
            if found is None:
                raise _passkey_refused("no passkey of this person")
            checked = webauthn.verify_authentication_response(
                credential=answer,
                credential_public_key=found.secret,
                credential_current_sign_count=0,  # compared where it is stored
                **expected,
            )
        if not use_credential(self._database, found, checked.new_sign_count):
            note = f"{found.name}: its counter went back, it may have been copied"
            raise SignInRefused(COPIED, "wrong passkey", note)
        return f"with passkey {found.name}"

    def new(self, current: OperatorSession, answer: str) -> Mapping[str, object]:
        """Return what is kept of the passkey that a browser made. Raises ``SignInRefused``."""
        with self._checking(current, answer) as expected:
            made = webauthn.verify_registration_response(credential=answer, **expected)
        return {
            "kind": PASSKEY,
            "id": made.credential_id,
            "secret": made.credential_public_key,
            "counter": made.sign_count,
        }

    def creation_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to make a passkey, as JSON."""
        row = current.operator
        options = webauthn.generate_registration_options(
            rp_id=self.host,
            rp_name="smsgate",
            user_id=row.id.encode(),
            user_name=row.name,
            challenge=self._new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED, user_verification=_VERIFIED
            ),
            exclude_credentials=self._descriptors(row),
        )
        return webauthn.options_to_json(options)

    def request_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to sign in by a passkey, as JSON."""
        options = webauthn.generate_authentication_options(
            rp_id=self.host,
            challenge=self._new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            allow_credentials=self._descriptors(current.operator),
            user_verification=_VERIFIED,
        )
        return webauthn.options_to_json(options)

    def _of(self, row: OperatorRow) -> list[Row]:
        return [one for one in find_factors(self._database, row) if one.kind == PASSKEY]

    def _descriptors(self, row: OperatorRow) -> list[structs.PublicKeyCredentialDescriptor]:
        return [structs.PublicKeyCredentialDescriptor(id=one.id) for one in self._of(row)]

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
                "expected_rp_id": self.host,
                "expected_origin": self.origin,
                "require_user_verification": True,
            }
        except _INVALID as error:
            # The type alone: what a browser sent may be anything.
            _log.warning("passkey refused", reason=type(error).__name__)
            raise _passkey_refused() from error


def _passkey_refused(note: str = "") -> SignInRefused:
    return SignInRefused(PASSKEY_REFUSED, "wrong passkey", note)
