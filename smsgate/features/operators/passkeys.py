"""Passkeys (WebAuthn) as a second factor: adding them, and checking one at sign-in.

py_webauthn checks type, challenge, origin, relying party, presence, user verification and
signature. What it compares with comes from the configuration and from the session, never from the
request. A challenge belongs to one session, is answered once, and expires. A passkey's counter is
compared in the statement that stores the new one, so of two answers at once only one counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
import webauthn
from webauthn.helpers import bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from smsgate.domain.errors import Unfit
from smsgate.features.operators import second_factor
from smsgate.features.operators.errors import SignInRefused
from smsgate.features.operators.passkey_storage import PasskeyRow, PasskeyStorage
from smsgate.features.operators.service import ActionAuthor, make_action, now_us
from smsgate.features.operators.sessions import OperatorSession
from smsgate.features.operators.sign_in_limits import MAX_ATTEMPTS, WINDOW_S
from smsgate.features.operators.storage import OperatorRow
from smsgate.records import Records

CHALLENGE_S = 300
"""How long a browser may take to answer."""
MAX_PASSKEYS = 10
"""Of one operator."""
MAX_NAME_CHARACTERS = 60
_MAX_ID_BYTES = 1023
"""WebAuthn Level 2, 5.8.3."""
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_INVALID = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What py_webauthn raises for an answer that is wrong, or no answer at all."""
NO_ADDRESS = (
    "Passkeys need an https address with a host name, or localhost. Ask whoever runs smsgate to "
    "set SMSGATE_PUBLIC_URL."
)
REFUSED = (
    "That passkey was not accepted, or it took longer than five minutes. Try again, or choose "
    f"another way; after {MAX_ATTEMPTS} attempts wait {WINDOW_S // 60} minutes."
)
NOT_ADDED = "That passkey was not added, or it took longer than five minutes. Try again."
COPIED = (
    "That passkey was refused: its counter went back, so it may have been copied. Sign in another "
    "way, and remove the passkey on the page under your name."
)
_log = structlog.get_logger("smsgate.console")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom passkeys are made."""

    id: str
    """The host name, without port."""
    origin: str
    """Scheme, host and port, as a browser names them."""


def relying_party(public_url: str, port: int) -> RelyingParty | None:
    """Return for whom passkeys are made, by the configuration; None where there can be none.

    Browsers have passkeys at https, or at localhost by http. An IP address cannot have any, so a
    trial at ``http://127.0.0.1`` has them at ``http://localhost``, and so has one without an
    address, at its port.
    """
    parts = urlsplit(public_url or f"http://localhost:{port}")
    host, is_https = parts.hostname or "", parts.scheme == "https"
    try:
        is_address, is_here = True, ip_address(host).is_loopback
    except ValueError:
        is_address, is_here = False, host == "localhost" or host.endswith(".localhost")
    if is_address and is_here and not is_https:
        host, is_address = "localhost", False
    if is_address or not (is_https or is_here):
        return None
    is_usual = parts.port in (None, 443 if is_https else 80)
    return RelyingParty(host, f"{parts.scheme}://{host}" + ("" if is_usual else f":{parts.port}"))


class PasskeyRefused(SignInRefused):
    """The answer of a browser is not accepted; ``note`` says for the audit log why."""

    def __init__(self, sentence: str, note: str = "") -> None:
        super().__init__(sentence)
        self.note = note


class Passkeys:
    """The passkeys of operators. Raises ``RecordsUnavailable``."""

    def __init__(self, records: Records, party: RelyingParty | None) -> None:
        self._storage = PasskeyStorage(records.database)
        self.party = party
        """None where the console's address allows no passkeys."""

    def of(self, row: OperatorRow) -> list[PasskeyRow]:
        """Return the operator's passkeys, oldest first."""
        return self._storage.of(row.id)

    def find(self, row: OperatorRow, shown_id: str) -> PasskeyRow:
        """Return the operator's passkey whose id is shown like this. Raises ``Unfit``."""
        for one in self.of(row):
            if show_id(one) == shown_id:
                return one
        raise Unfit("This passkey no longer exists: reload the page.")

    def creation_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to make a passkey, as JSON. Raises ``Unfit``."""
        party, row = self._known_party(), current.operator
        options = webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name="smsgate",
            user_id=row.id.encode(),
            user_name=row.name,
            user_display_name=row.name,
            challenge=self._new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(self.of(row)),
            supported_pub_key_algs=_ALGORITHMS,
        )
        return webauthn.options_to_json(options)

    def add(self, current: OperatorSession, name: str, answer: str, address: str) -> list[str]:
        """Add the passkey that a browser made.

        Returns new recovery codes; none where the operator has some already. Raises ``Unfit`` and
        ``PasskeyRefused``.
        """
        party, row = self._known_party(), current.operator
        challenge = self._take_challenge(current, NOT_ADDED)
        mine = self.of(row)
        name = _fit_name(name, mine)
        if len(mine) >= MAX_PASSKEYS:
            raise Unfit(f"You have {MAX_PASSKEYS} passkeys, the most possible: remove one first.")
        made = _checked(
            NOT_ADDED,
            lambda: webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            ),
        )
        if len(made.credential_id) > _MAX_ID_BYTES:
            raise PasskeyRefused(NOT_ADDED, "its id is too long")
        codes: list[str] = []
        values: dict[str, str] = {}
        if not second_factor.count_recovery_codes(row.recovery):
            codes, values["recovery"] = second_factor.make_recovery_codes()
        passkey = PasskeyRow(
            credential_id=made.credential_id,
            operator_id=row.id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            name=name,
            made_us=now_us(),
        )
        action = make_action("passkey added", row.name, ActionAuthor(row.name, address), name)
        if not self._storage.add(passkey, values, action):
            raise Unfit("That passkey is registered already: use another one.")
        return codes

    def rename(self, row: OperatorRow, shown_id: str, name: str, address: str) -> None:
        """Give a passkey another name. Raises ``Unfit``."""
        passkey = self.find(row, shown_id)
        name = _fit_name(name, [one for one in self.of(row) if one != passkey])
        note = f"{passkey.name} to {name}"
        action = make_action("passkey renamed", row.name, ActionAuthor(row.name, address), note)
        self._storage.rename(passkey, name, action)

    def remove(self, row: OperatorRow, shown_id: str, address: str) -> PasskeyRow:
        """Remove a passkey, and return it. Raises ``Unfit``."""
        passkey = self.find(row, shown_id)
        author = ActionAuthor(row.name, address)
        action = make_action("passkey removed", row.name, author, passkey.name)
        self._storage.remove(passkey, action)
        return passkey

    def request_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to sign in by a passkey, as JSON. Raises ``Unfit``."""
        options = webauthn.generate_authentication_options(
            rp_id=self._known_party().id,
            challenge=self._new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            allow_credentials=_descriptors(self.of(current.operator)),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def check(self, current: OperatorSession, answer: str) -> PasskeyRow:
        """Return the passkey by which a browser answered. Raises ``PasskeyRefused``, ``Unfit``."""
        party, challenge = self._known_party(), self._take_challenge(current, REFUSED)
        credential = _checked(REFUSED, lambda: parse_authentication_credential_json(answer))
        mine = [one for one in self.of(current.operator) if one.credential_id == credential.raw_id]
        if not mine:
            raise PasskeyRefused(REFUSED, "no passkey of this person")
        (passkey,) = mine
        checked = _checked(
            REFUSED,
            lambda: webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # compared where it is stored
                require_user_verification=True,
            ),
        )
        if not self._storage.use(passkey, checked.new_sign_count, now_us()):
            note = f"{passkey.name}: its counter went back, it may have been copied"
            raise PasskeyRefused(COPIED, note)
        return passkey

    def _known_party(self) -> RelyingParty:
        if self.party is None:
            raise Unfit(NO_ADDRESS)
        return self.party

    def _new_challenge(self, current: OperatorSession) -> bytes:
        challenge = secrets.token_bytes(32)
        ends_us = now_us() + CHALLENGE_S * 1_000_000
        self._storage.set_challenge(current.session.digest, challenge, ends_us)
        return challenge

    def _take_challenge(self, current: OperatorSession, refusal: str) -> bytes:
        challenge = self._storage.take_challenge(current.session.digest, now_us())
        if challenge is None:
            raise PasskeyRefused(refusal, "answered too late, or twice")
        return challenge


def show_id(row: PasskeyRow) -> str:
    """Return the id of a passkey as pages have it."""
    return bytes_to_base64url(row.credential_id)


def _descriptors(rows: Sequence[PasskeyRow]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=one.credential_id) for one in rows]


def _fit_name(name: str, others: Sequence[PasskeyRow]) -> str:
    """Return the name of a passkey without blanks around it. Raises ``Unfit``."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise Unfit(
            f"Give the passkey a name of up to {MAX_NAME_CHARACTERS} characters, such as My phone.",
            field="name",
        )
    if any(one.name.casefold() == name.casefold() for one in others):
        raise Unfit("You have a passkey of that name: choose another name.", field="name")
    return name


def _checked(refusal: str, check: Callable[[], T]) -> T:
    """Return what py_webauthn makes of an answer. Raises ``PasskeyRefused`` with ``refusal``."""
    try:
        return check()
    except _INVALID as error:
        # The type alone: what a browser sent may be anything.
        _log.warning("passkey refused", reason=type(error).__name__)
        raise PasskeyRefused(refusal) from error
