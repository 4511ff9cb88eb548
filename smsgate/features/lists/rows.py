"""What rows of a list say: its columns, and their cells as number, status, date and source.

Exports of other services are known by their headers. Sources: Twilio's bulk upsert of consents
(``contact_id``, ``status``, ``date_of_consent``) and its message resource (``to``, ``error_code``,
``date_sent``; the console's log of messages has the same names without underscores) with error
21610; Telnyx ``GET /v2/messaging_optouts`` (``to`` receives, ``from`` sends); Plivo's message
records with error 200; AWS ``DescribeOptedOutNumbers``.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

import msgspec

from smsgate.domain.errors import InvalidNumber, SmsGateError
from smsgate.domain.phone import e164

State = Literal["opted_out", "subscribed"]


class ListUnreadable(SmsGateError):
    """A file is no list that can be read; nothing of it was used."""

    status = 422


@dataclass(frozen=True, slots=True)
class KnownExport:
    """A known kind of file. Names of columns are as ``plain`` gives them."""

    name: str
    needs: frozenset[str]
    """Columns by which it is known."""
    number: str
    state: str = ""
    states: Mapping[str, str] = field(default_factory=dict)
    """What a status of theirs means: ``opted_out``, ``subscribed``, or nothing for us (empty)."""
    is_international: bool = False
    """Whether numbers have their country, but no plus."""


ANY_OTHER = "*"
"""Key of ``states`` for what is not in it: rows that say something else, such as another error."""
EXPORTS = (
    KnownExport("smsgate", frozenset({"number", "state", "since", "source"}), "number", "state",
           {"opted_out": "opted_out", "locked": "opted_out", "subscribed": "subscribed"}),
    KnownExport("twilio consents", frozenset({"contactid", "status", "senderid"}), "contactid",
           "status", {"opt-out": "opted_out", "opt-in": "subscribed", "re-opt-in": "subscribed"}),
    KnownExport("twilio messages", frozenset({"to", "errorcode", "sid"}), "to", "errorcode",
           {"21610": "opted_out", ANY_OTHER: ""}),
    KnownExport("telnyx", frozenset({"to", "from", "messagingprofileid"}), "to"),
    KnownExport("plivo", frozenset({"tonumber", "messageuuid", "errorcode"}), "tonumber",
           "errorcode", {"200": "opted_out", ANY_OTHER: ""}, is_international=True),
    KnownExport("aws", frozenset({"optedoutnumber"}), "optedoutnumber"),
)  # fmt: skip
NUMBERS = (
    "number", "phone", "phonenumber", "phonenumbers", "mobile", "mobilenumber", "mobilephone",
    "cell", "cellphone", "cellnumber", "msisdn", "e164", "contactnumber", "tel", "telephone",
    "sms", "smsnumber", "subscriber", "recipient", "to", "contactid",
)  # fmt: skip
DATES = (
    "optoutdate", "optedoutat", "optedoutdate", "optedouttimestamp", "unsubscribedat",
    "unsubscribedate", "dateofconsent", "consentdate", "since", "date", "datesent", "sentdate",
    "messagetime", "timestamp", "createdat", "updatedat",
)  # fmt: skip
STATES = ("state", "status", "optstatus", "smsstatus", "subscriptionstatus", "consentstatus")
SOURCES = ("source", "consentsource", "optoutsource", "externalsource", "origin", "importedfrom")
"""Headers under which lists have number, date, status and source, best first."""
_MAX_NAMES = 12
_PUNCTUATION = re.compile(r"[\W_]+")


class Columns(NamedTuple):
    """Places of columns; None where a file has none, or where it is unclear."""

    number: int | None
    date: int | None = None
    state: int | None = None
    source: int | None = None
    export: KnownExport | None = None


def plain(header: str) -> str:
    """A header without case, blanks and punctuation: ``Phone number`` is ``phonenumber``."""
    return _PUNCTUATION.sub("", header).casefold()


def printable(text: str, most: int = 40) -> str:
    """A cell as it can be shown and recorded: what is no UTF-8 is Windows-1252; not without end."""
    if not text.isascii():
        raw = text.encode("utf-8", "surrogateescape")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
    return text if len(text) <= most else f"{text[:most]}…"


def looks_like_number(cell: str) -> bool:
    """Whether a cell may be meant as a phone number."""
    return sum(map(str.isdigit, cell)) >= 7 and not any(map(str.isalpha, cell))


def find_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], names: Sequence[str]
) -> Columns:
    """The columns of a file with this header (empty: none) and these first rows.

    ``names`` were chosen for number, date, status and source, each by its header or its position
    from 1; empty: none was. Raises ``ListUnreadable`` for one that there is not.
    """
    width = max(map(len, [header, *rows]), default=1)
    headers = [plain(one) for one in header]
    number, date, state, source = (
        _place_of(name, header, width) if name else None for name in names
    )
    export = next((one for one in EXPORTS if one.needs <= {*headers}), None)
    if export is None or number is not None or state is not None:
        number = _number_column(headers, rows, width) if number is None else number
        return Columns(number, date, state, source)
    date = guess_column(header, DATES) if date is None else date
    state = guess_column(header, [export.state])
    return Columns(headers.index(export.number), date, state, source, export)


def guess_column(header: Sequence[str], known: Sequence[str]) -> int | None:
    """The place of the best known header among those of a file."""
    found = [plain(one) for one in header]
    return next((found.index(name) for name in known if name in found), None)


def _number_column(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int | None:
    """By its header, or the only one with numbers in it."""
    found = 0 if width <= 1 else guess_column(headers, NUMBERS)
    if found is not None:
        return found
    counts = [
        sum(looks_like_number(row[at]) for row in rows if at < len(row)) for at in range(width)
    ]
    likely = [at for at, count in enumerate(counts) if count and count * 2 > max(counts)]
    return likely[0] if len(likely) == 1 else None


def _place_of(name: str, header: Sequence[str], width: int) -> int:
    if name in header:
        return header.index(name)
    if name.isdecimal() and 0 < int(name) <= width:
        return int(name) - 1
    place = guess_column(header, [plain(name)])
    if place is None:
        raise ListUnreadable(f"There is no column {printable(name)!r}. {described(header)}")
    return place


def described(header: Sequence[str]) -> str:
    """Which columns there are, in a sentence."""
    names = ", ".join(repr(printable(one)) for one in header[:_MAX_NAMES])
    return f"The first are {names}." if names else "Name one by its place, from 1 on."


_NORTH_AMERICAN = re.compile(r"\+1[0-9]{10}").fullmatch
_TEN = re.compile(r"[2-9][0-9]{9}").fullmatch
_NORTH_AMERICA = ("US", "CA")
# Copied from an address book: marks of direction and spaces of no width; and Latin-1's space.
_UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d"))
_UNSEEN |= dict.fromkeys(map(ord, "\u202e\u2060\u2066\u2067\u2068\u2069\udca0"))
_ROUNDED = re.compile(r"\+?\d(?:[.,]\d+)?[eE][+-]?\d+").fullmatch
_AROUND = re.compile(r"""^[\s'"=]*(?:(?:tel|sms):)?|(?:(?<=\d{7})\.0+)?[\s'"\0]*$""", re.IGNORECASE)
"""What spreadsheets and address books put around a number."""
_WRITTEN = re.compile(r"\(?\+?[\d\s()./\u2010-\u2015-]+").fullmatch
_FEWEST_DIGITS = 7

REASONS = {
    "empty": "no number",
    "rounded": "rounded by a spreadsheet: format the column as text and export again",
    "not_a_number": "not one phone number such as +14155550123 without letters or extension",
    "no_country": "no country code: write +14155550123, or set a default country (--region US)",
    "too_short": "too few digits: short codes and partial numbers cannot opt out",
    "bad_state": "unknown status: use opted_out or subscribed",
}
"""Why a row has no number that could be used."""
OTHER, BLANK = "other", "blank"
"""Reasons of a row about something else, such as a message that was delivered, and an empty one."""
_WORDS = {
    "opted_out": "opted_out,opted out,opted-out,opt_out,opt out,opt-out,optout,unsubscribed,"
    "unsubscribe,stop,stopped,blocked,suppressed,locked",
    "subscribed": "subscribed,opted_in,opted in,opted-in,opt_in,opt in,opt-in,optin,re-opt-in",
}
STATE_WORDS = {word: state for state, words in _WORDS.items() for word in words.split(",")}
"""What a cell of a status column means, where the file is no known export. Anything else, such as
``active``, is no consent."""
MAX_SOURCE_CHARS = 60


def read_number(cell: str, region: str = "", *, is_international: bool = False) -> tuple[str, str]:
    """The number (E.164) of a cell and nothing, or nothing and the reason (see ``REASONS``).

    ``region`` (such as ``US``) is for numbers without a country; ``is_international``: they have
    their country, and only the plus is missing.
    """
    if _NORTH_AMERICAN(cell):
        return cell, ""
    if region in _NORTH_AMERICA and not is_international and _TEN(cell):
        return f"+1{cell}", ""
    text = _AROUND.sub("", cell.translate(_UNSEEN))
    digits = sum(map(str.isdigit, text))
    if not text or _ROUNDED(text):
        return "", "rounded" if text else "empty"
    if not digits or not _WRITTEN(text):
        return "", "not_a_number"
    if digits < _FEWEST_DIGITS:
        return "", "too_short"
    if text.startswith("00"):
        text = f"+{text[2:]}"
    elif is_international and text.isdigit():
        text = f"+{text}"
    try:
        return e164(text, region), ""
    except InvalidNumber:
        return "", "not_a_number" if region or text.startswith("+") else "no_country"


class SeenNumbers:
    """Which numbers earlier rows had, in a temporary file: memory does not grow with the list."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA cache_size = -32000")  # KiB
        self._db.execute("CREATE TABLE seen (key INTEGER PRIMARY KEY)")

    def add(self, numbers: Iterable[str], state: State = "opted_out") -> set[str]:
        """Those that no earlier row had in this state."""
        asked = "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?) RETURNING key"
        return self._asked(asked, numbers, state)

    def among(self, numbers: Iterable[str], state: State = "opted_out") -> set[str]:
        """Those that an earlier row had in this state."""
        asked = "SELECT key FROM seen WHERE key IN (SELECT value FROM json_each(?))"
        return self._asked(asked, numbers, state)

    def _asked(self, statement: str, numbers: Iterable[str], state: State) -> set[str]:
        keys = sorted(int(number) * 2 + (state == "subscribed") for number in numbers)
        rows = self._db.execute(statement, [msgspec.json.encode(keys).decode()])
        return {f"+{key // 2}" for (key,) in rows}


def source_text(cell: str) -> str:
    """A cell of the source column as it is recorded: one line, without what cannot be seen."""
    text = " ".join(cell.split())
    return "".join(filter(str.isprintable, printable(text, MAX_SOURCE_CHARS)))


@functools.lru_cache(256)
def state_of(text: str, states: tuple[tuple[str, str], ...]) -> str:
    """What a status means by these words; else ``bad_state``, or ``OTHER`` where they say so."""
    known = dict(states)
    found = known.get(text.strip().casefold(), known.get(ANY_OTHER))
    return "bad_state" if found is None else found or OTHER


@functools.lru_cache(4096)
def moment_us(text: str) -> int:
    """A time in ISO 8601 or as in e-mail (UTC where it does not say), in us.

    0 where it is none, or lies ahead. ``1/2/2026`` may be either of two days, so it is none.
    """
    text = text.strip().strip("'\"").removesuffix(" UTC")
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = int(moment.timestamp() * 1_000_000)
        return found if 0 < found <= int(datetime.now(UTC).timestamp() * 1_000_000) else 0
    return 0
