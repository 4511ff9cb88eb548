"""Signing in to the console: passwords, and limits against guessing.

Every attempt is counted before it is checked, and given back where it was right; so attempts at
once gain nothing. It is counted by name and origin, by address over all names, and by name over all
origins; codes and passkeys, which wait behind the right password, apart from passwords. Attempts
from where an operator is known, by the browser or by an address where they signed in of late, have
a count of their own for each of the two, which nobody elsewhere can use up. A refusal is the same
sentence after the same work, whether the name is unknown or the password wrong.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from pydantic import SecretStr
from sqlalchemy import exists, select, update

from smsgate.domain.errors import TooManyGuesses
from smsgate.features.operators import passwords
from smsgate.features.operators.factors import CODE_REFUSED, USED_BEFORE
from smsgate.features.operators.service import (
    OperatorRow,
    OperatorService,
    SignInRefused,
    find_operators,
    fold_name,
    now_us,
)
from smsgate.features.operators.sessions import Visitor
from smsgate.records.database import lookup
from smsgate.records.operator_actions import ActionAuthor, log_action
from smsgate.records.tables import operator_actions, operators
from smsgate.web.limits import Limits, slot

MAX_ATTEMPTS = 8
"""Wrong attempts of one origin at one name in a window; after that it waits."""
MAX_OF_ADDRESS = 30
"""The same of one address, over all names."""
MAX_OF_NAME = 20
"""The same at one name by everybody who is not known there: at most 100 in any hour."""
_KNOWN_ADDRESS_US = 90 * 24 * 3600 * 1_000_000
_MINUTES = 15
_FLOOD_S = 10
"""How long an address over its limit is refused without asking Redis again."""
_BY_ORIGIN = RateLimitItemPerMinute(MAX_ATTEMPTS, _MINUTES)
_BY_ADDRESS = RateLimitItemPerMinute(MAX_OF_ADDRESS, _MINUTES)
_BY_NAME = RateLimitItemPerMinute(MAX_OF_NAME, _MINUTES)
Claims: TypeAlias = Sequence[tuple[RateLimitItem, str]]
"""What an attempt counts for."""
REFUSED = (
    "Sign-in failed: the name or the password is wrong, or there were too many attempts at this "
    "name or from here. "
    f"After {MAX_ATTEMPTS} attempts wait {_MINUTES} minutes, or ask an admin for a new link."
)
NOT_INVITED = (
    "No one in smsgate uses this e-mail address, or the provider has not verified it. Ask an "
    "admin to add you with it on the page People."
)
_log = structlog.get_logger("smsgate.console")


class SignIn:
    """Checks passwords, and counts attempts. Raises ``RecordsUnavailable``."""

    def __init__(self, people: OperatorService, limits: Limits, key: SecretStr) -> None:
        """``key`` makes the hashes of what is counted."""
        self._people, self._database, self._limits = people, people.database, limits
        self._key = key.get_secret_value().encode()
        self._strangers, self._known = threading.Semaphore(12), threading.Semaphore(8)
        """Known browsers and sessions, which nobody can make up, find a place in any crowd."""
        self._floods = MemoryStorage()
        """Addresses that were over their limit a moment ago."""

    def by_password(self, name: str, password: str, visitor: Visitor) -> OperatorRow:
        """Return whose name and password it is. Raises ``SignInRefused``, ``TooManyGuesses``."""
        if not visitor.device:
            self._refuse_flood(visitor.counted)
        folded = fold_name(name)
        rows = find_operators(self._database, operators.c.folded == lookup(folded))
        row = rows[0] if rows else None
        device = visitor.known_as(row)
        refusal = SignInRefused(REFUSED, "wrong password", field="password")
        claims = self._claims(row, f"password {folded}", visitor)
        with self._counted(row, visitor, claims, refusal):
            with slot(self._known if device else self._strangers):
                is_right = passwords.is_right(password, row.password_hash if row else "")
            if row is None or not is_right or row.ended_us:
                raise refusal
        return row

    def _refuse_flood(self, address: str) -> None:
        """Refuse what would be refused anyway before SQL and Redis are asked: webhooks go first."""
        if self._floods.get(address):
            raise TooManyGuesses(f"Too many attempts came from here: wait {_MINUTES} minutes.")
        with slot(self._strangers):
            pass

    def counting_factors(self, row: OperatorRow, visitor: Visitor) -> AbstractContextManager[None]:
        """Count an attempt at a second factor, which raises ``SignInRefused`` if it is wrong."""
        claims = self._claims(row, f"factor {row.id}", visitor)
        return self._counted(row, visitor, claims, SignInRefused(CODE_REFUSED, field="code"))

    @contextmanager
    def _counted(
        self, row: OperatorRow | None, visitor: Visitor, claims: Claims, refusal: SignInRefused
    ) -> Iterator[None]:
        """Count an attempt before it is made, log why it was refused, if it was.

        ``refusal`` refuses one too many.
        """
        if not self._count(claims):
            self._log_refusal(row, visitor, "attempt while locked")
            raise refusal
        try:
            yield
        except SignInRefused as error:
            self._log_refusal(row, visitor, error.what, error.note)
            if row is not None and error.note == USED_BEFORE:
                where = f"({visitor.browser}), from {visitor.address}"
                news = f"somebody entered a code of your app that was used before {where}"
                self._people.notify(row, f"{news}, and was refused")
            raise
        self._count(claims, -1)

    def by_provider(self, subject: str, email: str, visitor: Visitor) -> OperatorRow:
        """Return whom the provider of single sign-on names, if an admin has added them.

        By the subject that they are bound to; the first time, by the verified e-mail address.
        Raises ``SignInRefused``.
        """
        known = operators.c.subject == subject
        rows = find_operators(self._database, known)
        if not rows and email:
            free = (operators.c.subject == "") & (operators.c.ended_us == 0)
            free &= operators.c.email == lookup(email.strip().casefold())
            for row in find_operators(self._database, free):
                binding = update(operators).where(operators.c.id == row.id, free)
                with self._database.writing() as connection:
                    is_bound = connection.execute(binding.values(subject=subject)).rowcount == 1
                    if is_bound:
                        author = ActionAuthor(row.name, visitor.address)
                        log_action(connection, "single sign-on connected", row.name, author, email)
                if is_bound:
                    self._people.notify(row, f"single sign-on was connected to you ({email})")
            rows = find_operators(self._database, known)
        if not rows or rows[0].ended_us:
            self._log_refusal(None, visitor, "unknown name")
            raise SignInRefused(NOT_INVITED)
        return rows[0]

    def _claims(self, row: OperatorRow | None, what: str, visitor: Visitor) -> Claims:
        """Return what an attempt counts for; ``what`` is tried, and at whom.

        What somebody typed comes last, so that no name is counted as another one's.
        """
        device = visitor.known_as(row)
        # A proxy that is not trusted has one address for all; then they are counted together.
        address = visitor.counted or visitor.address
        counted = [(_BY_ADDRESS, address)] if visitor.counted and not device else []
        origin = f"device {device}" if device else f"address {address}"
        # Together, too: who once signed in may have kept as many devices as they liked.
        is_known_address = not device and self._is_known_address(row, visitor)
        group = "devices" if device else "known addresses" if is_known_address else "strangers"
        return [*counted, (_BY_ORIGIN, f"{origin} {what}"), (_BY_NAME, f"{group} {what}")]

    def _is_known_address(self, row: OperatorRow | None, visitor: Visitor) -> bool:
        """Whether the operator signed in from there of late: no crowd elsewhere locks them out."""
        action = operator_actions.c
        mine = (action.actor == (row.name if row else "")) & (action.address == visitor.counted)
        mine &= (action.what == "signed in") & (action.at_us > now_us() - _KNOWN_ADDRESS_US)
        with self._database.reading() as connection:
            return bool(visitor.counted and connection.scalar(select(exists().where(mine))))

    def _count(self, claims: Claims, cost: int = 1) -> bool:
        """Count an attempt before it is checked; return whether it is within all limits.

        With -1 take it back, since it was right. What was typed as a name may be a password: only
        a hash of it is kept.
        """
        for limit, who in claims:
            key = hmac.digest(self._key, who.encode(), "sha256").hex()
            if not self._limits.hit(limit, "sign-in", key, cost=cost):
                if limit is _BY_ADDRESS:
                    self._floods.incr(who, _FLOOD_S)
                return False
        return True

    def _log_refusal(
        self, row: OperatorRow | None, visitor: Visitor, what: str, note: str = ""
    ) -> None:
        """Log a refusal; what was typed as a name is not kept.

        What attackers can repeat without end is one line an hour.
        """
        name, what = (row.name, what) if row else ("", "unknown name")
        hourly = row.id if row and what == "attempt while locked" else "" if row else "unknown"
        with self._database.writing() as connection:
            author = ActionAuthor(name, visitor.address)
            log_action(connection, what, name, author, note, hourly=hourly)
        if not hourly:
            _log.warning("sign-in refused", reason=what)
