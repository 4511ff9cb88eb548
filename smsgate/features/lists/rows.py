"""The contents of a list's rows: a number or why it is invalid, its status, and since when."""

from __future__ import annotations

import functools
import re
import sqlite3
import weakref
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberType

from smsgate.domain.errors import InvalidNumber, Unfit
from smsgate.domain.phone import e164, is_region, is_toll_free
from smsgate.features.lists.columns import ANY_OTHER, Columns, plain, printable

State = Literal["opted_out", "subscribed"]
_NORTH_AMERICAN = re.compile(r"\+1[0-9]{10}").fullmatch
_TEN = re.compile(r"[2-9][0-9]{9}").fullmatch
_NORTH_AMERICA = ("US", "CA")
# Copied from an address book: marks of direction, and spaces of no width.
_UNSEEN = dict.fromkeys(
    map(
        ord,
        "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
        "\u2060\u2066\u2067\u2068\u2069",
    )
)
_FORMULA = re.compile(r"""=\s*"?'?(\+?[\d\s().-]+)"?""")
_ROUNDED = re.compile(r"\+?\d(?:[.,]\d+)?[eE][+-]?\d+")
_FLOAT = re.compile(r"(\+?\d{7,15})\.0+")
_SCHEME = re.compile(r"(?:tel|sms):", re.IGNORECASE)
_BETWEEN = re.compile(r"[/;,|\n\r\t&]|\bor\b|\band\b|(?<=\d)\s*(?=\+)", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?:;\s*ext=|\bext\.?|\bextension|\bx|#|,|;)\s*\.?\s*\d{1,7}\s*$", re.IGNORECASE
)
_LONGEST, _DIGITS = 80, 15

REASONS = {
    "empty": "no number",
    "formula": "a spreadsheet formula, which is not evaluated",
    "rounded": "rounded by a spreadsheet: format the column as text and export again",
    "two_numbers": "two numbers in one cell: give each its own row",
    "extension": "has an extension, which cannot be texted",
    "letters": "contains letters",
    "no_country": "no country code: write +14155550123, or set a default country (--region US)",
    "too_short": "too few digits: short codes and partial numbers cannot opt out",
    "too_long": "too many digits for a phone number",
    "not_a_number": "not a valid phone number in any country, or in the default country",
    "bad_state": "unknown status: use opted_out or subscribed",
    "other_program": "for another program: import the file for that one too",
    "unknown_program": "names a program that you do not have",
    "no_program": "names no program",
}
"""Why a row has no number that could be used."""


def read_number(cell: str, region: str = "", *, international: bool = False) -> tuple[str, str]:
    """The number (E.164) of a cell and nothing, or nothing and the reason (see ``REASONS``).

    ``region`` (such as ``US``) is for numbers without a country; ``international``: they have
    their country, and only the plus is missing.
    """
    if _NORTH_AMERICAN(cell):
        return cell, ""
    if region in _NORTH_AMERICA and not international and _TEN(cell):
        return f"+1{cell}", ""
    text = _bare(cell)
    reason = _problem(text)
    if reason:
        return "", reason
    found = _FLOAT.fullmatch(text)
    text = found[1] if found else text
    if text.startswith("00") and len(text) > _DIGITS - 6:
        text = f"+{text[2:]}"
    elif international and text.isdigit():
        text = f"+{text}"
    try:
        return e164(text, region), ""
    except InvalidNumber:
        return "", _why_not(text, region)


def _bare(cell: str) -> str:
    """The cell without what spreadsheets and address books put around a number."""
    if not cell.isascii():
        latin = cell.encode("utf-8", "surrogateescape").decode("latin-1")
        cell = latin if any("\udc80" <= one <= "\udcff" for one in cell) else cell
        cell = cell.translate(_UNSEEN)
    text = cell.strip().strip('\0"').strip()
    if text.startswith("'"):
        text = text[1:].strip()  # how a spreadsheet is told that a cell is text
    found = _FORMULA.fullmatch(text)
    text = found[1].strip() if found else text
    scheme = _SCHEME.match(text)
    return text[scheme.end() :].strip() if scheme else text


def _problem(text: str) -> str:
    """What can be text without knowing any country."""
    if not any(one.isalnum() for one in text):
        return "empty" if not text else "not_a_number"
    if text[0] in "=@" or (text[0] in "+-" and "|" in text):
        return "formula"
    if _ROUNDED.fullmatch(text):
        return "rounded"
    if sum(_digits(part) >= 7 for part in _BETWEEN.split(text[: _LONGEST * 4])) > 1:
        return "two_numbers"
    if _EXTENSION.search(text) and _digits(text) >= 7:
        return "extension"
    if any(one.isalpha() for one in text[:_LONGEST]):
        return "letters"
    return "too_long" if _digits(text) > _DIGITS + 2 else ""


def _digits(text: str) -> int:
    return sum(one.isdigit() for one in text)


def _why_not(text: str, region: str) -> str:
    digits = _digits(text)
    if digits < 7:
        return "too_short"
    if digits > _DIGITS:
        return "too_long"
    return "not_a_number" if region or text.startswith("+") else "no_country"


MOBILE, UNKNOWN = "mobile", "unknown"
_SHARED_RANGES = {
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}
"""Types of ranges that may hold mobile numbers among others."""


def kind_of(number: str) -> str:
    """The kind of a number (E.164): ``mobile``, ``unknown``, or what it is instead.

    In +1 mobile and fixed lines share their ranges, so it is ``unknown`` there unless it is
    toll-free or the like. Elsewhere a number of no known range is ``unassigned``.
    """
    if number.startswith("+1"):
        if is_toll_free(number):
            return "toll_free"
        return "premium_rate" if number.startswith("+1900") else UNKNOWN
    found = phonenumbers.number_type(phonenumbers.parse(number))
    if found in _SHARED_RANGES:
        return UNKNOWN
    if found == PhoneNumberType.UNKNOWN:
        return "unassigned"
    return (
        "company_number"
        if found == PhoneNumberType.UAN
        else PhoneNumberType.to_string(found).lower()
    )


class ListRow(NamedTuple):
    """What a row of a list says."""

    line: int
    cell: str
    number: str
    """E.164; empty where ``reason`` says why there is none that could be used."""
    reason: str
    """Of ``REASONS``, or ``OTHER``, ``BLANK``."""
    state: State
    program: str
    since_us: int
    source: str


OTHER, BLANK = "other", "blank"
"""Reasons of a row about something else, such as a message that was delivered, and an empty one."""


class RowReader:
    """Reads the rows of a file, given its columns and what all rows have in common.

    ``state`` is that of rows that do not say, or of every row where it is ``forced``. ``programs``
    has by value of the program column (as ``plain`` gives it) the program that is meant; None: the
    column is not asked. Rows with another value name no program that there is, or where ``program``
    is given, are for an import of their own.
    """

    def __init__(
        self,
        columns: Columns,
        *,
        region: str = "",
        state: State = "opted_out",
        forced: bool = False,
        program: str = "",
        programs: Mapping[str, str] | None = None,
    ) -> None:
        self._columns = columns
        self._region = region
        self._state: State = state
        self._forced = forced
        self._program = program
        self._programs = programs
        export = columns.export
        self._international = export is not None and export.international
        self._words = tuple(export.states.items()) if export is not None else STATE_WORDS

    def read(self, line: int, cells: Sequence[str]) -> ListRow:
        """What a row says."""
        columns = self._columns
        cell = self.cell(cells, columns.number)
        number, reason = self.number(cells)
        if reason == BLANK:
            return ListRow(line, cell, "", BLANK, self._state, self._program, 0, "")
        state = self._state
        if columns.state is not None:
            found = _state_of(self.cell(cells, columns.state), self._words)
            if found in (OTHER, "bad_state"):
                number, reason = "", found
            elif not self._forced:
                state = "subscribed" if found == "subscribed" else "opted_out"
        program = self._program
        if self._programs is not None and columns.program is not None:
            named = self.cell(cells, columns.program)
            program = self._programs.get(plain(named), "")
            if not program:
                wrong = "unknown_program" if named.strip() else "no_program"
                number, reason = "", "other_program" if self._program else wrong
        since_us = moment_us(self.cell(cells, columns.date)) if columns.date is not None else 0
        source = source_text(self.cell(cells, columns.source)) if columns.source is not None else ""
        return ListRow(line, cell, number, reason, state, program, since_us, source)

    def number(self, cells: Sequence[str]) -> tuple[str, str]:
        """The number of a row and nothing, or nothing and the reason."""
        cell = self.cell(cells, self._columns.number)
        number, reason = read_number(cell, self._region, international=self._international)
        is_blank = reason == "empty" and not any(map(str.strip, cells))
        return number, BLANK if is_blank else reason

    @staticmethod
    def cell(cells: Sequence[str], place: int | None) -> str:
        """What stands in a column; empty where the row is shorter."""
        return cells[place] if place is not None and place < len(cells) else ""


class SeenNumbers:
    """Which numbers earlier rows had, in a temporary file: memory does not grow with the list."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._db.close)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA cache_size = -32000")  # KiB
        self._db.execute("CREATE TABLE seen (key INTEGER PRIMARY KEY)")
        self._groups: dict[object, int] = {}

    def add(self, group: object, numbers: Collection[str]) -> set[str]:
        """Those that the group had not before; it has them from now on."""
        self._groups.setdefault(group, len(self._groups))
        return self._asked(
            "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?) RETURNING key",
            group,
            numbers,
        )

    def among(self, group: object, numbers: Collection[str]) -> set[str]:
        """Those that the group has."""
        if group not in self._groups:
            return set()
        asked = "SELECT key FROM seen WHERE key IN (SELECT value FROM json_each(?))"
        return self._asked(asked, group, numbers)

    def _asked(self, statement: str, group: object, numbers: Collection[str]) -> set[str]:
        place = self._groups[group]
        keys = sorted(int(number) * _MAX_GROUPS + place for number in numbers)
        rows = self._db.execute(statement, [msgspec.json.encode(keys).decode()])
        return {f"+{row[0] // _MAX_GROUPS}" for row in rows}


_MAX_GROUPS = 4096
"""A number of 15 digits times this fits 63 bits."""
STATE_WORDS = (
    *((word, "opted_out") for word in (
        "opted_out", "opted out", "opted-out", "opt_out", "opt out", "opt-out", "optout",
        "unsubscribed", "unsubscribe", "stop", "stopped", "blocked", "suppressed", "locked",
    )),
    *((word, "subscribed") for word in (
        "subscribed", "opted_in", "opted in", "opted-in", "opt_in", "opt in", "opt-in", "optin",
        "re-opt-in",
    )),
)  # fmt: skip
"""What a cell of a status column means, where the file is no known export. Anything else, such as
``active``, is no consent."""


MAX_SOURCE_CHARS = 60


def source_text(cell: str) -> str:
    """A cell of the source column as it is recorded: one line, without what cannot be seen."""
    text = " ".join(printable(cell, len(cell)).split())
    return printable("".join(filter(str.isprintable, text)), MAX_SOURCE_CHARS)


@functools.lru_cache(256)
def _state_of(text: str, states: tuple[tuple[str, str], ...]) -> str:
    known = dict(states)
    found = known.get(text.strip().casefold(), known.get(ANY_OTHER))
    return "bad_state" if found is None else found or OTHER


_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)")


@functools.lru_cache(4096)
def moment_us(text: str) -> int:
    """A time as exports write it (UTC where it does not say), in us.

    That is ISO 8601, the form of e-mail, ``2026/1/31`` and ``31.1.2026``, each with a time or
    without. 0 where it is none, or lies ahead. ``1/2/2026`` may be either of two days, so it is
    none.
    """
    text = text.strip().strip("'\"").removesuffix(" UTC")
    if date := _YEAR_FIRST.match(text):
        text = f"{date[1]}-{date[2]:>02}-{date[3]:>02}{text[date.end() :]}"
    elif date := _DAY_FIRST.match(text):
        text = f"{date[3]}-{date[2]:>02}-{date[1]:>02}{text[date.end() :]}"
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = int(moment.timestamp() * 1_000_000)
        return found if 0 < found <= int(datetime.now(UTC).timestamp() * 1_000_000) else 0
    return 0


def region_of(text: str) -> str:
    """A country that was given, in capitals; empty for none. Raises ``Unfit``."""
    region = text.strip().upper()
    if region and not is_region(region):
        raise Unfit(
            f"{text!r} is not a country: use two letters, such as US or GB.", field="region"
        )
    return region
