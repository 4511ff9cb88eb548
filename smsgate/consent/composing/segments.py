"""How many segments a text takes: GSM 7-bit where every character allows it, else UCS-2.

3GPP TS 23.040, 9.2.3.24.1: in a text of several segments each has a header of six bytes, which
leaves 153 septets or 67 UTF-16 units; an escaped character, or a surrogate pair, is not cut in two.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from smsgate.domain.gsm import BASIC, EXTENSION, fits_gsm

_LIMITS = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
_TYPOGRAPHY = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "″": '"', "«": '"', "»": '"', "‹": "'", "›": "'",
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "•": "-", "·": "-",
        "…": "...", "\u2028": "\n", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "",
        "\u00ad": "", "\ufe0f": "", "ç": "Ç", "™": "TM", "\t": " ",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NonGsmCharacter:
    """A character that is not in the GSM alphabet, so that the whole text is UCS-2."""

    character: str
    count: int
    instead: str | None
    """What says nearly the same in GSM 7-bit; None where nothing does."""


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """What a text costs."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    """Septets, or UTF-16 units."""
    segments: int
    foreign: tuple[NonGsmCharacter, ...] = ()
    """The characters that force UCS-2, in the order of their first appearance."""


def count(text: str) -> SegmentCount:
    """Count the segments of a text, as a provider bills it that does not replace characters."""
    foreign = Counter(char for char in text if char not in BASIC and char not in EXTENSION)
    if not foreign:
        sizes = [2 if char in EXTENSION else 1 for char in text]
        return SegmentCount("GSM-7", sum(sizes), _packed(sizes, *_LIMITS["GSM-7"]))
    sizes = [2 if char > "\uffff" else 1 for char in text]
    found = tuple(NonGsmCharacter(char, times, _instead(char)) for char, times in foreign.items())
    return SegmentCount("UCS-2", sum(sizes), _packed(sizes, *_LIMITS["UCS-2"]), found)


def _packed(sizes: Iterable[int], alone: int, together: int) -> int:
    """How many segments; a character that does not fit into one begins the next."""
    sizes = list(sizes)
    if sum(sizes) <= alone:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > together:
            segments, used = segments + 1, 0
        used += size
    return segments


def _instead(char: str) -> str | None:
    plain = char.translate(_TYPOGRAPHY)
    if plain == char:
        parts = unicodedata.normalize("NFKD", char)
        plain = "".join(part for part in parts if not unicodedata.combining(part))
        if not plain:
            return None
    return plain if fits_gsm(plain) else None
