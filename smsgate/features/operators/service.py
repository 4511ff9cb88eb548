"""The people of the console: their rows, the log of what was done, and secrets that work once.

Nobody is given a password. An admin who adds a person, or resets one, gets a link, which lets its
holder choose a password, once. Of links, recovery codes and challenges only the SHA-256 is kept. An
operator is never removed, since the ledger names them. Everything raises ``RecordsUnavailable``.
"""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import get_args

import structlog
from pydantic import SecretStr
from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError

from smsgate.domain.errors import CallFailed, LinkBroken, RecordsUnavailable, SmsGateError, Unfit
from smsgate.features.operators import passwords
from smsgate.interface.operation import Role
from smsgate.notifications import send_email
from smsgate.records.database import Database, Row, lookup, upsert
from smsgate.records.operator_actions import ActionAuthor, log_action
from smsgate.records.reader import rows_of
from smsgate.records.tables import credentials, operators, sessions, single_use

ROLES = get_args(Role)
"""Each may do what those before it may.

A viewer sees. An agent decides, opts out and in, and imports. An admin configures, forgets, and
looks after keys and people.
"""
OPERATOR_COLUMNS = (
    *operators.c,
    exists().where(credentials.c.operator_id == operators.c.id).label("has_second_factor"),
)
LINK, RECOVERY, CHALLENGE = "link", "recovery", "challenge"
"""Purposes of single-use secrets. A challenge is owned by a session, the others by an operator."""
LINK_S, FIRST_LINK_S = 24 * 3600, 3600
LINK_PATH = "/console/password/"
MAX_NAME_CHARACTERS = 60
_NAME = re.compile(r"[\w.@+'’-]+( [\w.@+'’-]+)*")
_LIKE_A_NUMBER = re.compile(r"\+?[\d .-]{6,}")
_S = 1_000_000
TAKEN = (
    "Another person has that name or that e-mail address: use another one. If the same person is "
    "deactivated, reset them instead."
)
BROKEN = (
    "This link is no longer valid: it was used, has expired, or was replaced by a newer one. Ask "
    "for another one."
)
_NOTICE = """Hello {name},

at smsgate, {news}.

If you did not expect this, tell an admin at once: they can reset your access on the page People.
"""
_notices = ThreadPoolExecutor(1)
"""A mail server that hangs delays other notices, and no request."""
_log = structlog.get_logger("smsgate.console")


class OperatorError(SmsGateError):
    """What was asked about an operator cannot be done; the text says why."""

    status = 409


class SignInRefused(SmsGateError):
    """Name, password, code or passkey is not right, or has to wait.

    ``what`` and ``note`` go into the audit log, where the attempt is counted.
    """

    status = 403

    def __init__(self, sentence: str, what: str = "", note: str = "", field: str = "") -> None:
        super().__init__(sentence, field=field)
        self.what, self.note = what, note


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator: the table's columns in their order. A time of 0 means never."""

    id: str
    name: str
    folded: str
    """The name as names are compared: no two differ by case or spelling alone."""
    role: Role
    password_hash: str = field(repr=False)
    ended_us: int = 0
    email: str = ""
    """For notices, and by which single sign-on finds the operator; folded."""
    subject: str = field(default="", repr=False)
    """A hash of who the operator is at the provider of single sign-on, once bound."""
    zone: str = ""
    """The time zone of the pages, by its IANA name; empty for the browser's."""
    has_second_factor: bool = False
    """Whether sign-in asks for more than the password."""

    def may(self, role: str) -> bool:
        """Whether their role is at least that."""
        return ROLES.index(self.role) >= ROLES.index(role)


def now_us() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


def token_digest(token: str | bytes) -> bytes:
    """Return what is kept of a secret that nobody can guess: of a link, a session or a code."""
    raw = token if isinstance(token, bytes) else token.encode("utf-8", "surrogatepass")
    return sha256(raw).digest()


def fold_name(name: str) -> str:
    """Return a name as names are compared, whatever case, width or spacing it is typed in."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(plain.split())[:MAX_NAME_CHARACTERS]


def fold_email(email: str) -> str:
    """Return an address that was typed, folded; empty where none was. Raises ``Unfit``."""
    email = email.strip().casefold()
    if email and (len(email) > 200 or not re.fullmatch("[!-?A-~]+@[!-?A-~]+", email)):
        raise Unfit("Enter an e-mail address, such as maria@example.com.", field="email")
    return email


def new_row(name: str, role: Role, email: str = "") -> OperatorRow:
    """Return an operator without a password. Raises ``Unfit``."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    too_long = len(name) > MAX_NAME_CHARACTERS
    if too_long or not _NAME.fullmatch(name) or _LIKE_A_NUMBER.fullmatch(name):
        raise Unfit(
            f"That name is not valid: use up to {MAX_NAME_CHARACTERS} letters and digits, with "
            ". _ - + @ ' or spaces between them, such as maria or maria@example.com.",
            field="name",
        )
    return OperatorRow(secrets.token_hex(8), name, fold_name(name), role, "", email=email)


def insert(connection: Connection, table: Table, values: Row) -> bool:
    """Add a row; False where another one has its key, its name or its address."""
    known = {column.name: values[column.name] for column in table.columns}
    adding = upsert(connection, table).on_conflict_do_nothing().values(known)
    return connection.execute(adding.returning(*table.primary_key)).first() is not None


def find_operators(database: Database, *where: ColumnElement[bool]) -> list[OperatorRow]:
    """Return the operators that fulfil all conditions, those who are deactivated last."""
    query = select(*OPERATOR_COLUMNS).where(*where)
    query = query.order_by(operators.c.ended_us > 0, operators.c.folded)
    return [OperatorRow(*row) for row in rows_of(database, query)]


# --- secrets that work once -----------------------------------------------------------------------


def issue(
    connection: Connection, purpose: str, owner: str, tokens: Iterable[str | bytes], lasts_s: float
) -> None:
    """Keep the digests of secrets that work once, in place of the owner's for that purpose."""
    kept, now = single_use.c, now_us()
    earlier = (kept.purpose == purpose) & (kept.owner == owner)
    connection.execute(delete(single_use).where(earlier | (kept.ends_us <= now)))
    common = {"purpose": purpose, "owner": owner, "ends_us": now + int(lasts_s * _S)}
    for token in tokens:
        connection.execute(single_use.insert().values(common | {"digest": token_digest(token)}))


def redeem(connection: Connection, purpose: str, owner: str, token: str | bytes) -> bool:
    """Use a secret up: of several at once the one that deletes it succeeds."""
    kept = single_use.c
    mine = (kept.digest == token_digest(token)) & (kept.purpose == purpose) & (kept.owner == owner)
    used = connection.execute(delete(single_use).where(mine & (kept.ends_us > now_us())))
    return used.rowcount == 1


def recovery_codes_left(database: Database, row: OperatorRow) -> int:
    """Return how many recovery codes an operator has."""
    mine = (single_use.c.purpose == RECOVERY) & (single_use.c.owner == row.id)
    with database.reading() as connection:
        return connection.scalar(select(func.count()).where(mine)) or 0


def make_link(connection: Connection, operator_id: str, lasts_s: float = LINK_S) -> str:
    """Return the path of a new link."""
    token = secrets.token_urlsafe(32)
    issue(connection, LINK, operator_id, [token], lasts_s)
    return LINK_PATH + token


def first_link(database: Database, author: ActionAuthor) -> str | None:
    """Return the path by which an operator ``admin`` sets a password, in place of earlier ones.

    Adds the operator if there is nobody; None where there is somebody else, or it has a password.
    """
    if not find_operators(database):
        row = new_row("admin", "admin")
        with database.writing() as connection:
            if insert(connection, operators, asdict(row)):
                log_action(connection, "person added", row.name, author, "as the first admin")
    first, *others = find_operators(database)
    if others or first.folded != "admin" or first.password_hash or first.subject:
        return None
    with database.writing() as connection:
        return make_link(connection, first.id, FIRST_LINK_S)


class OperatorService:
    """Finds operators and changes them, each change with its line in the log."""

    def __init__(self, database: Database, mailbox: SecretStr | None = None) -> None:
        """``mailbox`` sends people notices about their account."""
        self.database, self._mailbox = database, mailbox

    def named(self, name: str) -> OperatorRow:
        """Return the operator of that name. Raises ``OperatorError``."""
        for found in find_operators(self.database, operators.c.folded == lookup(fold_name(name))):
            return found
        raise OperatorError("There is no operator of that name: see `smsgate operators list`.")

    def linked(self, token: str) -> OperatorRow:
        """Return the operator of a link. Raises ``LinkBroken``."""
        kept = single_use.c
        mine = (kept.digest == token_digest(token)) & (kept.purpose == LINK)
        owner = select(kept.owner).where(mine & (kept.ends_us > now_us())).scalar_subquery()
        for found in find_operators(self.database, operators.c.id == owner):
            if not found.ended_us:
                return found
        raise LinkBroken(BROKEN)

    def set_password(
        self, row: OperatorRow, password: str, address: str, token: str = ""
    ) -> OperatorRow:
        """Set an operator's password, and use up the link if one is given; ends every session.

        Raises ``LinkBroken``, ``Unfit`` and ``SignInRefused``.
        """
        passwords.refuse_unfit(password, row.name)
        hashed = passwords.hash_password(password)
        author, values = ActionAuthor(row.name, address), {"password_hash": hashed}
        note = "by a link" if token else ""
        with self.changing(row, "password set", author, note, values) as connection:
            if token and not redeem(connection, LINK, row.id, token):
                raise LinkBroken(BROKEN)
            issue(connection, LINK, row.id, [], 0)  # nor any other
            lock_unchanged(connection, row)
        return replace(row, password_hash=hashed)

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
        e-mail, at the address that they had before. Raises ``OperatorError``.
        """
        with self.database.writing() as connection:
            yield connection
            # It locks the row: a session that begins meanwhile ends, or finds the row changed.
            setting = update(operators).where(operators.c.id == row.id)
            try:
                connection.execute(setting.values({"id": row.id, **values}))
            except IntegrityError as error:
                raise OperatorError(TAKEN, field="email") from error
            mine = sessions.c.operator_id == row.id
            connection.execute(delete(sessions).where(mine & (sessions.c.digest != keep)))
            log_action(connection, what, row.name, author, note)
        done = what + (f" ({note})" if note else "")
        self.notify(row, f"{author.name} changed how you sign in: {done}")

    def notify(self, row: OperatorRow, news: str) -> None:
        """Tell somebody by e-mail, if they have an address, what happened to their account."""
        if self._mailbox is not None and row.email:
            text = _NOTICE.format(name=row.name, news=news)
            _notices.submit(self._send_notice, self._mailbox, row, text)

    def _send_notice(self, mailbox: SecretStr, row: OperatorRow, text: str) -> None:
        try:
            send_email(mailbox, row.email, "Your smsgate account", text)
        except CallFailed as error:
            _log.warning("notice not sent", reason=str(error))
            with suppress(RecordsUnavailable), self.database.writing() as connection:
                author = ActionAuthor("smsgate")
                log_action(connection, "notice not sent", row.name, author, str(error))


def lock_unchanged(connection: Connection, row: OperatorRow) -> None:
    """Lock an operator's row. Raises ``SignInRefused`` unless it is as it was read."""
    mine = operators.c.id == row.id
    connection.execute(update(operators).where(mine).values(id=row.id))
    found = connection.execute(select(*OPERATOR_COLUMNS).where(mine)).first()
    if found is None or OperatorRow(*found) != row:
        raise SignInRefused("Nothing was done: the account was changed meanwhile. Try again.")


def refuse_last_admin(connection: Connection, row: OperatorRow) -> None:
    """Raise ``OperatorError`` where nobody else could act as an admin; locks all who can."""
    able = (operators.c.role == "admin") & (operators.c.ended_us == 0)
    able &= (operators.c.password_hash != "") | (operators.c.subject != "")
    query = select(operators.c.id).where(able).with_for_update()
    if {*connection.scalars(query)} == {row.id}:
        raise OperatorError(f"{row.name} is the only admin: make another person an admin first.")
