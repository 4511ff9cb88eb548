"""What operators do about themselves: the first of them, passwords, the second factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smsgate.domain.errors import LinkBroken, SignInRefused
from smsgate.features.operators import passwords, second_factor
from smsgate.features.operators.service import (
    By,
    action_of,
    digest_of,
    fit_name,
    fold,
    new_id,
    now_us,
)
from smsgate.features.operators.sessions import Known
from smsgate.features.operators.signing_in import CODE_REFUSED
from smsgate.records import Records
from smsgate.records.operator_actions import Action
from smsgate.records.operators import FIRST, OperatorRow
from smsgate.settings import Secret

GONE = (
    "This link opens nothing any more: it was used, or is too old, or a newer one took its place. "
    "Ask for another one."
)


class OwnAccount:
    """Raises ``RecordsUnavailable`` and ``RecordsNotReady`` wherever it asks."""

    def __init__(self, records: Records, keys: Sequence[Secret]) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._rows = records.operators
        self._sessions = records.sessions
        self._keys = keys

    def opens_first(self, token: str) -> None:
        """Raise ``LinkBroken`` unless the link lets somebody become the first admin."""
        if self._rows.linked(digest_of(token), now_us()) != FIRST:
            raise LinkBroken(GONE)

    def become_first(self, token: str, name: str, password: str, address: str) -> OperatorRow:
        """Make the first admin of all. Raises ``LinkBroken`` and ``Unfit``."""
        self.opens_first(token)
        told = fit_name(name)
        passwords.refuse_unfit(password, told)
        kept = passwords.hashed(password)
        row = OperatorRow(new_id(), told, fold(told), "admin", now_us(), told, kept)
        action = action_of("added", told, By(told, address), "as the first admin, by a link")
        if not self._rows.make_first(row, digest_of(token), action):
            raise LinkBroken(GONE)
        return row

    def whose(self, token: str) -> OperatorRow:
        """Whose password a link lets one set. Raises ``LinkBroken``."""
        id_ = self._rows.linked(digest_of(token), now_us())
        row = self._rows.by_id(id_) if id_ else None
        if row is None or row.ended_us:
            raise LinkBroken(GONE)
        return row

    def set_by_link(self, token: str, password: str, address: str) -> OperatorRow:
        """Set a password; the link is used up. Raises ``LinkBroken`` and ``Unfit``."""
        row = self.whose(token)
        action = action_of("password set", row.name, By(row.name, address), "by a link")
        if not self._set_password(row, password, action, spend=digest_of(token)):
            raise LinkBroken(GONE)
        return row

    def change_password(self, row: OperatorRow, password: str, address: str) -> OperatorRow:
        """Set another password; signs the operator out everywhere. Raises ``Unfit``."""
        action = action_of("password set", row.name, By(row.name, address))
        return self._set_password(row, password, action) or row

    def offer_factor(self) -> tuple[str, str]:
        """A new secret, sealed and in base32.

        Sealed, it may wait in a browser until a code shows that it has arrived.
        """
        secret = second_factor.new_secret()
        return second_factor.seal(secret, self._keys), secret

    def secret_of(self, sealed: str) -> str | None:
        """The secret in base32; None for what we did not seal."""
        return second_factor.unseal(sealed, self._keys)

    def turn_factor_on(self, known: Known, sealed: str, code: str, address: str) -> list[str]:
        """Ask for codes from now on; gives the recovery codes, this once.

        Ends every other session. Raises ``SignInRefused`` where the code is not right.
        """
        row, secret = known.operator, self.secret_of(sealed)
        step = second_factor.step_of(secret, code) if secret else None
        if step is None:
            raise SignInRefused(CODE_REFUSED)
        codes, kept = second_factor.make_recovery()
        values = {"totp_secret": sealed, "totp_step": step, "recovery": kept}
        self._change(row, values, "second factor on", address)
        ended = action_of("signed out", row.name, By(row.name, address), "everywhere else")
        self._sessions.end_others(row.id, known.session.digest, ended)
        return codes

    def turn_factor_off(self, row: OperatorRow, address: str) -> None:
        """Ask for no codes any more."""
        values = {"totp_secret": "", "totp_step": 0, "recovery": ""}
        self._change(row, values, "second factor off", address)

    def renew_recovery(self, row: OperatorRow, address: str) -> list[str]:
        """New recovery codes in the place of those that are left; gives them, this once."""
        codes, kept = second_factor.make_recovery()
        self._change(row, {"recovery": kept}, "recovery codes made", address)
        return codes

    def _set_password(
        self, row: OperatorRow, password: str, action: Action, spend: bytes = b""
    ) -> OperatorRow | None:
        """The operator with the new one; None where the link was not there to be spent."""
        passwords.refuse_unfit(password, row.name)
        kept = passwords.hashed(password)
        values = {"password_hash": kept, "failed": 0, "locked_until_us": 0}
        done = self._rows.change(row.id, values, action, spend=spend)
        return replace(row, password_hash=kept) if done else None

    def _change(self, row: OperatorRow, values: dict[str, Any], what: str, address: str) -> None:
        action = action_of(what, row.name, By(row.name, address))
        self._rows.change(row.id, values, action, end_sessions=False)
