"""Whether a secret that an operator makes up is long enough not to be guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

MIN_BITS = 128
MIN_DISTINCT = 8
"""Fewer different characters are a pattern: of random hexadecimal digits, one in 25 million values
of 128 bits has so few."""
ADVICE = 'make one with `python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'

_BITS_PER_CHARACTER = (
    (re.compile(r"[0-9]*"), math.log2(10)),
    (re.compile(r"[0-9a-f]*|[0-9A-F]*"), 4.0),
    (re.compile(r"[^a-z]*|[^A-Z]*"), 5.0),
)


def bits_of(secret: str) -> float:
    """How many bits the secret has at most, by its length and the characters that it uses.

    A character counts 3.3 bits where all are digits, 4 where all are hexadecimal digits, 5 where
    letters are of one case, else 6. Nothing is known of how it was made, so that words count as if
    they were random.
    """
    for pattern, bits in _BITS_PER_CHARACTER:
        if pattern.fullmatch(secret):
            return bits * len(secret)
    return 6.0 * len(secret)


def is_weak(secret: str) -> bool:
    """Whether the secret could be guessed."""
    return bits_of(secret) < MIN_BITS or len(set(secret)) < MIN_DISTINCT


def weakness(secrets: Sequence[str]) -> str:
    """What is wrong with the first weak one of several secrets, as a sentence without the secret.

    Empty where all will do.
    """
    for place, secret in enumerate(secrets, 1):
        if is_weak(secret):
            which = f"number {place} of {len(secrets)} " if len(secrets) > 1 else ""
            return (
                f"{which}can be guessed: it must have {MIN_BITS} random bits, such as 22 letters "
                f"of both cases and digits or 32 hexadecimal digits; {ADVICE}"
            )
    return ""
