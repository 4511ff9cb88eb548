"""From what a person types to the numbers that it may mean, and to the texts that contain it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from smsgate.domain.errors import InvalidNumber, RecordsUnavailable
from smsgate.domain.phone import MAX_SENDER_CHARS, e164, is_valid
from smsgate.records import Records

_URI = re.compile(r"(?:tel|sms|smsto):(?://)?([^;?]*)(?:[;?].*)?", re.IGNORECASE | re.DOTALL)
_WRAPPING = " \t\r\n<>\"'"
"""What mail programs put around numbers."""
MAX_WORDS = 8
_APART = re.compile(r'[\s"\\]+')
"""Quotes and backslashes are escaped in what is stored, so that they are not searched for."""


@dataclass(frozen=True, slots=True)
class NumberCandidate:
    """A number that the search may mean."""

    number: str
    how: str
    """How it was read, in words."""
    events: int = 0
    """How many events it has in the records."""


def candidates(text: str, regions: Sequence[str]) -> list[NumberCandidate]:
    """The phone numbers that a text may mean, the likeliest first; none where it is no number.

    ``regions``: of the programs, in their order; what is written without a country is read as it
    is dialled there.
    """
    found: dict[str, NumberCandidate] = {}
    plain = text[: 2 * MAX_SENDER_CHARS].strip(_WRAPPING)
    link = _URI.fullmatch(plain)
    for number, how in _readings(link[1] if link else plain, regions):
        found.setdefault(number, NumberCandidate(number, how))
    # What cannot be in use where it would be is still offered, behind the others.
    return sorted(found.values(), key=lambda one: not is_valid(one.number))


def find_numbers(records: Records, text: str, regions: Sequence[str]) -> list[NumberCandidate]:
    """Like ``candidates``, with the amount of records of each, and senders recorded verbatim.

    Providers also name senders that are no phone numbers: short codes, names, e-mail addresses.
    """
    known, asked = candidates(text, regions), text.strip()
    numbers = [one.number for one in known]
    counts: dict[str, int] = {}
    if asked and len(asked) <= MAX_SENDER_CHARS:
        with suppress(RecordsUnavailable):
            counts = records.reader.counts([*numbers, asked])
    if asked in counts and asked not in numbers:
        known.append(NumberCandidate(asked, "as it was recorded; it is no phone number"))
    return [replace(one, events=counts.get(one.number, 0)) for one in known]


def words_of(text: str) -> list[str]:
    """The different words of what was typed, for ``records.reader.search``."""
    return [*dict.fromkeys(filter(None, _APART.split(text)))][:MAX_WORDS]


def _readings(plain: str, regions: Sequence[str]) -> Iterator[tuple[str, str]]:
    if plain.startswith("+"):
        yield from _read(plain, "", "with its country")
        return
    if plain.startswith("00"):
        yield from _read(f"+{plain[2:]}", "", "00 stands for the plus")
    for region in regions:
        yield from _read(plain, region, f"as it is dialled in {region}")
    if plain[:1].isdecimal() and not plain.startswith("0"):
        yield from _read(f"+{plain}", "", "with its country, the plus left out")


def _read(text: str, region: str, how: str) -> Iterator[tuple[str, str]]:
    with suppress(InvalidNumber):
        yield e164(text, region), how
