"""Passkeys (WebAuthn) as a second factor: adding them, and checking one at sign-in.

py_webauthn checks type, challenge, origin, relying party, presence, user verification and
signature. What it compares with comes from the configuration and from the session, never from the
request. A challenge belongs to one session, is answered once, and expires. A passkey's counter is
compared in the statement that stores the new one, so of two answers at once only one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog
import webauthn
from sqlalchemy import ColumnElement, delete, select, update
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from smsgate.domain.errors import Unfit
from smsgate.features.operators import second_factor
from smsgate.features.operators.service import MAX_NAME_CHARACTERS, OperatorService
from smsgate.features.operators.sessions import CHALLENGE_S, OperatorSession, Sessions
from smsgate.features.operators.sign_in import FactorRefused
from smsgate.features.operators.storage import ActionAuthor, OperatorRow, now_us
from smsgate.records.console_tables import passkeys
from smsgate.records.database import upsert
from smsgate.records.reader import Row, rows_of

_ADDRESS = re.compile(r"[\d.]+|.*:.*")
_MAX_ID_BYTES = 1023
"""WebAuthn Level 2, 5.8.3."""
_INVALID = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What py_webauthn raises for an answer that is wrong, or no answer at all."""
NO_ADDRESS = (
    "Passkeys need an https address with a host name, or localhost. Ask whoever runs smsgate to "
    "set SMSGATE_PUBLIC_URL."
)
REFUSED = (
    "That passkey was not accepted, or it took longer than five minutes. Try again, or choose "
    "another way."
)
NOT_ADDED = "That passkey was not added, or it took longer than five minutes. Try again."
COPIED = (
    "That passkey was refused: its counter went back, so it may have been copied. Sign in another "
    "way, and remove the passkey on the page under your name."
)
_log = structlog.get_logger("smsgate.console")


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


class Passkeys:
    """The passkeys of operators. Raises ``RecordsUnavailable``."""

    def __init__(
        self, people: OperatorService, sessions: Sessions, party: RelyingParty | None
    ) -> None:
        self._people, self._sessions = people, sessions
        self.party = party
        """None where the console's address allows no passkeys."""

    def of(self, row: OperatorRow, *where: ColumnElement[bool]) -> list[Row]:
        """Return the operator's passkeys that fulfil all conditions, oldest first."""
        query = select(passkeys).where(passkeys.c.operator_id == row.id, *where)
        return rows_of(self._people.database, query.order_by(passkeys.c.made_us))

    def creation_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to make a passkey, as JSON. Raises ``Unfit``."""
        row = current.operator
        options = webauthn.generate_registration_options(
            rp_id=self._known_party().id,
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

    def add(
        self, current: OperatorSession, name: str, answer: str, author: ActionAuthor
    ) -> list[str]:
        """Add the passkey that a browser made; return new recovery codes, if there are none.

        Raises ``Unfit`` and ``FactorRefused``.
        """
        with self._asked(current, NOT_ADDED) as expected:
            name = " ".join(name.split())
            if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
                raise Unfit(f"Use a name of 1 to {MAX_NAME_CHARACTERS} characters.", field="name")
            made = webauthn.verify_registration_response(credential=answer, **expected)
            if len(made.credential_id) > _MAX_ID_BYTES:
                raise ValueError("its id is too long")
        row, keep = current.operator, current.digest
        values = {
            "credential_id": made.credential_id,
            "operator_id": row.id,
            "public_key": made.credential_public_key,
            "sign_count": made.sign_count,
            "name": name,
            "made_us": now_us(),
            "used_us": 0,
        }
        codes, kept = second_factor.first_recovery_codes(row.recovery)
        what, more = "passkey added", {"recovery": kept}
        with self._people.changing(row, what, author, name, more, keep) as connection:
            adding = upsert(connection, passkeys).on_conflict_do_nothing().values(values)
            if connection.execute(adding.returning(passkeys.c.made_us)).first() is None:
                raise Unfit("That passkey is registered already: use another one.")
        return codes

    def remove(self, current: OperatorSession, shown_id: str, author: ActionAuthor) -> str:
        """Remove a passkey, and the recovery codes with the last factor; return its name."""
        row, mine = current.operator, self.of(current.operator)
        found = next((one for one in mine if one.credential_id.hex() == shown_id), None)
        if found is None:
            raise Unfit("This passkey no longer exists: reload the page.")
        is_last = len(mine) == 1 and not row.totp_secret
        values = {"recovery": ""} if is_last else {}
        what, name, keep = "passkey removed", str(found.name), current.digest
        with self._people.changing(row, what, author, name, values, keep) as connection:
            which = passkeys.c.credential_id == found.credential_id
            connection.execute(delete(passkeys).where(which))
        return name

    def request_options(self, current: OperatorSession) -> str:
        """Return what a browser needs to sign in by a passkey, as JSON. Raises ``Unfit``."""
        options = webauthn.generate_authentication_options(
            rp_id=self._known_party().id,
            challenge=self._sessions.new_challenge(current),
            timeout=CHALLENGE_S * 1000,
            allow_credentials=self._descriptors(current.operator),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    def accept(self, current: OperatorSession, answer: str) -> str:
        """Return by which passkey a browser answered. Raises ``FactorRefused`` and ``Unfit``."""
        with self._asked(current, REFUSED) as expected:
            credential = parse_authentication_credential_json(answer)
            which = passkeys.c.credential_id == credential.raw_id
            mine = self.of(current.operator, which)
            if not mine:
                raise FactorRefused(REFUSED, "wrong passkey", "no passkey of this person")
            checked = webauthn.verify_authentication_response(
                credential=credential,
                credential_public_key=mine[0].public_key,
                credential_current_sign_count=0,  # compared where it is stored
                **expected,
            )
        count, kept = checked.new_sign_count, passkeys.c.sign_count
        # Two zeros are allowed: that authenticator does not count.
        forward = (kept < count) | ((kept == 0) & (count == 0))
        using = update(passkeys).where(forward, which)
        with self._people.database.writing() as connection:
            used = connection.execute(using.values(sign_count=count, used_us=now_us()))
        if used.rowcount != 1:
            note = f"{mine[0].name}: its counter went back, it may have been copied"
            raise FactorRefused(COPIED, "wrong passkey", note)
        return f"with passkey {mine[0].name}"

    def _descriptors(self, row: OperatorRow) -> list[PublicKeyCredentialDescriptor]:
        return [PublicKeyCredentialDescriptor(id=one.credential_id) for one in self.of(row)]

    def _known_party(self) -> RelyingParty:
        if self.party is None:
            raise Unfit(NO_ADDRESS)
        return self.party

    @contextmanager
    def _asked(self, current: OperatorSession, refusal: str) -> Iterator[dict[str, Any]]:
        """What an answer to the challenge of this session is compared with, once.

        Raises ``FactorRefused`` with ``refusal``, also for what py_webauthn refuses.
        """
        party, challenge = self._known_party(), self._sessions.take_challenge(current)
        if challenge is None:
            raise FactorRefused(refusal, "wrong passkey", "answered too late, or twice")
        try:
            yield {
                "expected_challenge": challenge,
                "expected_rp_id": party.id,
                "expected_origin": party.origin,
                "require_user_verification": True,
            }
        except _INVALID as error:
            # The type alone: what a browser sent may be anything.
            _log.warning("passkey refused", reason=type(error).__name__)
            raise FactorRefused(refusal, "wrong passkey") from error
