"""Secrets: printed without their value, and refused where they can be guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

MIN_BITS = 128
MIN_DISTINCT = 8
"""Fewer different characters are a pattern: of random hexadecimal digits, one in 25 million values
of 128 bits has so few."""
ADVICE = 'make one with `python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'
_BITS_PER_CHARACTER = (
    (re.compile(r"[0-9]*"), math.log2(10)),
    (re.compile(r"[0-9a-f]*|[0-9A-F]*"), 4.0),
    (re.compile(r"[^a-z]*|[^A-Z]*"), 5.0),
    (re.compile(r"(?s).*"), 6.0),
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must not be shown; printed, it is ``<secret>``."""

    value: str

    def __repr__(self) -> str:
        """Nothing of the value."""
        return "<secret>"

    __str__ = __repr__


def bits_of(secret: str) -> float:
    """How many bits the secret has at most, by its length and the characters that it uses.

    Nothing is known of how it was made, so that words count as if they were random.
    """
    bits = next(bits for pattern, bits in _BITS_PER_CHARACTER if pattern.fullmatch(secret))
    return bits * len(secret)


def weakness(secrets: Sequence[str]) -> str:
    """What is wrong with the first of the secrets that could be guessed; empty if none could.

    The sentence does not show the secret.
    """
    for place, secret in enumerate(secrets, 1):
        if bits_of(secret) < MIN_BITS or len(set(secret)) < MIN_DISTINCT:
            which = f"number {place} of {len(secrets)} " if len(secrets) > 1 else ""
            return (
                f"{which}can be guessed: it must have {MIN_BITS} random bits, such as 22 letters "
                f"of both cases and digits or 32 hexadecimal digits; {ADVICE}"
            )
    return ""
