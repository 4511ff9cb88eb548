"""Signing in to the console: password, second factor, sessions, and what guessing meets.

Every attempt is counted before it is looked at, and given back where it was right; so attempts at
once gain nothing. Passwords are counted by name and the place that they come from, and by address
over all names (see ``attempts.py``): whoever guesses keeps nobody out who comes from elsewhere or
from a browser in which they have signed in before. Codes of the second factor are few enough to be
guessed from many addresses, and wait behind the right password: they are counted by operator. A
refusal is the same sentence after the same work, whether the name is unknown or the password wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

from smsgate.domain.errors import SignInRefused, StoreUnavailable, TooManyGuesses
from smsgate.features.operators import passwords, second_factor
from smsgate.features.operators.attempts import MOST_ATTEMPTS, WINDOW_S, Attempts, FairLine
from smsgate.features.operators.devices import Device, device_of, new_device, token_of
from smsgate.features.operators.service import digest_of, fold, now_us
from smsgate.features.operators.sessions import IDLE_S, LASTS_S, Known, Visitor, visited
from smsgate.records import Records
from smsgate.records.operator_actions import Action
from smsgate.records.operators import OperatorRow
from smsgate.records.sessions import SessionRow
from smsgate.settings import Secret
from smsgate.store import Store

HALF_S = 600
"""How long the second page of signing in may take."""
LOCK_S = WINDOW_S
_AT_ONCE, _MOST_WAITING, _WAIT_S = 4, 24, 5.0
"""Attempts that one process looks at together, how many may wait, and how long. Its threads answer
other requests as well, and a crowd at this door must not keep them from that."""
_KNOWN_AT_ONCE, _MOST_KNOWN_WAITING = 2, 12
"""The same of browsers and sessions that are known. Nobody can make those up, so that no crowd,
from however many addresses it comes, stands before them."""
_CODE = "\0code"
"""Stands for the name where codes are counted; no name has it."""
_EVERYWHERE = "everywhere"
"""Stands for the place where wrong passwords are counted that are noted; no place is called so."""
MOST_NOTED = 100
"""Wrong passwords for one operator, from all places in one window, that have a line each."""
_HOUR_US = 3600 * 1_000_000
_S = 1_000_000
REFUSED = (
    "That did not let you in: name and password do not fit together, or there were too many "
    f"attempts from here. After {MOST_ATTEMPTS} of them wait {LOCK_S // 60} minutes, or ask an "
    "admin for a new link."
)
CODE_REFUSED = (
    "That code was not taken: it is not right, not of this half minute, or was used before. Wait "
    f"for the next one; after {MOST_ATTEMPTS} attempts wait {LOCK_S // 60} minutes."
)
TOO_MANY = "Too many attempts to sign in came from your address; wait 15 minutes."
UNREADABLE = (
    "Your second factor cannot be checked any more: none of SMSGATE_SECRET_KEYS sealed it. Ask an "
    "admin to take it away: `smsgate operators reset NAME --second-factor`."
)
_log = structlog.get_logger("smsgate.console")


@dataclass(frozen=True, slots=True)
class Started:
    """A session that has just begun."""

    token: str = field(repr=False)
    """For the browser's cookie; it is kept nowhere else."""
    half: bool
    device: str = field(default="", repr=False)
    """By which the browser is known from now on; empty where the session is half."""


class SigningIn:
    """The way in. Raises ``RecordsUnavailable`` and ``RecordsNotReady`` wherever it asks."""

    def __init__(self, records: Records, store: Store, keys: Sequence[Secret]) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._rows = records.operators
        self._sessions = records.sessions
        self._actions = records.actions
        self._guesses = store.sign_ins
        self._attempts = Attempts(store.attempts, keys)
        self._keys = keys
        self._line = FairLine(_AT_ONCE, _MOST_WAITING, _WAIT_S)
        self._known_line = FairLine(_KNOWN_AT_ONCE, _MOST_KNOWN_WAITING, _WAIT_S)

    def by_password(self, name: str, password: str, visitor: Visitor, instead: str) -> Started:
        """Take a name and a password; where there is a second factor, the session is half.

        ``instead`` is the token that the browser had before; it opens nothing any more. Raises
        ``SignInRefused`` and ``TooManyGuesses``.
        """
        row = self._rows.find(fold(name))
        device = device_of(visitor.device, self._keys)
        if device is not None and (row is None or device.operator_id != row.id):
            device = None  # known, but not for this name
        self._check_free(row, name, visitor, device)
        line = self._line if device is None else self._known_line
        with line.turn(_place(device, visitor)):
            return self._by_password(row, name, password, visitor, instead, device)

    def _check_free(
        self, row: OperatorRow | None, name: str, visitor: Visitor, device: Device | None
    ) -> None:
        """Turn away whoever has to wait, before they stand in others' way in the line."""
        if device is None:
            with suppress(StoreUnavailable):
                if visitor.counted and self._guesses.too_many(visitor.counted):
                    raise TooManyGuesses(TOO_MANY)
        if self._attempts.used_up(_place(device, visitor), fold(name)):
            self._note_wrong_password(row, MOST_ATTEMPTS + 1, visitor)
            raise SignInRefused(REFUSED)

    def _by_password(
        self,
        row: OperatorRow | None,
        name: str,
        password: str,
        visitor: Visitor,
        instead: str,
        device: Device | None,
    ) -> Started:
        place = _place(device, visitor)
        if device is None:
            self._claim_address(visitor)
        number = self._attempts.number(place, fold(name))
        right = number <= MOST_ATTEMPTS and passwords.is_right(
            password, row.password_hash if row else ""
        )
        if row is None or not right or row.ended_us:
            self._note_wrong_password(row, number, visitor)
            raise SignInRefused(REFUSED)
        self._attempts.clear(place, fold(name))
        if device is None:
            self._forgive_address(visitor)
        if passwords.is_outdated(row.password_hash):
            row = self._hash_anew(row, password)
        return self._start(row, visitor, digest_of(instead), half=bool(row.totp_secret))

    def by_code(self, known: Known, code: str, visitor: Visitor) -> Started:
        """Take the code of the second factor, or a recovery code, after the password.

        Raises ``SignInRefused`` and ``TooManyGuesses``.
        """
        row = known.operator
        device = device_of(visitor.device, self._keys)
        if device is not None and device.operator_id == row.id:
            free = self._attempts.number(_place(device, visitor), _CODE) <= MOST_ATTEMPTS
        else:
            device = None
            self._claim_address(visitor)
            free = self._claim(row, visitor)
        note = self._code_taken(row, code) if free else ""
        if not note:
            self._note_wrong_code(row, free, visitor)
            raise SignInRefused(CODE_REFUSED)
        if device is None:
            self._forgive_address(visitor)
        else:
            self._attempts.clear(_place(device, visitor), _CODE)
        return self._start(row, visitor, known.session.digest, note=note)

    def prove(self, known: Known, password: str, visitor: Visitor) -> None:
        """Take the password again, for what must not be done by whoever finds a screen open.

        Counted by the session, which nobody else has. Raises ``SignInRefused`` and
        ``TooManyGuesses``.
        """
        row, place = known.operator, f"session {known.session.digest.hex()}"
        with self._known_line.turn(place):
            number = self._attempts.number(place, row.id)
            right = number <= MOST_ATTEMPTS and passwords.is_right(password, row.password_hash)
        if not right:
            self._note_wrong_password(row, number, visitor)
            raise SignInRefused("That is not your password, or there were too many attempts.")
        self._attempts.clear(place, row.id)
        self._sessions.change(known.session.digest, {"proved_us": now_us()})

    def begin(self, row: OperatorRow, visitor: Visitor, instead: str = "") -> Started:
        """A session for somebody who has just shown by other means who they are."""
        return self._start(row, visitor, digest_of(instead))

    # --- inside -----------------------------------------------------------------------------

    def _start(
        self,
        row: OperatorRow,
        visitor: Visitor,
        instead: bytes,
        *,
        half: bool = False,
        note: str = "",
    ) -> Started:
        token, now = secrets.token_urlsafe(32), now_us()
        session = SessionRow(
            digest=digest_of(token),
            operator_id=row.id,
            made_us=now,
            seen_us=now,
            ends_us=now + (HALF_S if half else LASTS_S) * _S,
            proved_us=now,
            half=half,
            browser=visitor.browser,
            address=visitor.address,
        )
        action = None if half else visited("signed in", row, visitor, note)
        if not self._sessions.start(
            session, action, kept=row.password_hash, instead=instead, idle_us=IDLE_S * _S
        ):
            raise SignInRefused(REFUSED)
        return Started(token, half, "" if half else self.device_token(row, visitor))

    def device_token(self, row: OperatorRow, visitor: Visitor) -> str:
        """By which a browser is known for the operator: the one that it has, or a new one."""
        device = device_of(visitor.device, self._keys)
        if device is None or device.operator_id != row.id:
            device = new_device(row.id)
        return token_of(device, self._keys)

    def _hash_anew(self, row: OperatorRow, password: str) -> OperatorRow:
        better = passwords.hashed(password)
        self._rows.swap(row.id, "password_hash", row.password_hash, better)
        return replace(row, password_hash=better)

    def _code_taken(self, row: OperatorRow, code: str) -> str:
        """How the code was right; empty where it was not."""
        secret = second_factor.unseal(row.totp_secret, self._keys)
        step = second_factor.step_of(secret, code) if secret else None
        if step is not None and self._sessions.take_step(row.id, step):
            self._reseal(row)
            return "with second factor"
        rest = second_factor.spend(row.recovery, code)
        if rest is not None and self._sessions.take_recovery(row.id, row.recovery, rest):
            return f"with a recovery code, {second_factor.left(rest)} are left"
        if secret is None:
            raise SignInRefused(UNREADABLE)
        return ""

    def _reseal(self, row: OperatorRow) -> None:
        """After a rotation of the secrets the newest one seals."""
        sealed = second_factor.reseal(row.totp_secret, self._keys)
        if sealed is not None:
            self._rows.swap(row.id, "totp_secret", row.totp_secret, sealed)

    def _claim(self, row: OperatorRow, visitor: Visitor) -> bool:
        """Count an attempt at a code; False where the operator has to wait."""
        lock_us, otherwise = LOCK_S * _S, _hourly(row, visitor)
        return self._sessions.claim_attempt(row.id, now_us(), MOST_ATTEMPTS, lock_us, otherwise)

    def _claim_address(self, visitor: Visitor) -> None:
        with suppress(StoreUnavailable):  # the count by operator goes on without the store
            if visitor.counted and not self._guesses.claim(visitor.counted):
                raise TooManyGuesses(TOO_MANY)

    def _forgive_address(self, visitor: Visitor) -> None:
        with suppress(StoreUnavailable):
            if visitor.counted:
                self._guesses.forgive(visitor.counted)

    def _note_wrong_password(self, row: OperatorRow | None, number: int, visitor: Visitor) -> None:
        """Keep it; one line an hour of a place that has to wait, and of guesses from everywhere."""
        action = visited("wrong password", row, visitor)
        if row is None or number > MOST_ATTEMPTS:
            action = _hourly(row, visitor)
        elif self._attempts.number(_EVERYWHERE, row.id) > MOST_NOTED:
            note = f"and more than {MOST_NOTED} others within {WINDOW_S // 60} minutes"
            action = replace(action, note=note, id=f"{_hourly(row, visitor).id}-more")
        elif number == MOST_ATTEMPTS:
            action = replace(action, note=f"waits {LOCK_S // 60} minutes there")
        self._actions.add(action)
        if number <= MOST_ATTEMPTS:
            _log.warning("sign-in refused", reason=action.what)

    def _note_wrong_code(self, row: OperatorRow, free: bool, visitor: Visitor) -> None:
        """Keep it."""
        action = visited("wrong code", row, visitor)
        if not free:
            action = _hourly(row, visitor)
        elif row.failed + 1 >= MOST_ATTEMPTS and not row.locked_until_us:
            action = replace(action, note=f"locked for {LOCK_S // 60} minutes")
        self._actions.add(action)
        _log.warning("sign-in refused", reason=action.what)


def _place(device: Device | None, visitor: Visitor) -> str:
    """Where attempts come from, as they are counted: a browser that is known, else an address.

    A proxy that is not trusted has one address for all; then they are counted together.
    """
    if device is not None:
        return f"device {device.name}"
    return f"address {visitor.counted or visitor.address}"


def _hourly(row: OperatorRow | None, visitor: Visitor) -> Action:
    """One line an hour for names that nobody has, and for each who has to wait: no more fills up.

    What was typed as a name is not kept: it may be a password.
    """
    action = visited("tried while locked" if row else "unknown name", row, visitor)
    hour_us = action.at_us - action.at_us % _HOUR_US
    return replace(action, id=f"{hour_us:016d}-{row.id if row else 'unknown'}")
