"""Numbers that belong to nobody: ranges that regulators keep for films and books."""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

from smsgate.errors import InvalidNumber
from smsgate.phone import e164


class Range(NamedTuple):
    """Some numbers of one country."""

    region: str
    country: str
    prefix: str
    digits: int
    """That follow the prefix, any of them."""

    def drawn(self) -> str:
        """One of them, by lot."""
        return f"{self.prefix}{secrets.randbelow(10**self.digits):0{self.digits}}"


RANGES = (
    Range("US", "United States", "+141555501", 2),  # NANPA: 555-0100 to 555-0199
    Range("GB", "United Kingdom", "+447700900", 3),  # Ofcom: numbers for drama use
    Range("FR", "France", "+3363998", 4),  # ARCEP, decision 2018-0881, 2.5.12
    Range("DE", "Germany", "+491713920", 3),  # Bundesnetzagentur: for media productions
)
_NANPA = re.compile(r"\+1[2-9]\d\d55501\d\d", re.ASCII)


def fictional(text: str) -> str:
    """The number that somebody wrote, in E.164. Raises ``InvalidNumber`` where it may be real."""
    number = e164(text.strip())
    for one in RANGES:
        rest = number.removeprefix(one.prefix)
        if rest != number and len(rest) == one.digits:
            return number
    if _NANPA.fullmatch(number):
        return number
    shown = ", ".join(f"{one.prefix}{'X' * one.digits}" for one in RANGES)
    raise InvalidNumber(f"{number} may be somebody's: take one that is kept for fiction: {shown}")


def range_of(region: str) -> Range:
    """The range of a country; that of the United States where there is none."""
    return next((one for one in RANGES if one.region == region), RANGES[0])
