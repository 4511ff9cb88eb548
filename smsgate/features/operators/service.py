"""The people who may sign in to the console: adding, roles, links for passwords, ending.

Nobody is given a password. Whoever adds a person, or resets one, gets a link, which lets its holder
choose a password, once. Only the SHA-256 of a link's 256 random bits is kept.
"""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from smsgate.domain.errors import LastAdmin, NoSuchOperator, OperatorExists, Unfit
from smsgate.records import Records
from smsgate.records.operator_actions import Action
from smsgate.records.operators import FIRST, Link, OperatorRow

ROLES = ("viewer", "agent", "admin")
"""What an operator may do; each may do what those before it may.

A viewer sees. An agent decides, opts out and in, and imports. An admin configures, forgets, and
looks after keys and people.
"""
LINK_S = 24 * 3600
FIRST_LINK_S = 3600
LINK_PATH = "/console/password/"
FIRST_PATH = "/console/first/"
_NAME = re.compile(r"[\w.@+'’-]+( [\w.@+'’-]+)*")
_LONGEST = 60
_NUMBERISH = re.compile(r"\+?[\d .-]{6,}")


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and from where."""

    actor: str
    address: str = ""


def now_us() -> int:
    """The time in microseconds since 1970."""
    return time.time_ns() // 1000


def fold(name: str) -> str:
    """A name as names are compared: whatever case, width or spacing it is typed in."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(plain.split())[:_LONGEST]


def fit_name(name: str) -> str:
    """The name as it is kept. Raises ``Unfit``."""
    told = " ".join(unicodedata.normalize("NFKC", name).split())
    if len(told) > _LONGEST or not _NAME.fullmatch(told) or _NUMBERISH.fullmatch(told):
        raise Unfit(
            f"That is no fit name: take up to {_LONGEST} letters and digits, with . _ - + @ ' or "
            "spaces between them, such as maria or maria@example.com."
        )
    return told


def action_of(what: str, operator: str, by: By, note: str = "", *, at_us: int = 0) -> Action:
    """An action as it is kept, of now."""
    at_us = at_us or now_us()
    id_ = f"{at_us:016d}-{secrets.token_hex(4)}"
    return Action(id_, at_us, operator, by.actor, what, note, by.address)


def digest_of(token: str) -> bytes:
    """What is kept of a link or a session."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


class Operators:
    """What admins do about people. Raises ``RecordsUnavailable`` and ``RecordsNotReady``."""

    def __init__(self, records: Records) -> None:
        """Use the records; nothing is asked yet."""
        self._records = records
        self._rows = records.operators

    def all(self) -> list[OperatorRow]:
        """Everybody, those who ended last."""
        return self._rows.all()

    def named(self, name: str) -> OperatorRow:
        """The operator of that name. Raises ``NoSuchOperator``."""
        found = self._rows.find(fold(name))
        if found is None:
            raise NoSuchOperator("There is no operator of that name: see `smsgate operators list`.")
        return found

    def first_link(self) -> str | None:
        """The path by which somebody becomes the first admin; None where there are operators.

        Paths given before open nothing any more.
        """
        token, link = _new_link(FIRST, FIRST_LINK_S)
        return FIRST_PATH + token if self._rows.offer_first(link) else None

    def add(self, name: str, role: str, by: By) -> str:
        """Add somebody; gives the path where they set their password.

        Raises ``Unfit`` and ``OperatorExists``.
        """
        told = fit_name(name)
        row = OperatorRow(new_id(), told, fold(told), fit_role(role), now_us(), by.actor)
        token, link = _new_link(row.id, LINK_S)
        if not self._rows.add(row, action_of("added", told, by, f"as {role}"), link):
            raise _taken(self._rows.find(row.folded))
        return LINK_PATH + token

    def reset(self, name: str, by: By, *, second_factor: bool = False) -> str:
        """Take somebody's password away; gives the path where they set a new one.

        They are signed out everywhere; one who ended may come back so. With ``second_factor``
        that is taken away as well. Raises ``NoSuchOperator``.
        """
        row = self.named(name)
        values: dict[str, Any] = {"password_hash": "", "failed": 0, "locked_until_us": 0}
        note = "let in again" if row.ended_us else ""
        values["ended_us"] = 0
        if second_factor:
            values |= {"totp_secret": "", "totp_step": 0, "recovery": ""}
            note = "; ".join([*filter(None, [note]), "second factor taken away"])
        token, link = _new_link(row.id, LINK_S)
        self._rows.change(row.id, values, action_of("reset", row.name, by, note), link=link)
        return LINK_PATH + token

    def give_role(self, name: str, role: str, by: By) -> None:
        """Change what somebody may do; they sign in anew.

        Raises ``NoSuchOperator``, ``Unfit``, and ``LastAdmin`` for the only admin.
        """
        row, role = self.named(name), fit_role(role)
        if role != row.role:
            action = action_of("role", row.name, by, f"{row.role} to {role}")
            self._step_down(row, {"role": role}, action)

    def end(self, name: str, by: By) -> None:
        """Let somebody in no more; what they did stays theirs.

        Raises ``NoSuchOperator``, and ``LastAdmin`` for the only one.
        """
        row = self.named(name)
        if not row.ended_us:
            self._step_down(row, {"ended_us": now_us()}, action_of("ended", row.name, by))

    def _step_down(self, row: OperatorRow, values: dict[str, Any], action: Action) -> None:
        if not self._rows.step_down(row.id, values, action):
            raise LastAdmin(f"{row.name} is the only admin: make somebody else one before.")


def new_id() -> str:
    """An id for an operator."""
    return secrets.token_hex(8)


def fit_role(role: str) -> str:
    """The role. Raises ``Unfit``."""
    if role not in ROLES:
        raise Unfit(f"There is no role {role[:20]!r}: take one of {', '.join(ROLES)}.")
    return role


def _new_link(operator_id: str, lasts_s: int) -> tuple[str, Link]:
    token = secrets.token_urlsafe(32)
    return token, Link(digest_of(token), operator_id, now_us() + lasts_s * 1_000_000)


def _taken(row: OperatorRow | None) -> OperatorExists:
    if row is not None and row.ended_us:
        return OperatorExists(
            f"{row.name} was here before and ended: `smsgate operators reset` lets the same person "
            "in again. For somebody else take another name, since the records name that one."
        )
    return OperatorExists("There is an operator of that name: take another one.")
