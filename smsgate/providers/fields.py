"""The keys of an account in ``smsgate.toml`` that a provider reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

ADVICE = 'make one with `python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'
_BITS_PER_CHARACTER = (
    ("[0-9]*", math.log2(10)),
    ("[0-9a-f]*|[0-9A-F]*", 4.0),
    ("[^a-z]*|[^A-Z]*", 5.0),
    ("(?s:.*)", 6.0),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One key of ``[accounts.X]`` that a provider reads."""

    name: str
    what: str
    """What would be right, to follow "must be": ``AC and 32 hexadecimal digits``."""
    pattern: str = r"[!-~]+"
    """Regular expression that a whole value must match; of a secret, each of its values."""
    secret: bool = False
    chosen: bool = False
    """Whether the operator makes the secret up, so that it must not be one that can be guessed."""
    required: bool = True
    only_with: tuple[str, str] | None = None
    """Required only where another key has this value, such as ``("algorithm", "hmac-sha256")``."""
    path_with: tuple[str, str] | None = None
    """Where another key has this value, it ends the webhook's address: ``PATH_SECRET`` then says
    what its values must be."""

    def is_required(self, options: Mapping[str, str]) -> bool:
        """Whether an account with those options must have it."""
        key, value = self.only_with or ("", "")
        return self.required and options.get(key, "") == value


def weakness(secrets: Sequence[str]) -> str:
    """What is wrong with the first of the secrets that could be guessed; empty if none could.

    Nothing is known of how one was made, so that words count as if they were random. Fewer than 8
    different characters are a pattern: of random hexadecimal digits, one in 25 million values of
    128 bits has so few. The sentence does not show the secret.
    """
    for place, secret in enumerate(secrets, 1):
        bits = next(bits for shape, bits in _BITS_PER_CHARACTER if re.fullmatch(shape, secret))
        if bits * len(secret) < 128 or len(set(secret)) < 8:
            which = f"number {place} of {len(secrets)} " if len(secrets) > 1 else ""
            return (
                f"{which}can be guessed: it must have 128 random bits, such as 22 letters of both "
                f"cases and digits or 32 hexadecimal digits; {ADVICE}"
            )
    return ""


secret_field = partial(Field, secret=True)
REGION = Field("region", "two capital letters, such as US", r"[A-Z]{2}", required=False)
