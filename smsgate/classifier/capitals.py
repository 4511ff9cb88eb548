"""The printed keyword in capitals, in a short text that has small letters too.

``The word is STOP.``, ``STOP as per your instructions``: people who do what our texts told them
to do, and say so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_FIRST = re.compile(r"[^\w\n]*(?:STOP|UNSUBSCRIBE)(?![\w-])(?!\W*(?:[A-Z]{2}|it\b|at\b|by\b|in\b))")
_LAST = re.compile(r"(?<![\w-])(?:STOP|UNSUBSCRIBE)[^\w?]*\Z")
_OTHERS = frozenset({
    "bus", "didnt", "dont", "he", "her", "him", "never", "no", "not", "said", "says", "she", "sign",
    "them", "they", "who", "why",
})  # fmt: skip
"""Words beside which it may be somebody else's, or be denied."""


def meant(text: str, words: Sequence[str]) -> bool:
    """Whether the keyword stands in capitals at either end of a text, and is the writer's own."""
    if text == text.upper() or not _OTHERS.isdisjoint(words):
        return False
    return bool(_FIRST.match(text) or _LAST.search(text))
