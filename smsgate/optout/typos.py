"""Slips of the finger in short texts: one edit, look-alike letters, letters spelt out.

Only whole texts of one to three words are corrected, and never towards END, NO, YES or START:
one edit away from those lie ``and``, ``send`` and ``smart``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_LOOKALIKE = str.maketrans(
    "авеёкмнорстухіјѕԁԛԝһпрοαερτνικυχγω",
    "abeekmhopctyxijsdqwhnpoaeptvikuxyw",
)
_TO_CYRILLIC = str.maketrans("abcehkmoptxyi", "авсенкмортхуі")
_LEET = str.maketrans("0134578@$!|", "oleastbasii")
_LEET_SIGN = re.compile(r"[0-9@$!|]")
_DOUBLE = re.compile(r"(.)\1+")
_TRIPLE = re.compile(r"(.)\1{2,}")
_SHORTEST_JOINED = 3


def variants(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Other readings of a few words, each with the name of what was done."""
    if len(words) > 1 and all(len(word) == 1 for word in words):
        yield "spaced letters", ["".join(words)]
    elif 1 < len(words) <= _SHORTEST_JOINED and any(len(word) < _SHORTEST_JOINED for word in words):
        yield "joined words", ["".join(words)]
    for name, changed in (
        ("repeated letters", _TRIPLE.sub(r"\1", " ".join(words))),
        ("repeated letters", _TRIPLE.sub(r"\1\1", " ".join(words))),
        ("repeated letters", _DOUBLE.sub(r"\1", " ".join(words))),
        ("look-alikes", " ".join(words).translate(_LOOKALIKE)),
        ("look-alikes", " ".join(words).translate(_TO_CYRILLIC)),
    ):
        if changed != " ".join(words):
            yield name, changed.split()


def unleeted(text: str) -> str:
    """Digits and signs that stand for letters as those letters: ``st0p``, ``5top``, ``$top``."""
    return text.translate(_LEET) if _LEET_SIGN.search(text) else text


class Corrector:
    """Finds the one keyword that a word is a slip of."""

    __slots__ = ("_by_length", "_known", "_not")

    def __init__(self, targets: Iterable[str], real_words: Iterable[str]) -> None:
        """Keep the words to correct to, by length, and words that are never corrected."""
        self._by_length: dict[int, list[str]] = {}
        for target in targets:
            self._by_length.setdefault(len(target), []).append(target)
        self._not = frozenset(real_words)
        self._known: dict[str, str] = {}

    def correct(self, word: str) -> str:
        """The keyword that the word is one slip away from, or nothing."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) > 20_000:
                self._known.clear()
            known = self._known[word] = self._search(word)
        return known

    def _search(self, word: str) -> str:
        if word in self._not or not word.isalpha() or not 3 <= len(word) <= 16:
            return ""
        for length in (len(word), len(word) + 1, len(word) - 1):
            for target in self._by_length.get(length, ()):
                if one_slip(word, target):
                    return target
        return self._search_long(word)

    def _search_long(self, word: str) -> str:
        if len(word) < 9:
            return ""
        for length in range(len(word) - 2, len(word) + 3):
            for target in self._by_length.get(length, ()):
                if len(target) >= 9 and _two_slips(word, target):
                    return target
        return ""


def one_slip(word: str, target: str) -> bool:
    """Whether one letter was changed, left out, doubled or added, or two were swapped."""
    if word == target:
        return True
    size = len(word) - len(target)
    if abs(size) > 1:
        return False
    at = _first_difference(word, target)
    if size == 0:
        swapped = word[at : at + 2] == target[at : at + 2][::-1]
        return word[at + 1 :] == target[at + 1 :] or (
            swapped and word[at + 2 :] == target[at + 2 :]
        )
    if size < 0:
        return word[at:] == target[at + 1 :]
    return word[at + 1 :] == target[at:]


def _first_difference(one: str, other: str) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def _two_slips(word: str, target: str) -> bool:
    """Edit distance of at most two (Levenshtein), for long words."""
    row = list(range(len(target) + 1))
    for at, left in enumerate(word, 1):
        before, row = row, [at]
        for place, right in enumerate(target, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (left != right)))
    return row[-1] <= 2
