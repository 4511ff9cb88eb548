"""The octets of a short message as text, by its data coding.

SMPP 3.4, 5.2.19 (data_coding); 3GPP TS 23.038, 4 (data coding schemes) and 6.2.1 (the GSM
alphabet); 3GPP TS 23.040, 9.2.3.24 (the header of a part of a long text). Read in November 2026.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from smsgate.domain.signing import text_of

_GSM, _OCTETS, _UCS2 = "GSM 03.38", "octets", "utf-16-be"
# SMPP's own; from 16 on it is a data coding scheme of GSM (``_alphabet``).
_ALPHABETS: Mapping[int, str] = {
    0: _GSM,
    1: "ascii",
    2: _OCTETS,
    3: "latin-1",
    4: _OCTETS,
    5: "cp932",  # JIS X 0208 as Shift JIS, with the letters that vendors added
    6: "iso8859_5",
    7: "iso8859_8",
    8: _UCS2,
    9: "cp932",  # pictograms, which stand beside Shift JIS
    10: "iso2022_jp",
    13: "euc_jp",  # JIS X 0212
    14: "cp949",  # KS C 5601, with the letters that vendors added
}
# 3GPP TS 23.038, 6.2.1 and 6.2.1.1; the escape (1B) stands at its place.
_LETTERS = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED_LETTERS = dict(zip("\nΛ()/<=>¡e", "\f^{}\\[~]|€", strict=True))
_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)
_PART_SIZES: Mapping[int, int] = {0x00: 3, 0x08: 4}
"""Elements of a header that say which part of a long text it is, and how long they are."""
_SIZES: Mapping[int, int] = {**_PART_SIZES, 0x04: 2, 0x05: 4, 0x24: 1, 0x25: 1}
"""And those that name ports, or the table of letters of a language, whose Latin ones are GSM's."""


def number_of(coding: bytes) -> int | None:
    """Return a data coding that is given as one raw byte or in digits; None for anything else.

    Nothing at all is 0, the default of the SMS centre.
    """
    if not coding:
        return 0
    if coding.isdigit() and len(coding) <= 3:
        return int(coding)
    return coding[0] if len(coding) == 1 else None


def decoded(octets: bytes, coding: int | None) -> tuple[str, str]:
    """Return the text that octets spell, and why it may be another one; nothing if it is sure.

    Octets that are no text (2, 4 and their kin) are an empty one, unless every one of them is a
    letter. A part of a long text says so, for nobody knows what stands in the others. Never raises.
    """
    part, octets = _without_header(octets)
    alphabet = _alphabet(coding)
    if alphabet == _OCTETS:
        text = text_of(octets)
        return (
            (part + text, f"data coding {coding} is not for texts") if _is_plain(text) else ("", "")
        )
    if not alphabet:
        return part + _guessed(octets), f"data coding {_shown(coding)} is not known"
    if alphabet == _UCS2 and len(octets) % 2:
        return part + _guessed(octets), f"data coding {coding} has two octets for each letter"
    return part + _read(octets, alphabet), ""


def _alphabet(coding: int | None) -> str:
    """The alphabet of a data coding; nothing where that is not known."""
    if coding is None or coding > 0xFF:
        return ""
    if coding < 0x10:
        return _ALPHABETS.get(coding, "")
    if coding < 0x80:  # texts, with a class or marked for deletion; unknown where compressed
        return "" if coding & 0x20 else (_GSM, _OCTETS, _UCS2, "")[coding >> 2 & 3]
    if coding < 0xC0:
        return ""
    if coding < 0xF0:  # a message waits
        return _UCS2 if coding >= 0xE0 else _GSM
    return _OCTETS if coding & 4 else _GSM


def _read(octets: bytes, alphabet: str) -> str:
    """Read in an alphabet. What an SMS centre calls GSM or ASCII may be UTF-8 or Latin-1."""
    if alphabet in (_GSM, "ascii"):
        return _gsm(octets) if alphabet == _GSM and octets.isascii() else text_of(octets)
    if alphabet == "euc_jp" and b"\x1b" in octets:
        alphabet = "iso2022_jp_1"  # has JIS X 0212, too
    if alphabet == _UCS2 and octets.startswith(codecs.BOM_UTF16_LE):
        alphabet = "utf-16"
    return octets.decode(alphabet, "replace")


def _guessed(octets: bytes) -> str:
    """Read what nobody says how to read: UTF-8 or Latin-1 where that gives letters, else UCS-2."""
    text = text_of(octets)
    return text if _is_plain(text) else octets.decode(_UCS2, "replace")


def _gsm(octets: bytes) -> str:
    """Read the GSM alphabet, one letter an octet; an unknown escaped letter is itself."""
    text = "".join(_LETTERS[octet] for octet in octets)
    return _ESCAPED.sub(lambda found: _ESCAPED_LETTERS.get(found[1], found[1]), text)


def _without_header(octets: bytes) -> tuple[str, bytes]:
    """Which part of a long text this is, in words, and what follows its header.

    An SMS gateway that does not join the parts hands them over with their headers, and does not say
    so. No text begins like one: it would have a length, and elements that fill it exactly.
    """
    part, place, end = "", 1, octets[0] + 1 if octets else 0
    known = end > 1
    while place + 1 < end <= len(octets):
        kind, size = octets[place], octets[place + 1]
        place += 2 + size
        known = known and _SIZES.get(kind) == size
        if _PART_SIZES.get(kind) == size and place <= end:
            total, number = octets[place - 2], octets[place - 1]
            part = f"[part {number} of {total}] " if 0 < number <= total > 1 else ""
            known = known and 0 < number <= total
    return (part, octets[end:]) if (part or known) and place == end else ("", octets)


def _is_plain(text: str) -> bool:
    return bool(text) and all(letter.isprintable() or letter in "\r\n\t" for letter in text)


def _shown(coding: int | None) -> str:
    return "of more than one byte" if coding is None else str(coding)
