"""The GSM alphabet of short messages, seven bits a letter.

3GPP TS 23.038, 6.2.1 (the alphabet) and 6.2.1.1 (its extension, whose letters take two septets).
National tables are left out, since providers do not use them.
"""

from __future__ import annotations

import re

# By septet; the escape stands at its own place, 1B.
_LETTERS = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED_LETTERS = dict(zip("\nΛ()/<=>¡e", "\f^{}\\[~]|€", strict=True))
BASIC = frozenset(_LETTERS) - {"\x1b"}
EXTENSION = frozenset(_ESCAPED_LETTERS.values())
_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)


def fits_gsm(text: str) -> bool:
    """Whether the GSM alphabet has every letter of a text."""
    return all(letter in BASIC or letter in EXTENSION for letter in text)


def decode_gsm(octets: bytes) -> str:
    """Read septets, one an octet (all below 80); an unknown escaped letter is itself."""
    text = "".join(_LETTERS[octet] for octet in octets)
    return _ESCAPED.sub(lambda found: _ESCAPED_LETTERS.get(found[1], found[1]), text)
