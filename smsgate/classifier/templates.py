"""Our own texts, come back in a subscriber's: quoted without any quotation marks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from smsgate.classifier.normalize import clean, fold, tokens

_PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>|%s")
_SHORTEST = 4
"""Words in a row that must be ours; fewer may be the subscriber's own."""


class Templates:
    """The fixed parts of what a program sends."""

    __slots__ = ("_parts",)

    def __init__(self, templates: Iterable[str]) -> None:
        """Take templates as they are sent; ``{name}`` stands for something that changes."""
        found = (part for template in templates for part in _PLACEHOLDER.split(template))
        words = ([fold(word) for word in tokens(clean(part)[0])] for part in found)
        self._parts = [part for part in words if len(part) >= _SHORTEST]

    def without(self, words: list[str]) -> list[str]:
        """The words without those of ours; the same list where there are none."""
        for part in self._parts:
            at = _found(part, [fold(word) for word in words])
            if at >= 0:
                words = [*words[:at], ",", *words[at + len(part) :]]
        return words


def _found(part: list[str], words: list[str]) -> int:
    for at in range(len(words) - len(part) + 1):
        if words[at] == part[0] and words[at : at + len(part)] == part:
            return at
    return -1
