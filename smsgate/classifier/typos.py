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
_TO_GREEK = str.maketrans("abehikmnoptuxyz", "αβεηικμνορτυχυζ")
_LEET = str.maketrans("0134578@$!|†", "oleastbasiit")
_LEET_SIGN = re.compile(r"[0-9@$!|†]")
_SIGN_AT_LETTER = re.compile(r"[$@|†][A-Za-z]|[A-Za-z][$@|†]")
DOUBLED = "doubled letters"
"""A reading that most words of double letters have too: ``reed``, ``missa``."""
_DOUBLE = re.compile(r"(.)\1+")
_TRIPLE = re.compile(r"(.)\1{2,}")
_SHORTEST_JOINED = 3
_EDGED = 4
_LONG = 9
_LONGEST = 16
_REMEMBERED = 20_000


def variants(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Other readings of a few words, each with the name of what was done."""
    if len(words) > 1 and all(len(word) == 1 for word in words):
        yield "spaced letters", ["".join(words)]
    elif 1 < len(words) <= _SHORTEST_JOINED and any(len(word) < _SHORTEST_JOINED for word in words):
        yield "joined words", ["".join(words)]
    for name, changed in (
        ("repeated letters", _TRIPLE.sub(r"\1", " ".join(words))),
        ("repeated letters", _TRIPLE.sub(r"\1\1", " ".join(words))),
        (DOUBLED, _DOUBLE.sub(r"\1", " ".join(words))),
        ("look-alikes", " ".join(words).translate(_LOOKALIKE)),
        ("look-alikes", " ".join(words).translate(_TO_CYRILLIC)),
        ("look-alikes", " ".join(words).translate(_TO_GREEK)),
    ):
        if changed != " ".join(words):
            yield name, changed.split()


def looks_leet(text: str) -> bool:
    """Whether a sign that may stand for a letter touches one."""
    return any(sign in text for sign in "$@|†") and bool(_SIGN_AT_LETTER.search(text))


def unleeted(text: str) -> str:
    """Digits and signs that stand for letters as those letters: ``st0p``, ``5top``, ``$top``."""
    return text.translate(_LEET) if _LEET_SIGN.search(text) else text


def unleeted_i(text: str) -> str:
    """The same where a one stands for an i: ``qu1t``."""
    return unleeted(text.replace("1", "i"))


def alike(word: str) -> Iterator[str]:
    """A word whose letters are taken from several alphabets in each of them."""
    if not word.isascii():
        yield word.translate(_LOOKALIKE)
        yield word.translate(_TO_CYRILLIC)
        yield word.translate(_TO_GREEK)


class Corrector:
    """Finds the one keyword that a word is a slip of."""

    __slots__ = ("_by_edge", "_known", "_long", "_not", "_targets")

    def __init__(
        self, targets: Iterable[str], long_targets: Iterable[str], real_words: Iterable[str]
    ) -> None:
        """Index the words to correct to.

        Args:
            targets: for one slip.
            long_targets: for two slips, where they have nine letters or more.
            real_words: what is never corrected.
        """
        self._targets = list(targets)
        self._by_edge: dict[str, list[int]] = {}
        for at, target in enumerate(self._targets):
            for edge in _edges(target) if len(target) >= _EDGED else _parts(target):
                self._by_edge.setdefault(edge, []).append(at)
        self._long = [target for target in long_targets if len(target) >= _LONG]
        self._not = frozenset(real_words)
        self._known: dict[str, str] = {}

    def correct(self, word: str) -> str:
        """The keyword that the word is one slip away from, or nothing."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[word] = self._search(word)
        return known

    def _search(self, word: str) -> str:
        if word in self._not or not word.isalpha() or not 3 <= len(word) <= _LONGEST:
            return ""
        near = {
            at
            for edge in (*_edges(word), *_parts(word))
            for at in self._by_edge.get(edge, ())
            if one_slip(word, self._targets[at])
        }
        if len(near) > 1:
            return min((_alike(word, self._targets[at]), at, self._targets[at]) for at in near)[2]
        if near:
            return self._targets[near.pop()]
        return next((target for target in self._long if _two_slips(word, target)), "")


def _edges(word: str) -> tuple[str, str, str]:
    """Beginning, end, and both: one slip in a word of four letters leaves one of these alike."""
    return f"{word[:2]}-", f"-{word[-2:]}", f"{word[0]}-{word[-1]}"


def _alike(word: str, target: str) -> int:
    """The first part of a word that the target has too: of two targets the earlier one counts."""
    parts = set(_parts(target))
    return next(at for at, part in enumerate(_parts(word)) if part in parts)


def _parts(word: str) -> list[str]:
    """The word, and the word without each of its letters: one slip leaves one of these alike."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


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
    if abs(len(word) - len(target)) > 2 or not set(word[:3]) & set(target[:3]):
        return False
    row = list(range(len(target) + 1))
    for at, left in enumerate(word, 1):
        before, row = row, [at]
        for place, right in enumerate(target, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (left != right)))
    return row[-1] <= 2
