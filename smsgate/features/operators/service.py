"""The people who may sign in to the console: adding, roles, links for passwords, deactivating.

Nobody is given a password. An admin who adds a person, or resets one, gets a link, which lets its
holder choose a password, once. Only the SHA-256 of a link's 256 random bits is kept.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog
from pydantic import SecretStr
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError

from smsgate.domain.errors import CallFailed, LinkBroken, Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators import passwords
from smsgate.features.operators.sessions import OperatorSession
from smsgate.features.operators.storage import (
    ROLES,
    ActionAuthor,
    NoSuchOperator,
    OperatorError,
    OperatorRow,
    find_operators,
    log_action,
    now_us,
    token_digest,
)
from smsgate.notifications import send_email
from smsgate.records import Records
from smsgate.records.console_tables import (
    operator_links,
    operators,
    passkeys,
    sessions,
    shown_action,
)
from smsgate.records.database import lookup, upsert

FIRST = ""
"""In a link instead of an operator's id: it lets its holder become the first operator."""
LINK_S, FIRST_LINK_S = 24 * 3600, 3600
LINK_PATH, FIRST_PATH = "/console/password/", "/console/first/"
MAX_NAME_CHARACTERS = 60
_NAME = re.compile(r"[\w.@+'’-]+( [\w.@+'’-]+)*")
_LIKE_A_NUMBER = re.compile(r"\+?[\d .-]{6,}")
_BROKEN = (
    "This link is no longer valid: it was used, has expired, or was replaced by a newer one. Ask "
    "for another one."
)
EMAIL_TAKEN = (
    "Somebody has that e-mail address: use another one, since single sign-on tells people apart by "
    "it."
)
_NOTICE = """Hello {name},

at smsgate, {by} changed how you sign in: {what}.

If you did not expect this, tell an admin at once: they can reset your access on the page People.
"""
_log = structlog.get_logger("smsgate.console")


def fold_name(name: str) -> str:
    """Return a name as names are compared, whatever case, width or spacing it is typed in."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(plain.split())[:MAX_NAME_CHARACTERS]


class OperatorService:
    """Changes operators, each change with its line in the log. Raises ``RecordsUnavailable``."""

    def __init__(self, records: Records, mailbox: SecretStr | None = None) -> None:
        """``mailbox`` sends people a notice when their way to sign in changed."""
        self.database = records.database
        self._mailbox = mailbox

    def all(self) -> list[OperatorRow]:
        """Return everybody, those who are deactivated last."""
        return find_operators(self.database)

    def named(self, name: str) -> OperatorRow:
        """Return the operator of that name. Raises ``NoSuchOperator``."""
        for found in find_operators(self.database, operators.c.folded == lookup(fold_name(name))):
            return found
        raise NoSuchOperator("There is no operator of that name: see `smsgate operators list`.")

    def make_first_link(self) -> str | None:
        """Return the path for making the first admin; None if there is an operator.

        Paths returned before open nothing any more.
        """
        with self.database.writing() as connection:
            if connection.scalar(select(operators.c.id).limit(1)) is not None:
                return None
            return FIRST_PATH + _make_link(connection, FIRST, FIRST_LINK_S)

    def add(self, name: str, role: str, author: ActionAuthor, email: str = "") -> str:
        """Add an operator; return the path to set their password.

        Who owns ``email`` at the provider of single sign-on may sign in there instead. Raises
        ``Unfit`` and ``OperatorError``.
        """
        row = _new_row(name, _checked_role(role), author.name, _folded_email(email))
        note = f"as {role}" + (f", with the e-mail address {row.email}" if row.email else "")
        with self.database.writing() as connection:
            if not _insert(connection, row):
                if row.folded not in [other.folded for other in self.all()]:
                    raise Unfit(EMAIL_TAKEN, field="email")
                raise OperatorError(
                    "There is an operator of that name already: use another one. If the same "
                    "person is deactivated, reset them instead."
                )
            log_action(connection, "added", row.name, author, note)
            return LINK_PATH + _make_link(connection, row.id, LINK_S)

    def reset(
        self, name: str, author: ActionAuthor, *, second_factor: bool = False, email: str = ""
    ) -> str:
        """Remove an operator's password; return the path to set a new one.

        They are signed out everywhere; this also reactivates somebody, and unbinds them from the
        provider of single sign-on. ``email`` replaces the address that they had. With
        ``second_factor`` that is removed as well, passkeys too. Raises ``NoSuchOperator`` and
        ``Unfit``.
        """
        row = self.named(name)
        email = _folded_email(email) or row.email
        values: dict[str, str | int] = {"password_hash": "", "ended_us": 0, "subject": ""}
        values["email"] = email
        notes = ["reactivated"] if row.ended_us else []
        if email != row.email:
            notes.append(f"e-mail address {row.email or 'none'} changed to {email}")
        if second_factor:
            values |= {"totp_secret": "", "totp_step": 0, "recovery": ""}
            notes.append("two-step sign-in turned off")
        with self.changing(row, "reset", author, "; ".join(notes)) as connection:
            _set(connection, row, **values)
            if second_factor:
                connection.execute(delete(passkeys).where(passkeys.c.operator_id == row.id))
            return LINK_PATH + _make_link(connection, row.id, LINK_S)

    def set_role(self, name: str, role: str, author: ActionAuthor) -> None:
        """Change an operator's role; they must sign in again.

        Raises as ``reset``, and ``OperatorError`` for the only admin.
        """
        row, role = self.named(name), _checked_role(role)
        if role != row.role:
            with self.changing(row, "role", author, f"{row.role} to {role}") as connection:
                _refuse_last_admin(connection, row)
                _set(connection, row, role=role)

    def deactivate(self, name: str, author: ActionAuthor) -> None:
        """Deactivate an operator; their actions keep their name. Raises as ``set_role``."""
        row = self.named(name)
        if not row.ended_us:
            with self.changing(row, "ended", author) as connection:
                _refuse_last_admin(connection, row)
                _set(connection, row, ended_us=now_us())

    def linked(self, token: str) -> OperatorRow | None:
        """Return the operator of a link; None for a link to become the first one.

        Raises ``LinkBroken``.
        """
        link = operator_links.c
        query = select(link.operator_id).where(link.digest == token_digest(token))
        with self.database.reading() as connection:
            id_ = connection.scalar(query.where(link.ends_us > now_us()))
        if id_ == FIRST:
            return None
        found = find_operators(self.database, operators.c.id == id_, operators.c.ended_us == 0)
        if id_ is None or not found:
            raise LinkBroken(_BROKEN)
        return found[0]

    def become_first(self, token: str, name: str, password: str, address: str) -> OperatorRow:
        """Add the first admin of all. Raises ``LinkBroken`` and ``Unfit``."""
        row = _new_row(name, "admin", "", "")
        passwords.refuse_unfit(password, row.name)
        row = replace(row, made_by=row.name, password_hash=passwords.hash_password(password))
        with self.database.writing() as connection:
            _use_link(connection, token, FIRST)
            if connection.scalar(select(operators.c.id).limit(1)) is not None:
                raise LinkBroken(_BROKEN)
            _insert(connection, row)
            author = ActionAuthor(row.name, address)
            log_action(connection, "added", row.name, author, "as the first admin, by a link")
        return row

    def set_password(
        self, row: OperatorRow, password: str, address: str, token: str = ""
    ) -> OperatorRow:
        """Set an operator's password, and use up the link if one is given; ends every session.

        Raises ``LinkBroken`` and ``Unfit``.
        """
        passwords.refuse_unfit(password, row.name)
        password_hash = passwords.hash_password(password)
        author, note = ActionAuthor(row.name, address), "by a link" if token else ""
        with self.changing(row, "password set", author, note) as connection:
            if token:
                _use_link(connection, token, row.id)
            same = (operators.c.id == row.id) & (operators.c.password_hash == row.password_hash)
            setting = update(operators).where(same).values(password_hash=password_hash)
            if connection.execute(setting).rowcount != 1:
                raise OperatorError("Nothing was done: your account was changed meanwhile.")
        return replace(row, password_hash=password_hash)

    @contextmanager
    def changing(
        self, row: OperatorRow, what: str, author: ActionAuthor, note: str = "", keep: bytes = b""
    ) -> Iterator[Connection]:
        """A transaction that changes an operator: logs it, and ends their sessions but ``keep``.

        Afterwards they get a notice by e-mail, at the address that they had before.
        """
        with self.database.writing() as connection:
            yield connection
            mine = sessions.c.operator_id == row.id
            connection.execute(delete(sessions).where(mine & (sessions.c.digest != keep)))
            log_action(connection, what, row.name, author, note)
        if self._mailbox is None or not row.email:
            return
        shown = shown_action(what) + (f" ({note})" if note else "")
        text = _NOTICE.format(name=row.name, by=author.name, what=shown)
        try:
            send_email(self._mailbox, row.email, "Your smsgate account", text)
        except CallFailed as error:
            _log.warning("notice not sent", reason=str(error))

    def change_factor(
        self, current: OperatorSession, what: str, author: ActionAuthor, **values: str | int
    ) -> None:
        """Change what the operator of a session signs in with after the password."""
        row, keep = current.operator, current.digest
        with self.changing(row, what, author, keep=keep) as connection:
            _set(connection, row, **values)

    def choose_zone(self, row: OperatorRow, name: str, author: ActionAuthor) -> None:
        """Show times in a zone (IANA) from now on, or in the browser's. Raises ``Unfit``."""
        if name and name not in zone_names():
            raise Unfit(
                f"There is no time zone {name[:40]!r}: choose one of the list, such as "
                "Europe/Berlin.",
                field="zone",
            )
        if name != row.zone:
            with self.database.writing() as connection:
                _set(connection, row, zone=name)
                note = name or "the browser's"
                log_action(connection, "time zone changed", row.name, author, note)


def _folded_email(email: str) -> str:
    """Return an address that was typed, folded; empty where none was. Raises ``Unfit``."""
    email = email.strip().casefold()
    if email and (len(email) > 200 or not re.fullmatch("[!-?A-~]+@[!-?A-~]+", email)):
        raise Unfit("Enter an e-mail address, such as maria@example.com.", field="email")
    return email


def _new_row(name: str, role: str, made_by: str, email: str) -> OperatorRow:
    """Return an operator without a password. Raises ``Unfit``."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    too_long = len(name) > MAX_NAME_CHARACTERS
    if too_long or not _NAME.fullmatch(name) or _LIKE_A_NUMBER.fullmatch(name):
        raise Unfit(
            f"That name is not valid: use up to {MAX_NAME_CHARACTERS} letters and digits, with "
            ". _ - + @ ' or spaces between them, such as maria or maria@example.com.",
            field="name",
        )
    id_, now = secrets.token_hex(8), now_us()
    folded = fold_name(name)
    return OperatorRow(id_, name, folded, role, "", "", 0, "", now, made_by, 0, email, "", "")


def _checked_role(role: str) -> str:
    if role not in ROLES:
        raise Unfit(f"There is no role {role[:20]!r}: use one of {', '.join(ROLES)}.", field="role")
    return role


def _insert(connection: Connection, row: OperatorRow) -> bool:
    values = {column.name: getattr(row, column.name) for column in operators.columns}
    adding = upsert(connection, operators).on_conflict_do_nothing().values(values)
    return connection.execute(adding.returning(operators.c.id)).first() is not None


def _set(connection: Connection, row: OperatorRow, **values: str | int) -> None:
    try:
        connection.execute(update(operators).where(operators.c.id == row.id).values(**values))
    except IntegrityError as error:
        raise Unfit(EMAIL_TAKEN, field="email") from error


def _refuse_last_admin(connection: Connection, row: OperatorRow) -> None:
    """Raise ``OperatorError`` where nobody else could act as an admin; locks all who can."""
    able = (operators.c.role == "admin") & (operators.c.ended_us == 0)
    able &= (operators.c.password_hash != "") | (operators.c.subject != "")
    query = select(operators.c.id).where(able).with_for_update()
    if {*connection.scalars(query)} == {row.id}:
        raise OperatorError(f"{row.name} is the only admin: make somebody else an admin first.")


def _make_link(connection: Connection, operator_id: str, lasts_s: int) -> str:
    """Return the token of a new link, which takes the place of those before."""
    token, link = secrets.token_urlsafe(32), operator_links.c
    connection.execute(delete(operator_links).where(link.operator_id == operator_id))
    ends_us = now_us() + lasts_s * 1_000_000
    adding = operator_links.insert()
    adding = adding.values(digest=token_digest(token), operator_id=operator_id, ends_us=ends_us)
    connection.execute(adding)
    return token


def _use_link(connection: Connection, token: str, operator_id: str) -> None:
    """Use a link up: of several at once the one that deletes it succeeds, else ``LinkBroken``."""
    link = operator_links.c
    mine = (link.digest == token_digest(token)) & (link.operator_id == operator_id)
    used = connection.execute(delete(operator_links).where(mine & (link.ends_us > now_us())))
    if used.rowcount != 1:
        raise LinkBroken(_BROKEN)
