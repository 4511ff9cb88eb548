"""Signing in to the console: password, second factor, and limits against guessing.

Every attempt is counted before it is checked, and given back where it was right; so attempts at
once gain nothing. Passwords are counted by name and origin, and by address over all names (see
``sign_in_limits.py``): an attacker keeps nobody out who comes from elsewhere or from a browser in
which they have signed in before. Codes of the second factor are few enough to be guessed from many
addresses, and wait behind the right password: they are counted by operator, together with passkeys.
A refusal is the same sentence after the same work, whether the name is unknown or the password
wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from smsgate.domain.errors import StoreUnavailable, TooManyGuesses
from smsgate.features.operators import passwords, second_factor
from smsgate.features.operators.errors import SignInRefused
from smsgate.features.operators.passkeys import REFUSED as PASSKEY_REFUSED
from smsgate.features.operators.passkeys import PasskeyRefused, Passkeys, RelyingParty
from smsgate.features.operators.service import fold_email, fold_name, now_us, token_digest
from smsgate.features.operators.session_storage import SessionRow, SessionStorage
from smsgate.features.operators.sessions import (
    HALF_S,
    IDLE_S,
    LASTS_S,
    PROOF_S,
    OperatorSession,
    Visitor,
    own_action,
)
from smsgate.features.operators.sign_in_limits import (
    MAX_ATTEMPTS,
    WINDOW_S,
    AttemptCounter,
    Device,
    FairQueue,
    make_device_token,
    new_device,
    read_device_token,
)
from smsgate.features.operators.storage import (
    ActionLog,
    OperatorAction,
    OperatorRow,
    OperatorStorage,
)
from smsgate.records import Records
from smsgate.settings import Secret
from smsgate.store import Store

LOCK_S = WINDOW_S
MAX_LOGGED = 100
"""Wrong passwords for one operator, from everywhere in one window, that have a line each."""
_AT_ONCE, _MAX_WAITING, _WAIT_S = 4, 24, 5.0
"""Attempts that one process checks at once, how many may wait, and how long. Its threads answer
other requests as well, and a crowd that signs in must not keep them from that."""
_KNOWN_AT_ONCE, _MAX_KNOWN_WAITING = 2, 12
"""The same of known browsers and sessions. Nobody can make those up, so that no crowd, from however
many addresses it comes, is before them."""
_CODE = "\0code"
"""Counts codes in place of a name; no name is like it."""
_EVERYWHERE = "everywhere"
"""Counts the wrong passwords from all origins; no origin is called so."""
_HOUR_US = 3600 * 1_000_000
_S = 1_000_000
REFUSED = (
    "Sign-in failed: the name or the password is wrong, or there were too many attempts from here. "
    f"After {MAX_ATTEMPTS} attempts wait {LOCK_S // 60} minutes, or ask an admin for a new link."
)
CODE_REFUSED = (
    "That code is wrong, expired, or was used before. Wait for the next one; after "
    f"{MAX_ATTEMPTS} attempts wait {LOCK_S // 60} minutes."
)
NOT_INVITED = (
    "No one in smsgate uses this e-mail address, or the provider has not verified it. Ask an "
    "admin to add you with it on the page People."
)
TOO_MANY = "Too many attempts to sign in came from your address; wait 15 minutes."
UNREADABLE = (
    "Your second factor cannot be checked: none of SMSGATE_SECRET_KEYS encrypted it. Ask an admin "
    "to remove it: `smsgate operators reset NAME --second-factor`."
)
_log = structlog.get_logger("smsgate.console")


@dataclass(frozen=True, slots=True)
class ProvidedPerson:
    """Who signed in at the provider of single sign-on."""

    subject: str
    """A hash of issuer and subject, which never change for a person."""
    email: str
    """Empty unless the provider has verified it."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun."""

    token: str = field(repr=False)
    """For the browser's cookie; it is kept nowhere else."""
    half: bool
    device: str = field(default="", repr=False)
    """The browser's device token from now on; empty where the session is half."""


class SignIn:
    """Checks passwords and codes, and begins sessions. Raises what ``Sessions`` raises."""

    def __init__(
        self,
        records: Records,
        store: Store,
        keys: Sequence[Secret],
        party: RelyingParty | None = None,
    ) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one.

        ``party`` is for whom passkeys are made, None where the address allows none.
        """
        self._operators = OperatorStorage(records.database)
        self._sessions = SessionStorage(records.database)
        self._actions = ActionLog(records.database)
        self._addresses = store.sign_ins
        self._attempts = AttemptCounter(store.attempts, keys)
        self._keys = keys
        self._passkeys = Passkeys(records, party)
        self._queue = FairQueue(_AT_ONCE, _MAX_WAITING, _WAIT_S)
        self._known_queue = FairQueue(_KNOWN_AT_ONCE, _MAX_KNOWN_WAITING, _WAIT_S)

    def by_password(self, name: str, password: str, visitor: Visitor, instead: str) -> NewSession:
        """Check a name and a password; where there is a second factor, the session is half.

        ``instead`` is the token that the browser had before; it opens nothing any more. Raises
        ``SignInRefused`` and ``TooManyGuesses``.
        """
        row = self._operators.find(fold_name(name))
        device = self._device(row, visitor)
        origin = _origin(device, visitor)
        # Attackers who have to wait are turned away before they stand in others' way.
        if device is None and visitor.counted:
            with suppress(StoreUnavailable):
                if self._addresses.too_many(visitor.counted):
                    raise TooManyGuesses(TOO_MANY)
        if self._attempts.used_up(origin, fold_name(name)):
            self._log_wrong_password(row, MAX_ATTEMPTS + 1, visitor)
            raise SignInRefused(REFUSED)
        queue = self._queue if device is None else self._known_queue
        with queue.slot(origin):
            if device is None:
                self._claim_address(visitor)
            number = self._attempts.count(origin, fold_name(name))
            kept = row.password_hash if row else ""
            right = number <= MAX_ATTEMPTS and passwords.is_right(password, kept)
            if row is None or not right or row.ended_us:
                self._log_wrong_password(row, number, visitor)
                raise SignInRefused(REFUSED)
            self._attempts.clear(origin, fold_name(name))
            if device is None:
                self._forgive_address(visitor)
            if passwords.is_outdated(kept):
                better = passwords.hash_password(password)
                self._operators.swap(row.id, "password_hash", kept, better)
                row = replace(row, password_hash=better)
            return self._start(row, visitor, token_digest(instead), half=row.has_second_factor)

    def by_code(self, current: OperatorSession, code: str, visitor: Visitor) -> NewSession:
        """Check the code of the second factor, or a recovery code, after the password.

        Raises ``SignInRefused`` and ``TooManyGuesses``.
        """
        refusal = SignInRefused(CODE_REFUSED, field="code")
        return self._by_factor(
            current, visitor, lambda: self._accept_code(current.operator, code), refusal
        )

    def by_passkey(self, current: OperatorSession, answer: str, visitor: Visitor) -> NewSession:
        """Check a browser's answer by a passkey, after the password.

        Counted together with codes. Raises ``SignInRefused``, ``TooManyGuesses`` and ``Unfit``.
        """
        return self._by_factor(
            current,
            visitor,
            lambda: f"with passkey {self._passkeys.check(current, answer).name}",
            PasskeyRefused(PASSKEY_REFUSED),
        )

    def _by_factor(
        self,
        current: OperatorSession,
        visitor: Visitor,
        accept: Callable[[], str],
        refusal: SignInRefused,
    ) -> NewSession:
        """Begin a whole session where ``accept`` returns with what; else it raises.

        Who has to wait gets ``refusal``, whatever the factor is worth.
        """
        row = current.operator
        device = self._device(row, visitor)
        if device is not None:
            free = self._attempts.count(_origin(device, visitor), _CODE) <= MAX_ATTEMPTS
        else:
            self._claim_address(visitor)
            hourly, lock_us = _hourly_action(row, visitor), LOCK_S * _S
            free = self._sessions.claim_attempt(row.id, now_us(), MAX_ATTEMPTS, lock_us, hourly)
        if not free:
            self._log_refusal(_hourly_action(row, visitor))
            raise refusal
        try:
            note = accept()
        except SignInRefused as error:
            what, note = "wrong code", ""
            if isinstance(error, PasskeyRefused):
                what, note = "wrong passkey", error.note
            if row.failed + 1 >= MAX_ATTEMPTS and not row.locked_until_us:
                note = "; ".join(filter(None, (note, f"locked for {LOCK_S // 60} minutes")))
            self._log_refusal(own_action(what, row, visitor, note))
            raise
        if device is None:
            self._forgive_address(visitor)
        else:
            self._attempts.clear(_origin(device, visitor), _CODE)
        return self._start(row, visitor, current.session.digest, note=note)

    def prove(self, current: OperatorSession, password: str, visitor: Visitor) -> None:
        """Check the password again, so that an open screen alone does not suffice.

        Counted by the session, which nobody else has. Raises ``SignInRefused`` and
        ``TooManyGuesses``.
        """
        row, origin = current.operator, f"session {current.session.digest.hex()}"
        if not row.password_hash:
            raise SignInRefused(
                "You have no password: sign out, sign in again by single sign-on, and do this "
                f"within {PROOF_S // 60} minutes.",
                field="password",
            )
        with self._known_queue.slot(origin):
            number = self._attempts.count(origin, row.id)
            right = number <= MAX_ATTEMPTS and passwords.is_right(password, row.password_hash)
        if not right:
            self._log_wrong_password(row, number, visitor)
            raise SignInRefused(
                "That is not your password, or there were too many attempts.", field="password"
            )
        self._attempts.clear(origin, row.id)
        self._sessions.change(current.session.digest, {"proved_us": now_us()})

    def by_provider(self, person: ProvidedPerson, visitor: Visitor, instead: str) -> NewSession:
        """Sign in whom the provider of single sign-on names, if an admin has added them.

        By the subject that they are bound to; the first time, by the verified e-mail address. A
        second factor of ours is asked for as after a password. Raises ``SignInRefused``.
        """
        row = self._operators.by_subject(person.subject)
        if row is None and person.email:
            row = self._operators.by_email(fold_email(person.email))
            if row is not None and not row.ended_us:
                action = own_action("single sign-on bound", row, visitor, person.email)
                if not self._operators.bind(row.id, person.subject, action):
                    row = None  # bound to somebody else, who had the address before
        if row is None or row.ended_us:
            self._actions.add(_hourly_action(None, visitor))
            _log.warning("sign-in refused", reason="not invited")
            raise SignInRefused(NOT_INVITED)
        return self._start(
            row,
            visitor,
            token_digest(instead),
            half=row.has_second_factor,
            note="by single sign-on",
        )

    def begin(self, row: OperatorRow, visitor: Visitor, instead: str = "") -> NewSession:
        """Begin a session for an operator who was authenticated by other means."""
        return self._start(row, visitor, token_digest(instead))

    def device_token(self, row: OperatorRow, visitor: Visitor) -> str:
        """Return the browser's device token for the operator: the one that it has, or a new one."""
        return make_device_token(self._device(row, visitor) or new_device(row.id), self._keys)

    def _device(self, row: OperatorRow | None, visitor: Visitor) -> Device | None:
        """Return the browser's device; None where it is not known for this operator."""
        device = read_device_token(visitor.device, self._keys)
        known = device is not None and row is not None and device.operator_id == row.id
        return device if known else None

    def _start(
        self,
        row: OperatorRow,
        visitor: Visitor,
        instead: bytes,
        *,
        half: bool = False,
        note: str = "",
    ) -> NewSession:
        token, now = secrets.token_urlsafe(32), now_us()
        session = SessionRow(
            digest=token_digest(token),
            operator_id=row.id,
            made_us=now,
            seen_us=now,
            ends_us=now + (HALF_S if half else LASTS_S) * _S,
            proved_us=now,
            half=half,
            browser=visitor.browser,
            address=visitor.address,
        )
        action = None if half else own_action("signed in", row, visitor, note)
        if not self._sessions.start(
            session, action, kept=row.password_hash, instead=instead, idle_us=IDLE_S * _S
        ):
            raise SignInRefused(REFUSED)
        return NewSession(token, half, "" if half else self.device_token(row, visitor))

    def _accept_code(self, row: OperatorRow, code: str) -> str:
        """Return how the code was right. Raises ``SignInRefused``."""
        secret = second_factor.decrypt(row.totp_secret, self._keys)
        step = second_factor.find_step(secret, code) if secret else None
        if step is not None and self._sessions.take_step(row.id, step):
            renewed = second_factor.encrypt_anew(row.totp_secret, self._keys)
            if renewed is not None:  # the secret keys were rotated
                self._operators.swap(row.id, "totp_secret", row.totp_secret, renewed)
            return "with second factor"
        rest = second_factor.use_recovery_code(row.recovery, code)
        if rest is not None and self._sessions.take_recovery(row.id, row.recovery, rest):
            left = second_factor.count_recovery_codes(rest)
            return f"with a recovery code, {left} are left"
        if row.totp_secret and secret is None:
            raise SignInRefused(UNREADABLE)
        raise SignInRefused(CODE_REFUSED, field="code")

    def _log_refusal(self, action: OperatorAction) -> None:
        self._actions.add(action)
        _log.warning("sign-in refused", reason=action.what)

    def _claim_address(self, visitor: Visitor) -> None:
        with suppress(StoreUnavailable):  # the count by operator goes on without the store
            if visitor.counted and not self._addresses.claim(visitor.counted):
                raise TooManyGuesses(TOO_MANY)

    def _forgive_address(self, visitor: Visitor) -> None:
        with suppress(StoreUnavailable):
            if visitor.counted:
                self._addresses.forgive(visitor.counted)

    def _log_wrong_password(self, row: OperatorRow | None, number: int, visitor: Visitor) -> None:
        """Log it: once an hour for an origin that has to wait, and for guesses from everywhere."""
        action = own_action("wrong password", row, visitor)
        if row is None or number > MAX_ATTEMPTS:
            action = _hourly_action(row, visitor)
        elif self._attempts.count(_EVERYWHERE, row.id) > MAX_LOGGED:
            note = f"and more than {MAX_LOGGED} others within {WINDOW_S // 60} minutes"
            action = replace(action, note=note, id=f"{_hourly_action(row, visitor).id}-more")
        elif number == MAX_ATTEMPTS:
            action = replace(action, note=f"waits {LOCK_S // 60} minutes there")
        self._actions.add(action)
        if number <= MAX_ATTEMPTS:
            _log.warning("sign-in refused", reason=action.what)


def _origin(device: Device | None, visitor: Visitor) -> str:
    """Return where attempts are counted to come from: a known browser, else an address.

    A proxy that is not trusted has one address for all; then they are counted together.
    """
    if device is not None:
        return f"device {device.name}"
    return f"address {visitor.counted or visitor.address}"


def _hourly_action(row: OperatorRow | None, visitor: Visitor) -> OperatorAction:
    """Return one action an hour for unknown names, and for each operator who has to wait.

    So attackers do not fill the log. What was typed as a name is not kept: it may be a password.
    """
    action = own_action("tried while locked" if row else "unknown name", row, visitor)
    hour_us = action.at_us - action.at_us % _HOUR_US
    return replace(action, id=f"{hour_us:016d}-{row.id if row else 'unknown'}")
