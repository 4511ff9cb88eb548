"""Echoes of the instruction that texts print: stop2end, quit to end, txt STOP 2 unsub.

The most frequent form of all in real replies; people type it from memory, with slips.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smsgate.classifier.normalize import fold
from smsgate.classifier.sets.tables import Tables
from smsgate.classifier.typos import one_slip

_PARTS = re.compile(r"[a-z]+|[0-9]+")
_LINKS = frozenset({"2", "to", "too", "two", "for", "4", "3", "1", "and", "n", "or"})
_JOINED = ("to", "2", "two")
_MOST = 7


class Echoes:
    """Knows the words that instructions are made of, as data says them."""

    __slots__ = ("_ends", "_first", "_verbs")

    def __init__(self, tables: Tables) -> None:
        """Take the words from the classes ``echo_verb``, ``echo_first`` and ``echo_end``."""
        self._verbs = tuple(tables.each("echo_verb"))
        self._first = tuple(tables.each("echo_first"))
        self._ends = tuple(tables.each("echo_end"))

    def found(self, words: Sequence[str]) -> str:
        """The echo as it would be printed, or nothing where the words are none."""
        if len(words) > _MOST:
            return ""
        parts = _parts(words)
        while parts and parts[0] in self._verbs:
            parts.pop(0)
        return self._echo(parts)

    def _echo(self, parts: list[str]) -> str:
        if len(parts) == 1:
            parts = self._unjoined(parts[0])
        if len(parts) < 3 or parts[1] not in _LINKS:
            return ""
        first, last = _meant(parts[0], self._first), _meant("".join(parts[2:]), self._ends)
        return f"{first} {parts[1]} {last}" if first and last else ""

    def _unjoined(self, word: str) -> list[str]:
        for first in self._first:
            for link in _JOINED:
                if word.startswith(first + link):
                    return [first, link, word[len(first + link) :]]
        return [word]


def _parts(words: Sequence[str]) -> list[str]:
    return [part for word in words for part in _PARTS.findall(fold(word))]


def _meant(word: str, known: Sequence[str]) -> str:
    if word in known:
        return word
    return next(
        (end for end in known if len(end) > 2 and len(word) > 2 and one_slip(word, end)), ""
    )
