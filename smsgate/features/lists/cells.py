"""From a cell to a number in E.164, or to the reason why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from smsgate.domain.errors import InvalidNumber
from smsgate.domain.phone import e164

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
    "empty": "there is no number",
    "formula": "this is a formula of a spreadsheet, and it was not run",
    "rounded": "a spreadsheet has rounded the number: format the column as text and export again",
    "two_numbers": "there are two numbers in one cell: give each a row of its own",
    "extension": "the number has an extension, and an extension cannot be texted",
    "letters": "there are letters in the number",
    "no_country": "it has no country: write it as +14155550123, or give the list one (--region US)",
    "too_short": "there are too few digits: short codes and parts of numbers cannot opt out",
    "too_long": "there are more digits than a phone number has: two numbers, perhaps",
    "not_a_number": "this is no phone number of any country, or not of the region given",
    "bad_row": "the row cannot be read",
    "bad_state": "the state is none that is known: opted_out or subscribed",
}
"""Why a row has no number that could be used."""


class Problem(NamedTuple):
    """Why a cell is no number."""

    reason: str
    """One of ``REASONS``."""

    @property
    def why(self) -> str:
        """As a sentence."""
        return REASONS[self.reason]


def numbers_of(
    cells: Sequence[str], region: str = "", *, international: bool = False
) -> tuple[list[str], dict[int, str]]:
    """The numbers (E.164) of cells, empty where one is none; and by place the reason for that.

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
    """What can be said without knowing any country."""
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
