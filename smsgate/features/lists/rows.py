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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

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
    opt_out: str = ""
    """The status of opt-outs where it is a code; rows with another one are about something else."""
    is_international: bool = False
    """Whether numbers have their country, but no plus."""


EXPORTS = (
    KnownExport("smsgate", frozenset({"number", "state", "since", "source"}), "number", "state"),
    KnownExport(
        "twilio consents", frozenset({"contactid", "status", "senderid"}), "contactid", "status"
    ),
    KnownExport(
        "twilio messages", frozenset({"to", "errorcode", "sid"}), "to", "errorcode", "21610"
    ),
    KnownExport("telnyx", frozenset({"to", "from", "messagingprofileid"}), "to"),
    KnownExport("plivo", frozenset({"tonumber", "messageuuid", "errorcode"}), "tonumber",
                "errorcode", "200", is_international=True),
    KnownExport("aws", frozenset({"optedoutnumber"}), "optedoutnumber"),
)  # fmt: skip
NUMBERS = frozenset({
    "number", "phone", "phonenumber", "phonenumbers", "mobile", "mobilenumber", "mobilephone",
    "cell", "cellphone", "cellnumber", "msisdn", "e164", "contactnumber", "tel", "telephone",
    "sms", "smsnumber", "subscriber", "recipient", "to", "contactid",
})  # fmt: skip
DATES = (
    "optoutdate", "optedoutat", "optedoutdate", "optedouttimestamp", "unsubscribedat",
    "unsubscribedate", "dateofconsent", "consentdate", "since", "date", "datesent", "sentdate",
    "messagetime", "timestamp", "createdat", "updatedat",
)  # fmt: skip
STATES = ("state", "status", "optstatus", "smsstatus", "subscriptionstatus", "consentstatus")
SOURCES = ("source", "consentsource", "optoutsource", "externalsource", "origin", "importedfrom")
"""Headers under which lists have number, date, status and source, the best first but of numbers."""
NO_COLUMN = "0"
_MAX_NAMES = 12
_OF_NUMBERS = re.compile("phone|mobile|msisdn|cell$").search
"""What names of columns contain that are those of numbers, such as ``Home phone``."""
_IS_ID = re.compile(r"(?:(?:^|[\W_])[Ii]|[a-z]I)[Dd]$").search
"""Headers of ids, such as ``Record ID``; a column of long ids looks like one of numbers."""
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
    """Whether a cell may be meant as a phone number, though it may not be read as one."""
    return sum(map(str.isdigit, cell)) >= _FEWEST_DIGITS or bool(_ROUNDED(cell))


def _may_be_read(cell: str, region: str) -> bool:
    """Whether a cell may be read as a phone number, of a region where it has no country."""
    number, reason = read_number(cell, region)
    is_national = reason == "no_country" and sum(map(str.isdigit, cell)) >= _FEWEST_NATIONAL
    return (bool(number) or is_national) and not moment_us(cell)


def find_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], names: Sequence[str], region: str
) -> Columns:
    """The columns of a file with this header (empty: none) and these first rows.

    ``names`` were chosen for number, date, status and source, each by its header or its position
    from 1; empty: the one whose header says so, ``NO_COLUMN``: none. ``region`` is as for
    ``read_number``. Raises ``ListUnreadable`` for a name that there is not.
    """
    width = max(map(len, [header, *rows]), default=1)
    number, date, state, source = (_place_of(name, header, width) for name in names)
    found = [plain(one) for one in header]
    export = None
    if number is None and state is None:
        export = next((one for one in EXPORTS if one.needs <= set(found)), None)
    if export is not None:
        state = guess_column(header, [export.state])
        date = guess_column(header, DATES) if date is None else date
    else:
        chosen = zip(names[1:], (date, state, source), (DATES, STATES, SOURCES), strict=True)
        date, state, source = (at if name else guess_column(header, of) for name, at, of in chosen)
    if number is None:
        known = NUMBERS | {export.number} if export else NUMBERS
        columns = [[row[at] for row in rows if at < len(row) and row[at]] for at in range(width)]
        likely = {at for at, one in enumerate(found) if _names_numbers(one, columns[at], known)}
        if export is None:  # which has other numbers, too: those of senders
            seems = functools.partial(_may_be_read, region=region) if likely else looks_like_number
            others = [at for at in range(width) if not _IS_ID("".join(header[at : at + 1]))]
            likely |= {at for at in others if any(map(seems, columns[at]))}
        # Any other column would be left out, with its opt-outs.
        number = 0 if width <= 1 else likely.pop() if len(likely) == 1 else None
    return Columns(number, date, state, source, export)


def _names_numbers(name: str, cells: Sequence[str], known: Collection[str]) -> bool:
    """Whether a header (as ``plain`` gives it) is that of a column of numbers with these cells."""
    if {name, name.rstrip("0123456789")} & {*known}:
        return True
    may_be = any(looks_like_number(one) and not moment_us(one) for one in cells)
    return bool(_OF_NUMBERS(name)) and (may_be or not cells)


def guess_column(header: Sequence[str], known: Sequence[str]) -> int | None:
    """The place of the best known header among those of a file."""
    found = [plain(one) for one in header]
    return next((found.index(name) for name in known if name in found), None)


def _place_of(name: str, header: Sequence[str], width: int) -> int | None:
    if name in ("", NO_COLUMN):
        return None
    if header.count(name) == 1:
        return header.index(name)
    if name.isdecimal() and 0 < int(name) <= width:
        return int(name) - 1
    places = [at for at, one in enumerate(header) if plain(one) == plain(name)]
    if len(places) > 1:
        raise ListUnreadable(
            f"There are several columns {printable(name)!r}: give a position from 1."
        )
    if not places:
        raise ListUnreadable(f"There is no column {printable(name)!r}. {described(header)}")
    return places[0]


def quoted(header: Sequence[str]) -> str:
    """The first columns by name, and how many more there are."""
    names = ", ".join(repr(printable(one)) for one in header[:_MAX_NAMES])
    more = len(header) - _MAX_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def described(header: Sequence[str]) -> str:
    """Which columns there are, in a sentence."""
    return f"There are {quoted(header)}." if header else "Name one by its place, from 1 on."


_NORTH_AMERICAN = re.compile(r"\+1[0-9]{10}").fullmatch
_TEN = re.compile(r"[2-9][0-9]{9}").fullmatch
_NORTH_AMERICA = ("US", "CA")
# Copied from an address book: marks of direction and spaces of no width; and Latin-1's space.
_UNSEEN = re.compile("[\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069\udca0]")
_ROUNDED = re.compile(r"\+?\d(?:[.,]\d+)?[eE][+-]?\d+").fullmatch
_AROUND = re.compile(r"""^[\s'"=]*(?:(?:tel|sms):)?|(?:(?<=\d{7})\.0+)?[\s'"\0]*$""", re.IGNORECASE)
"""What spreadsheets and address books put around a number."""
_WRITTEN = re.compile(r"\(?\+?[\d\s()./\u2010-\u2015-]+").fullmatch
_FEWEST_DIGITS, _FEWEST_NATIONAL = 7, 10
"""Of a number; and of one without a country, where no region says how long those are."""

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
STATE_WORDS: Mapping[str, State] = {
    **dict.fromkeys(
        ("optedout", "optout", "unsubscribed", "unsubscribe", "stop", "stopped"), "opted_out"
    ),
    **dict.fromkeys(("blocked", "suppressed", "locked"), "opted_out"),
    **dict.fromkeys(("subscribed", "optedin", "optin", "reoptin"), "subscribed"),
}
"""What a status means, as ``plain`` gives it. Anything else, such as ``active``, is no consent."""
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
    text = _AROUND.sub("", _UNSEEN.sub("", cell))
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


@functools.lru_cache(4096)
def source_text(cell: str) -> str:
    """A cell of the source column as it is recorded: one line, without what cannot be seen."""
    text = " ".join(cell.split())
    return "".join(filter(str.isprintable, printable(text, MAX_SOURCE_CHARS)))


@functools.lru_cache(256)
def state_of(text: str, opt_out: str = "") -> str:
    """What a status means; ``bad_state`` if nothing. ``opt_out``: see ``KnownExport``."""
    if opt_out:
        return "opted_out" if text.strip() == opt_out else OTHER
    return STATE_WORDS.get(plain(text), "bad_state")


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
