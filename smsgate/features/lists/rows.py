"""The contents of a list's rows: a number or why it is invalid, its state, and since when."""

from __future__ import annotations

import functools
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import phonenumbers
from phonenumbers import PhoneNumberType

from smsgate.domain.errors import InvalidNumber, Unfit
from smsgate.domain.phone import e164, is_region, is_toll_free
from smsgate.features.lists.list_file import Block
from smsgate.features.lists.shapes import ANY_OTHER, Shape, plain, printable

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
    "bad_row": "unreadable row",
    "bad_state": "unknown status: use opted_out or subscribed",
    "other_program": "for another program: import the file for that one too",
    "unknown_program": "names a program that you do not have",
    "no_program": "names no program",
}
"""Why a row has no number that could be used."""


def numbers_of(
    cells: Sequence[str], region: str = "", *, international: bool = False
) -> tuple[list[str], dict[int, str]]:
    """The numbers (E.164) of cells, empty for an invalid one, and by position the reason.

    ``region`` (such as ``US``) is for numbers without a country; ``international``: they have
    their country, and only the plus is missing.
    """
    numbers: list[str] = []
    problems: dict[int, str] = {}
    add, ten = numbers.append, _TEN if region in _NORTH_AMERICA and not international else None
    for place, cell in enumerate(cells):
        if _NORTH_AMERICAN(cell):
            add(cell)
        elif ten and ten(cell):
            add(f"+1{cell}")
        else:
            number, reason = number_of(cell, region, international=international)
            add(number)
            if reason:
                problems[place] = reason
    return numbers, problems


def number_of(cell: str, region: str = "", *, international: bool = False) -> tuple[str, str]:
    """The number (E.164) of a cell and nothing, or nothing and the reason (see ``REASONS``)."""
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


_TABLES = 1 << 15
_FULL = 5
"""A table grows when 5 of 8 places are taken."""
_START = 8
_LONG = (1 << 47) - (1 << 16)
"""From here on what is left does not fit: numbers of 15 digits, of which there are next to none."""


class NumberSet:
    """A set of numbers (E.164, up to 15 digits) that only grows, in 8 to 12 bytes for each.

    Python's own set takes 60 to 90. Numbers are spread over many small open-addressing tables by
    their last digits, so that a table that grows is a small one; what is left of a number that the
    tables do not say already fits 32 bits.
    """

    def __init__(self) -> None:
        self._tables: list[array[int] | None] = [None] * _TABLES
        self._counts = array("I", bytes(4 * _TABLES))
        self._long: set[int] = set()
        self.count = 0

    def __contains__(self, number: int) -> bool:
        """Whether it was added."""
        if number >= _LONG:
            return number in self._long
        table = self._tables[number & (_TABLES - 1)]
        if table is None:
            return False
        value, mask = (number >> 15) + 1, len(table) - 1
        at = (value * 2654435769 >> 7) & mask
        while found := table[at]:
            if found == value:
                return True
            at = (at + 1) & mask
        return False

    def add(self, number: int) -> bool:
        """Whether it is new; it is known from now on."""
        if number >= _LONG:
            is_new = number not in self._long
            self._long.add(number)
            self.count += is_new
            return is_new
        which = number & (_TABLES - 1)
        table = self._tables[which]
        if table is None:
            table = self._tables[which] = array("I", bytes(4 * _START))
        elif self._counts[which] * 8 >= len(table) * _FULL:
            table = self._tables[which] = _grown(table)
        value = (number >> 15) + 1
        mask = len(table) - 1
        at = (value * 2654435769 >> 7) & mask
        while found := table[at]:
            if found == value:
                return False
            at = (at + 1) & mask
        table[at] = value
        self._counts[which] += 1
        self.count += 1
        return True


def _grown(table: array[int]) -> array[int]:
    larger = array("I", bytes(8 * len(table)))
    mask = len(larger) - 1
    for value in table:
        if value:
            at = (value * 2654435769 >> 7) & mask
            while larger[at]:
                at = (at + 1) & mask
            larger[at] = value
    return larger


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


OTHER = "other"
"""Reason of a row that is about something else, such as a message that was delivered."""
BLANK = "blank"
"""Reason of a line without anything in it."""


@dataclass(slots=True)
class ListRows:
    """The rows of a block, as columns of equal length."""

    block: Block
    numbers: list[str]
    """E.164; empty where there is a problem."""
    problems: dict[int, str]
    """By place the reason why a row is not used: of ``REASONS``, or ``OTHER``, ``BLANK``."""
    states: list[str]
    """``opted_out`` or ``subscribed`` of each; empty where the file does not say."""
    since_us: list[int]
    """When each state began, 0 if unreadable; empty if the file has no times."""
    programs: list[str]
    """The program of each; empty where the file does not say."""
    sources: list[str]
    """From where each came, as it can be shown; empty where the file does not say."""


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


def rows_of(
    block: Block,
    shape: Shape,
    region: str = "",
    programs: Mapping[str, str] | None = None,
    *,
    others_are_wrong: bool = False,
) -> ListRows:
    """What the records of a block say.

    ``region`` is for numbers without a country. ``programs`` has by value of the program column
    (as ``plain`` gives it) the program that is meant; None: the column is not asked.
    ``others_are_wrong``: rows with another value name no program that there is; else they are for
    an import of their own.
    """
    export = shape.export
    numbers, problems = numbers_of(
        block.cells, region, international=export is not None and export.international
    )
    for place in [place for place, reason in problems.items() if reason == "empty"]:
        if not block.raws[place].strip():
            problems[place] = BLANK
    problems.update(dict.fromkeys(block.broken, "bad_row"))
    states: list[str] = []
    if block.states:
        words = tuple(export.states.items()) if export is not None else STATE_WORDS
        states = [_state(text, words) for text in block.states]
        problems.update((at, one) for at, one in enumerate(states) if one in (OTHER, "bad_state"))
    named: list[str] = []
    if programs is not None and block.programs:
        known = {one: programs.get(plain(one), "") for one in {*block.programs}}
        named = [known[one] for one in block.programs]
        for at, name in enumerate(named):
            if name or problems.get(at) == BLANK:
                continue
            wrong = "unknown_program" if block.programs[at].strip() else "no_program"
            problems[at] = wrong if others_are_wrong else "other_program"
    shown = {one: source_text(one) for one in {*block.sources}}
    sources = [shown[one] for one in block.sources]
    since_us = [moment_us(text) for text in block.sinces]
    return ListRows(block, numbers, problems, states, since_us, named, sources)


def source_text(cell: str) -> str:
    """A cell of the source column as it is recorded: one line, without what cannot be seen."""
    text = " ".join(printable(cell, len(cell)).split())
    return printable("".join(filter(str.isprintable, text)), MAX_SOURCE_CHARS)


@functools.lru_cache(256)
def _state(text: str, states: tuple[tuple[str, str], ...]) -> str:
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
