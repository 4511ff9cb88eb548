"""The people who may sign in to the console: adding, roles, links for passwords, deactivating.

Nobody is given a password. An admin who adds a person, or resets one, gets a link, which lets its
holder choose a password, once. Only the SHA-256 of a link's 256 random bits is kept.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import MappingProxyType

import structlog
from pydantic import SecretStr
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError

from smsgate.domain.errors import CallFailed, LinkBroken, RecordsUnavailable, Unfit
from smsgate.features.operators.storage import (
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
    sessions,
    shown_action,
)
from smsgate.records.database import lookup, upsert

FIRST = ""
"""In a link instead of an operator's id: it lets its holder become the first operator."""
LINK_S, FIRST_LINK_S = 24 * 3600, 3600
LINK_PATH = "/console/password/"
MAX_NAME_CHARACTERS = 60
_NAME = re.compile(r"[\w.@+'’-]+( [\w.@+'’-]+)*")
_LIKE_A_NUMBER = re.compile(r"\+?[\d .-]{6,}")
EMAIL_TAKEN = (
    "Another person has that e-mail address: use another one, since single sign-on tells people "
    "apart by it."
)
_NOTICE = """Hello {name},

at smsgate, {by} changed how you sign in: {what}.

If you did not expect this, tell an admin at once: they can reset your access on the page People.
"""
_notices = ThreadPoolExecutor(1)
"""A mail server that hangs delays other notices, and no request."""
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

    def linked(self, token: str) -> OperatorRow | None:
        """Return the operator of a link; None for a link to become the first one.

        Raises ``LinkBroken``.
        """
        link = operator_links.c
        query = select(link.operator_id).where(link.digest == token_digest(token))
        with self.database.reading() as connection:
            id_ = connection.scalar(query.where(link.ends_us > now_us()))
        found = find_operators(self.database, operators.c.id == id_, operators.c.ended_us == 0)
        if id_ != FIRST and not found:
            raise _broken()
        return found[0] if found else None

    def set_zone(self, row: OperatorRow, name: str, author: ActionAuthor) -> None:
        """Show times in a zone (IANA) from now on; in the browser's without a name."""
        with self.database.writing() as connection:
            connection.execute(update(operators).where(operators.c.id == row.id).values(zone=name))
            note = name or "the browser's"
            log_action(connection, "time zone changed", row.name, author, note)

    @contextmanager
    def changing(
        self,
        row: OperatorRow,
        what: str,
        author: ActionAuthor,
        note: str = "",
        values: Mapping[str, str | int] = MappingProxyType({}),
        keep: bytes = b"",
    ) -> Iterator[Connection]:
        """A transaction that changes an operator: logs it, and ends their sessions but ``keep``.

        ``values`` are set at its end, before sessions end. Afterwards they get a notice by
        e-mail, at the address that they had before. Raises ``Unfit``.
        """
        with self.database.writing() as connection:
            yield connection
            # First, so that no session begins any more by what they replace.
            if values:
                setting = update(operators).where(operators.c.id == row.id).values(values)
                try:
                    connection.execute(setting)
                except IntegrityError as error:
                    raise Unfit(EMAIL_TAKEN, field="email") from error
            mine = sessions.c.operator_id == row.id
            connection.execute(delete(sessions).where(mine & (sessions.c.digest != keep)))
            log_action(connection, what, row.name, author, note)
        if self._mailbox is not None and row.email:
            shown = shown_action(what) + (f" ({note})" if note else "")
            text = _NOTICE.format(name=row.name, by=author.name, what=shown)
            _notices.submit(self._send_notice, self._mailbox, row, text)

    def _send_notice(self, mailbox: SecretStr, row: OperatorRow, text: str) -> None:
        try:
            send_email(mailbox, row.email, "Your smsgate account", text)
        except CallFailed as error:
            _log.warning("notice not sent", reason=str(error))
            with suppress(RecordsUnavailable), self.database.writing() as connection:
                author = ActionAuthor("smsgate")
                log_action(connection, "notice not sent", row.name, author, str(error))


def first_link(records: Records) -> str | None:
    """Return the path for making the first admin, in place of earlier ones; None if there is one.

    Raises ``RecordsUnavailable``.
    """
    with records.database.writing() as connection:
        return None if _has_operators(connection) else make_link(connection, FIRST)


def _has_operators(connection: Connection) -> bool:
    return connection.scalar(select(operators.c.id).limit(1)) is not None


def fold_email(email: str) -> str:
    """Return an address that was typed, folded; empty where none was. Raises ``Unfit``."""
    email = email.strip().casefold()
    if email and (len(email) > 200 or not re.fullmatch("[!-?A-~]+@[!-?A-~]+", email)):
        raise Unfit("Enter an e-mail address, such as maria@example.com.", field="email")
    return email


def new_row(name: str, role: str, made_by: str, email: str = "") -> OperatorRow:
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


def insert(connection: Connection, row: OperatorRow) -> bool:
    """Add an operator; False where another one has the name or the address."""
    values = {column.name: getattr(row, column.name) for column in operators.columns}
    adding = upsert(connection, operators).on_conflict_do_nothing().values(values)
    return connection.execute(adding.returning(operators.c.id)).first() is not None


def use_link(connection: Connection, token: str, operator_id: str) -> None:
    """Use a link up: of several at once the one that deletes it succeeds, else ``LinkBroken``."""
    link = operator_links.c
    mine = (link.digest == token_digest(token)) & (link.operator_id == operator_id)
    used = connection.execute(delete(operator_links).where(mine & (link.ends_us > now_us())))
    if used.rowcount != 1 or (operator_id == FIRST and _has_operators(connection)):
        raise _broken()


def _broken() -> LinkBroken:
    return LinkBroken(
        "This link is no longer valid: it was used, has expired, or was replaced by a newer one. "
        "Ask for another one."
    )


def refuse_last_admin(connection: Connection, row: OperatorRow) -> None:
    """Raise ``OperatorError`` where nobody else could act as an admin; locks all who can."""
    able = (operators.c.role == "admin") & (operators.c.ended_us == 0)
    able &= (operators.c.password_hash != "") | (operators.c.subject != "")
    query = select(operators.c.id).where(able).with_for_update()
    if {*connection.scalars(query)} == {row.id}:
        raise OperatorError(f"{row.name} is the only admin: make another person an admin first.")


def make_link(connection: Connection, operator_id: str) -> str:
    """Return the path of a new link, which takes the place of those before."""
    token, link = secrets.token_urlsafe(32), operator_links.c
    connection.execute(delete(operator_links).where(link.operator_id == operator_id))
    ends_us = now_us() + (LINK_S if operator_id else FIRST_LINK_S) * 1_000_000
    values = {"digest": token_digest(token), "operator_id": operator_id, "ends_us": ends_us}
    connection.execute(operator_links.insert().values(values))
    return LINK_PATH + token
