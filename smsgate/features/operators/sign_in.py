"""Signing in to the console: passwords, and limits against guessing.

Every attempt is counted before it is checked, and given back where it was right; so attempts at
once gain nothing. Passwords are counted by name and origin, by address over all names, and by name
over all origins; codes and passkeys wait behind the right password and are counted by operator. An
origin is a known browser, else an address; a known browser has attempts of its own, which nobody
else can use up. A refusal is the same sentence after the same work, whether the name is unknown or
the password wrong.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from typing import TypeAlias

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from limits import RateLimitItem, RateLimitItemPerMinute
from pydantic import SecretStr
from sqlalchemy import exists, select, update

from smsgate.domain.errors import TooManyGuesses
from smsgate.features.operators import passwords
from smsgate.features.operators.factors import CODE_REFUSED, FactorRefused
from smsgate.features.operators.service import (
    FIRST,
    ActionAuthor,
    OperatorRow,
    OperatorService,
    SignInRefused,
    find_operators,
    fold_name,
    insert,
    lock_unchanged,
    log_action,
    now_us,
    use_link,
)
from smsgate.features.operators.sessions import PROOF_S, OperatorSession, Visitor
from smsgate.records.console_tables import operator_actions, operators
from smsgate.records.database import lookup
from smsgate.web.limits import Limits, slot

MAX_ATTEMPTS = 8
"""Wrong attempts of one origin at one name in a window; after that it waits."""
MAX_OF_ADDRESS = 30
"""The same of one address, over all names."""
MAX_OF_NAME = 20
"""The same at one name by all browsers that are not known: at most 100 in any hour."""
_KNOWN_ADDRESS_US = 90 * 24 * 3600 * 1_000_000
_MINUTES = 15
_BY_ORIGIN = RateLimitItemPerMinute(MAX_ATTEMPTS, _MINUTES)
_BY_ADDRESS = RateLimitItemPerMinute(MAX_OF_ADDRESS, _MINUTES)
_BY_NAME = RateLimitItemPerMinute(MAX_OF_NAME, _MINUTES)
Claims: TypeAlias = Sequence[tuple[RateLimitItem, str]]
"""What an attempt counts for."""
REFUSED = (
    "Sign-in failed: the name or the password is wrong, or there were too many attempts from here. "
    f"After {MAX_ATTEMPTS} attempts wait {_MINUTES} minutes, or ask an admin for a new link."
)
NOT_INVITED = (
    "No one in smsgate uses this e-mail address, or the provider has not verified it. Ask an "
    "admin to add you with it on the page People."
)
TOO_MANY = f"Too many attempts to sign in came from your address; wait {_MINUTES} minutes."
NO_PASSWORD = (
    "You have no password: sign out, sign in again by single sign-on, and do this within "
    f"{PROOF_S // 60} minutes."
)
NOT_YOURS = "That is not your password, or there were too many attempts."
_HOURLY = ("unknown name", "attempt while locked")
"""Refusals that are one line an hour in the log."""
_log = structlog.get_logger("smsgate.console")


class SignIn:
    """Sets and checks passwords, and counts attempts. Raises ``RecordsUnavailable``."""

    def __init__(self, people: OperatorService, limits: Limits, keys: Sequence[SecretStr]) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._people, self._database, self._limits = people, people.database, limits
        self._key = keys[0].get_secret_value().encode()
        # itsdangerous signs with the last key.
        newest_last = [one.get_secret_value() for one in reversed(keys)]
        self._devices = URLSafeSerializer(newest_last, "device")
        self._strangers, self._known = threading.Semaphore(12), threading.Semaphore(8)
        """Known browsers and sessions, which nobody can make up, find a place in any crowd."""

    def set_password(
        self, row: OperatorRow, password: str, address: str, token: str = "", *, first: bool = False
    ) -> OperatorRow:
        """Set an operator's password, and use up the link if one is given; ends every session.

        With ``first`` the link adds the row, as the first of all. Raises ``LinkBroken``, ``Unfit``
        and ``SignInRefused``.
        """
        passwords.refuse_unfit(password, row.name)
        hashed = passwords.hash_password(password)
        author, values = ActionAuthor(row.name, address), {"password_hash": hashed}
        note = "by a link" if token else ""
        with self._people.changing(row, "password set", author, note, values) as connection:
            if token:
                use_link(connection, token, FIRST if first else row.id)
            if first:
                insert(connection, operators, asdict(row))
                log_action(connection, "person added", row.name, author, "as the first admin")
            lock_unchanged(connection, row)
        return replace(row, password_hash=hashed)

    def by_password(self, name: str, password: str, visitor: Visitor) -> OperatorRow:
        """Return whose name and password it is. Raises ``SignInRefused``, ``TooManyGuesses``."""
        folded = fold_name(name)
        rows = find_operators(self._database, operators.c.folded == lookup(folded))
        row = rows[0] if rows else None
        device = self._device(row, visitor)
        claims = self._password_claims(folded, visitor, device)
        used_up = self._claim(claims)
        if used_up is _BY_ADDRESS:
            raise TooManyGuesses(TOO_MANY)
        if used_up is _BY_NAME and not device and self._is_known_address(row, visitor):
            known = [(_BY_NAME, f"known {folded}")]
            claims, used_up = [*known, *claims], self._claim(known)
        if used_up:
            raise self._refusal(row, visitor, "attempt while locked" if row else "unknown name")
        kept = row.password_hash if row else ""
        is_right = _is_right(password, kept, self._known if device else self._strangers)
        if row is None or not is_right or row.ended_us:
            raise self._refusal(row, visitor, "wrong password" if row else "unknown name")
        self._claim(claims, -1)
        return row

    def prove(self, current: OperatorSession, password: str, visitor: Visitor) -> None:
        """Check the password again, so that an open screen alone does not suffice.

        Counted by the session, which nobody else has. Raises ``SignInRefused``.
        """
        row, refusal = current.operator, FactorRefused(NOT_YOURS, "wrong password")
        if not row.password_hash:
            raise SignInRefused(NO_PASSWORD, field="password")
        claims = [(_BY_ORIGIN, f"session {current.digest.hex()}")]
        with self._counted(row, visitor, claims, refusal):
            if not _is_right(password, row.password_hash, self._known):
                raise refusal

    def counting_factors(self, row: OperatorRow, visitor: Visitor) -> AbstractContextManager[None]:
        """Count an attempt at a second factor, which raises ``FactorRefused`` if it is wrong."""
        device = self._device(row, visitor)
        claims = [(_BY_ORIGIN, f"factor {device or row.id}"), (_BY_NAME, f"factors {row.id}")]
        return self._counted(row, visitor, claims, FactorRefused(CODE_REFUSED))

    @contextmanager
    def _counted(
        self, row: OperatorRow, visitor: Visitor, claims: Claims, locked: FactorRefused
    ) -> Iterator[None]:
        """Count an attempt before it is made; ``locked`` refuses one too many."""
        if self._claim(claims):
            raise self._refusal(row, visitor, "attempt while locked", locked)
        try:
            yield
        except FactorRefused as error:
            raise self._refusal(row, visitor, error.what, error, error.note) from None
        self._claim(claims, -1)

    def by_provider(self, subject: str, email: str, visitor: Visitor) -> OperatorRow:
        """Return whom the provider of single sign-on names, if an admin has added them.

        By the subject that they are bound to; the first time, by the verified e-mail address.
        Raises ``SignInRefused``.
        """
        able = operators.c.ended_us == 0
        rows = find_operators(self._database, operators.c.subject == subject)
        if not rows and email:
            address, free = lookup(email.strip().casefold()), operators.c.subject == ""
            rows = find_operators(self._database, able & free & (operators.c.email == address))
            for row in rows:
                binding = update(operators).where(operators.c.id == row.id, able & free)
                with self._database.writing() as connection:
                    if connection.execute(binding.values(subject=subject)).rowcount:
                        author = ActionAuthor(row.name, visitor.address)
                        log_action(connection, "single sign-on connected", row.name, author, email)
            rows = [replace(row, subject=subject) for row in rows]
        if not rows or rows[0].ended_us:
            raise self._refusal(None, visitor, "unknown name", SignInRefused(NOT_INVITED))
        return rows[0]

    def device_token(self, row: OperatorRow, visitor: Visitor) -> str:
        """Return by which the browser is known for the operator (OWASP's "device cookies").

        It says that the operator once signed in with it, and opens nothing.
        """
        device = self._device(row, visitor) or secrets.token_urlsafe(16)
        return str(self._devices.dumps([row.id, device]))

    def _device(self, row: OperatorRow | None, visitor: Visitor) -> str:
        """Return the random name of the browser; empty where it is not known for this operator."""
        try:
            operator_id, device = self._devices.loads(visitor.device)
        except (BadSignature, ValueError, TypeError):
            return ""
        return str(device) if row is not None and operator_id == row.id else ""

    def _claim(self, claims: Claims, cost: int = 1) -> RateLimitItem | None:
        """Count an attempt before it is checked; return which limit it is over, if any.

        With -1 take it back, since it was right. What was typed as a name may be a password: only
        a hash of it is kept.
        """
        for limit, who in claims:
            key = hmac.digest(self._key, who.encode(), "sha256").hex()
            if not self._limits.hit(limit, "sign-in", key, cost=cost):
                return limit
        return None

    def _password_claims(self, folded: str, visitor: Visitor, device: str) -> Claims:
        if device:
            # Together, too: who once signed in may have kept as many devices as they liked.
            return [(_BY_ORIGIN, f"device {device} {folded}"), (_BY_NAME, f"known {folded}")]
        # A proxy that is not trusted has one address for all; then they are counted together.
        address = visitor.counted or visitor.address
        counted = [(_BY_ADDRESS, address)] if visitor.counted else []
        return [*counted, (_BY_ORIGIN, f"address {address} {folded}"), (_BY_NAME, folded)]

    def _is_known_address(self, row: OperatorRow | None, visitor: Visitor) -> bool:
        """Whether the operator signed in from there of late: no crowd elsewhere locks them out."""
        action = operator_actions.c
        mine = (action.actor == (row.name if row else "")) & (action.address == visitor.address)
        mine &= (action.what == "signed in") & (action.at_us > now_us() - _KNOWN_ADDRESS_US)
        with self._database.reading() as connection:
            return bool(connection.scalar(select(exists().where(mine))))

    def _refusal(
        self,
        row: OperatorRow | None,
        visitor: Visitor,
        what: str,
        refusal: SignInRefused | None = None,
        note: str = "",
    ) -> SignInRefused:
        """Log a refusal, and return it. What was typed as a name is not kept."""
        name, is_hourly = row.name if row else "", what in _HOURLY
        with self._database.writing() as connection:
            hourly = (row.id if row else "unknown") if is_hourly else ""
            author = ActionAuthor(name, visitor.address)
            log_action(connection, what, name, author, note, hourly=hourly)
        if not is_hourly:
            _log.warning("sign-in refused", reason=what)
        return refusal or SignInRefused(REFUSED)


def _is_right(password: str, kept: str, free: threading.Semaphore) -> bool:
    with slot(free):
        return passwords.is_right(password, kept)
