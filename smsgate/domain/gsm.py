"""The GSM alphabet of short messages, seven bits a letter, and how many segments a text takes.

3GPP TS 23.038, 6.2.1 (the alphabet) and 6.2.1.1 (its extension, whose letters take two septets).
National tables are left out, since providers do not use them. 3GPP TS 23.040, 9.2.3.24.1: in a text
of several segments each has a header of six bytes; an escaped letter, or a surrogate pair, is not
cut in two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

# By septet; the escape stands at its own place, 1B.
_LETTERS = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED_LETTERS = dict(zip("\nΛ()/<=>¡e", "\f^{}\\[~]|€", strict=True))
BASIC = frozenset(_LETTERS) - {"\x1b"}
EXTENSION = frozenset(_ESCAPED_LETTERS.values())
_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)
_LIMITS = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Units of a single segment, and of each of several."""


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """What a text costs."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    """Septets, or UTF-16 units."""
    segments: int
    foreign: tuple[str, ...] = ()
    """The characters that force UCS-2, in the order of their first appearance."""


def count(text: str) -> SegmentCount:
    """Count the segments of a text, as a provider bills it that does not replace characters."""
    foreign = tuple(dict.fromkeys(one for one in text if one not in BASIC and one not in EXTENSION))
    encoding: Literal["GSM-7", "UCS-2"] = "UCS-2" if foreign else "GSM-7"
    is_double = (lambda one: one > "\uffff") if foreign else EXTENSION.__contains__
    sizes = [2 if is_double(one) else 1 for one in text]
    alone, together = _LIMITS[encoding]
    segments, used = 1, 0
    for size in sizes if sum(sizes) > alone else ():
        if used + size > together:
            segments, used = segments + 1, 0
        used += size
    return SegmentCount(encoding, sum(sizes), segments, foreign)


def fits_gsm(text: str) -> bool:
    """Whether the GSM alphabet has every letter of a text."""
    return all(letter in BASIC or letter in EXTENSION for letter in text)


def decode_gsm(octets: bytes) -> str:
    """Read septets, one an octet (all below 80); an unknown escaped letter is itself."""
    text = "".join(_LETTERS[octet] for octet in octets)
    return _ESCAPED.sub(lambda found: _ESCAPED_LETTERS.get(found[1], found[1]), text)
