"""The people who may sign in to the console: adding, roles, links for passwords, deactivating.

Nobody is given a password. An admin who adds a person, or resets one, gets a link, which lets its
holder choose a password, once. Only the SHA-256 of a link's 256 random bits is kept.
"""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from smsgate.domain.errors import LinkBroken, Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators import passwords, second_factor
from smsgate.features.operators.errors import LastAdmin, NoSuchOperator, OperatorExists
from smsgate.features.operators.storage import (
    FIRST,
    OperatorAction,
    OperatorRow,
    OperatorStorage,
    PasswordLink,
    email_taken,
)
from smsgate.records import Records
from smsgate.settings import Secret
from smsgate.settings.rules import EMAIL_ADDRESS

ROLES = ("viewer", "agent", "admin")
"""Each may do what those before it may.

A viewer sees. An agent decides, opts out and in, and imports. An admin configures, forgets, and
looks after keys and people.
"""
LINK_S = 24 * 3600
FIRST_LINK_S = 3600
LINK_PATH = "/console/password/"
FIRST_PATH = "/console/first/"
_NAME = re.compile(r"[\w.@+'’-]+( [\w.@+'’-]+)*")
_MAX_NAME_CHARACTERS = 60
_MAX_EMAIL_CHARACTERS = 200
_LIKE_A_NUMBER = re.compile(r"\+?[\d .-]{6,}")
_BROKEN = (
    "This link is no longer valid: it was used, has expired, or was replaced by a newer one. Ask "
    "for another one."
)


@dataclass(frozen=True, slots=True)
class ActionAuthor:
    """Who does something, and from where."""

    name: str
    address: str = ""


def now_us() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


def fold_name(name: str) -> str:
    """Return a name as names are compared, whatever case, width or spacing it is typed in."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(plain.split())[:_MAX_NAME_CHARACTERS]


def fold_email(email: str) -> str:
    """Return an e-mail address as addresses are compared."""
    return email.strip().casefold()


def checked_email(email: str) -> str:
    """Return an address that was typed, folded; empty where none was. Raises ``Unfit``."""
    email = fold_email(email)
    if email and (len(email) > _MAX_EMAIL_CHARACTERS or not re.fullmatch(EMAIL_ADDRESS, email)):
        raise Unfit("Enter an e-mail address, such as maria@example.com.", field="email")
    return email


def make_action(
    what: str, operator: str, author: ActionAuthor, note: str = "", *, at_us: int = 0
) -> OperatorAction:
    """Return an action of now."""
    at_us = at_us or now_us()
    id_ = f"{at_us:016d}-{secrets.token_hex(4)}"
    return OperatorAction(id_, at_us, operator, author.name, what, note, author.address)


def token_digest(token: str) -> bytes:
    """Return what is kept of the token of a link or a session."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


class OperatorService:
    """What admins do about people. Raises ``RecordsUnavailable``."""

    def __init__(self, records: Records) -> None:
        self._storage = OperatorStorage(records.database)

    def all(self) -> list[OperatorRow]:
        """Return everybody, those who are deactivated last."""
        return self._storage.all()

    def named(self, name: str) -> OperatorRow:
        """Return the operator of that name. Raises ``NoSuchOperator``."""
        found = self._storage.find(fold_name(name))
        if found is None:
            raise NoSuchOperator("There is no operator of that name: see `smsgate operators list`.")
        return found

    def make_first_link(self) -> str | None:
        """Return the path for making the first admin; None if there are operators.

        Paths returned before open nothing any more.
        """
        token, link = _new_link(FIRST, FIRST_LINK_S)
        return FIRST_PATH + token if self._storage.offer_first(link) else None

    def add(self, name: str, role: str, author: ActionAuthor, email: str = "") -> str:
        """Add an operator; return the path to set their password.

        Who owns ``email`` at the provider of single sign-on may sign in there instead. Raises
        ``Unfit`` and ``OperatorExists``.
        """
        row = _new_row(name, _checked_role(role), author.name)
        row = replace(row, email=checked_email(email))
        token, link = _new_link(row.id, LINK_S)
        note = f"as {role}" + (f", with the e-mail address {row.email}" if row.email else "")
        if not self._storage.add(row, make_action("added", row.name, author, note), link):
            before = self._storage.find(row.folded)
            if before is not None and before.ended_us:
                raise OperatorExists(
                    f"{before.name} is deactivated: `smsgate operators reset` reactivates the same "
                    "person. For somebody else use another name, since the records have that one."
                )
            if before is None:
                self._refuse_taken(row.email, row)
            raise OperatorExists("There is an operator of that name already: use another one.")
        return LINK_PATH + token

    def reset(
        self, name: str, author: ActionAuthor, *, second_factor: bool = False, email: str = ""
    ) -> str:
        """Remove an operator's password; return the path to set a new one.

        They are signed out everywhere; this also reactivates somebody, and unbinds them from the
        provider of single sign-on. ``email`` replaces the address that they had. With
        ``second_factor`` that is removed as well, passkeys too. Raises ``NoSuchOperator``
        and ``Unfit``.
        """
        row, email = self.named(name), checked_email(email)
        self._refuse_taken(email, row)
        values: dict[str, Any] = {
            "password_hash": "",
            "failed": 0,
            "locked_until_us": 0,
            "ended_us": 0,
        }
        values |= {"subject": ""} | ({"email": email} if email else {})
        notes = ["reactivated"] if row.ended_us else []
        if email and email != row.email:
            notes.append(f"e-mail address {row.email or 'none'} changed to {email}")
        if second_factor:
            values |= {"totp_secret": "", "totp_step": 0, "recovery": ""}
            notes.append("two-step sign-in turned off")
        token, link = _new_link(row.id, LINK_S)
        action = make_action("reset", row.name, author, "; ".join(notes))
        self._storage.change(row.id, values, action, link=link, drop_passkeys=second_factor)
        return LINK_PATH + token

    def set_role(self, name: str, role: str, author: ActionAuthor) -> None:
        """Change an operator's role; they must sign in again.

        Raises ``NoSuchOperator``, ``Unfit``, and ``LastAdmin`` for the only admin.
        """
        row, role = self.named(name), _checked_role(role)
        if role != row.role:
            action = make_action("role", row.name, author, f"{row.role} to {role}")
            self._step_down(row, {"role": role}, action)

    def deactivate(self, name: str, author: ActionAuthor) -> None:
        """Deactivate an operator; their actions keep their name.

        Raises ``NoSuchOperator``, and ``LastAdmin`` for the only one.
        """
        row = self.named(name)
        if not row.ended_us:
            self._step_down(row, {"ended_us": now_us()}, make_action("ended", row.name, author))

    def _refuse_taken(self, email: str, row: OperatorRow) -> None:
        """Raise ``Unfit`` for an address of somebody else."""
        other = self._storage.by_email(email) if email else None
        if other is not None and other.id != row.id:
            raise email_taken(
                f"{other.name}, who is deactivated," if other.ended_us else other.name
            )

    def _step_down(self, row: OperatorRow, values: dict[str, Any], action: OperatorAction) -> None:
        if not self._storage.step_down(row.id, values, action):
            raise LastAdmin(f"{row.name} is the only admin: make somebody else an admin first.")


class OwnAccount:
    """What operators do about themselves: the first account, passwords, the second factor.

    Raises ``RecordsUnavailable``.
    """

    def __init__(self, records: Records, keys: Sequence[Secret]) -> None:
        """``keys`` are ``SMSGATE_SECRET_KEYS``, newest first, at least one."""
        self._storage = OperatorStorage(records.database)
        self._keys = keys

    def check_first_link(self, token: str) -> None:
        """Raise ``LinkBroken`` unless the link is valid for making the first admin."""
        if self._storage.linked(token_digest(token), now_us()) != FIRST:
            raise LinkBroken(_BROKEN)

    def become_first(self, token: str, name: str, password: str, address: str) -> OperatorRow:
        """Add the first admin of all. Raises ``LinkBroken`` and ``Unfit``."""
        self.check_first_link(token)
        row = _new_row(name, "admin", "")
        passwords.refuse_unfit(password, row.name)
        row = replace(row, made_by=row.name, password_hash=passwords.hash_password(password))
        author = ActionAuthor(row.name, address)
        action = make_action("added", row.name, author, "as the first admin, by a link")
        if not self._storage.make_first(row, token_digest(token), action):
            raise LinkBroken(_BROKEN)
        return row

    def find_linked(self, token: str) -> OperatorRow:
        """Return the operator of a password link. Raises ``LinkBroken``."""
        id_ = self._storage.linked(token_digest(token), now_us())
        row = self._storage.by_id(id_) if id_ else None
        if row is None or row.ended_us:
            raise LinkBroken(_BROKEN)
        return row

    def set_by_link(self, token: str, password: str, address: str) -> OperatorRow:
        """Set a password, and use the link up. Raises ``LinkBroken`` and ``Unfit``."""
        row = self.find_linked(token)
        changed = self._set_password(row, password, address, "by a link", token_digest(token))
        if changed is None:
            raise LinkBroken(_BROKEN)
        return changed

    def change_password(self, row: OperatorRow, password: str, address: str) -> OperatorRow:
        """Set another password; signs the operator out everywhere. Raises ``Unfit``."""
        return self._set_password(row, password, address) or row

    def offer_factor(self) -> tuple[str, str]:
        """Return a new secret, encrypted and in base32.

        Encrypted, it may wait in a browser until a code shows that it has arrived.
        """
        secret = second_factor.new_secret()
        return second_factor.encrypt(secret, self._keys), secret

    def decrypt_factor(self, encrypted: str) -> str | None:
        """Return the secret in base32; None for what we did not encrypt."""
        return second_factor.decrypt(encrypted, self._keys)

    def turn_factor_on(
        self, row: OperatorRow, encrypted: str, code: str, address: str
    ) -> list[str] | None:
        """Ask for codes from now on; return new recovery codes, or None if the code is wrong.

        Recovery codes that are left stay valid; then there are no new ones.
        """
        secret = self.decrypt_factor(encrypted)
        step = second_factor.find_step(secret, code) if secret else None
        if step is None:
            return None
        codes: list[str] = []
        values: dict[str, Any] = {"totp_secret": encrypted, "totp_step": step}
        if not second_factor.count_recovery_codes(row.recovery):
            codes, values["recovery"] = second_factor.make_recovery_codes()
        self._change(row, values, "second factor on", address)
        return codes

    def choose_zone(self, row: OperatorRow, name: str, address: str) -> None:
        """Show times in a zone from now on; with an empty name in the browser's. Raises ``Unfit``.

        ``name`` is one of the IANA database.
        """
        if name and name not in zone_names():
            raise Unfit(
                f"There is no time zone {name[:40]!r}: choose one of the list, such as "
                "Europe/Berlin.",
                field="zone",
            )
        if name != row.zone:
            author = ActionAuthor(row.name, address)
            action = make_action("time zone changed", row.name, author, name or "the browser's")
            self._storage.change(row.id, {"zone": name}, action, end_sessions=False)

    def turn_factor_off(self, row: OperatorRow, address: str) -> None:
        """Ask for no codes any more; recovery codes go unless there is a passkey.

        Changes nothing of an operator who is not asked for any.
        """
        if not row.totp_secret:
            return
        values: dict[str, Any] = {"totp_secret": "", "totp_step": 0}
        if not row.has_passkey:
            values["recovery"] = ""
        self._change(row, values, "second factor off", address)

    def renew_recovery_codes(self, row: OperatorRow, address: str) -> list[str]:
        """Replace the recovery codes that are left; return the new ones, this once."""
        codes, kept = second_factor.make_recovery_codes()
        self._change(row, {"recovery": kept}, "recovery codes made", address)
        return codes

    def _set_password(
        self, row: OperatorRow, password: str, address: str, note: str = "", spend: bytes = b""
    ) -> OperatorRow | None:
        """Return the operator with the new hash; None where the link ``spend`` was used before."""
        passwords.refuse_unfit(password, row.name)
        password_hash = passwords.hash_password(password)
        values = {"password_hash": password_hash, "failed": 0, "locked_until_us": 0}
        action = make_action("password set", row.name, ActionAuthor(row.name, address), note)
        changed = self._storage.change(row.id, values, action, spend=spend)
        return replace(row, password_hash=password_hash) if changed else None

    def _change(self, row: OperatorRow, values: dict[str, Any], what: str, address: str) -> None:
        action = make_action(what, row.name, ActionAuthor(row.name, address))
        self._storage.change(row.id, values, action, end_sessions=False)


def _new_row(name: str, role: str, made_by: str) -> OperatorRow:
    """Return an operator without a password. Raises ``Unfit``."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    too_long = len(name) > _MAX_NAME_CHARACTERS
    if too_long or not _NAME.fullmatch(name) or _LIKE_A_NUMBER.fullmatch(name):
        raise Unfit(
            f"That name is not valid: use up to {_MAX_NAME_CHARACTERS} letters and digits, with "
            ". _ - + @ ' or spaces between them, such as maria or maria@example.com.",
            field="name",
        )
    return OperatorRow(secrets.token_hex(8), name, fold_name(name), role, now_us(), made_by)


def _checked_role(role: str) -> str:
    if role not in ROLES:
        raise Unfit(f"There is no role {role[:20]!r}: use one of {', '.join(ROLES)}.", field="role")
    return role


def _new_link(operator_id: str, lasts_s: int) -> tuple[str, PasswordLink]:
    token = secrets.token_urlsafe(32)
    return token, PasswordLink(token_digest(token), operator_id, now_us() + lasts_s * 1_000_000)
