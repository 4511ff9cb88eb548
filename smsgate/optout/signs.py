"""Signs while they are made: their words, and which words are worth waking up for.

Most texts are passed over after one look at each word. A text is looked at more closely only in
the languages whose rarest words it holds: for each wording the word that is met least often, or
where all its words are everyday ones, the two neighbours that are.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable

from smsgate.optout.keywords import KeywordSets, Language, listed
from smsgate.optout.lexicon import Lexicon, wordings
from smsgate.optout.normalise import PUNCTUATION, fold
from smsgate.optout.patterns import spellings
from smsgate.optout.segments import has_unspaced, letters

QUIET = "quiet"
"""The class of everyday words, the most frequent first."""
REAL = "not_typos"
"""The class of words that are no slips."""
_RARELY = 1 / 5000
_TOGETHER = 3.0
"""Two words stand side by side more often than chance would have it, by about this much."""


class Signs:
    """All signs of some keyword sets."""

    __slots__ = (
        "_ids",
        "_marks",
        "_often",
        "_quiet",
        "_real",
        "_words",
        "classes",
        "languages",
        "lexicon",
        "named",
        "unspaced",
    )

    def __init__(self, sets: KeywordSets) -> None:
        """Start without signs; the everyday words are needed from the beginning."""
        self.lexicon = Lexicon()
        self.unspaced: set[str] = set()
        """Words of scripts without spaces, for the segmenter."""
        self.languages: list[str] = []
        """The language of each sign."""
        self.classes: list[str] = []
        """The class that each sign stands for; nothing for a wording of its own."""
        self.named: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By class, the sign in each language."""
        self._ids: dict[tuple[str, str], int] = {}
        self._words: list[list[list[str]]] = []
        self._often: dict[int, float] = {}
        self._marks: dict[int, list[tuple[float, tuple[str, ...]]]] = {}
        self._real = {
            fold(word)
            for language in sets.languages.values()
            for word in listed(language.classes.get(REAL, "").casefold())
        }
        self._quiet = {
            word: 1 / (place + 10)
            for language in sets.languages.values()
            for place, word in enumerate(listed(language.classes.get(QUIET, "")))
        }

    def add(self, name: str, text: str, language: Language) -> int:
        """The sign of a class or literal, with the words it is given the first time."""
        key = (language.language, name)
        sign = self._ids.get(key)
        if sign is not None:
            return sign
        sign = self._ids[key] = len(self.languages)
        self.languages.append(language.language)
        self.classes.append("" if name.startswith("=") else name)
        self.named[name][language.language] = sign
        found = _wordings(text, language)
        self._words.append(found)
        for parts in found:
            self.lexicon.add(parts, sign, language.language, tones=language.tones)
        if not language.spaced:
            self.unspaced.update("".join(parts) for parts in found)
        return sign

    def words_of(self, signs: Iterable[int]) -> set[str]:
        """The single words of some signs."""
        return {word for sign in signs for parts in self._words[sign] for word in parts}

    def everyday(self, word: str) -> bool:
        """Whether a class of everyday words has it, or one of words that are no slips."""
        return word in self._quiet or word in self._real

    def often(self, signs: tuple[int, ...]) -> float:
        """How often any of the signs is met in ordinary texts, roughly."""
        return sum(self._frequency(sign) for sign in signs)

    def wake(self, sign: int) -> None:
        """Have every text that may hold the sign looked at."""
        for _, mark in self._marks_of(sign):
            self.lexicon.alarm(mark, self.languages[sign])

    def wake_words(self, words: str, name: str, language: Language) -> None:
        """Have every text with one of the keywords looked at, and mark them with a sign."""
        sign = self.named[name][language.language]
        for parts in _wordings(words, language):
            self.lexicon.add(parts, sign, language.language, tones=language.tones)
            self.lexicon.alarm(self._rarest(parts)[1], language.language)

    def _frequency(self, sign: int) -> float:
        found = self._often.get(sign)
        if found is None:
            found = self._often[sign] = sum(often for often, _ in self._marks_of(sign))
        return found

    def _marks_of(self, sign: int) -> list[tuple[float, tuple[str, ...]]]:
        found = self._marks.get(sign)
        if found is None:
            found = self._marks[sign] = [self._rarest(parts) for parts in self._words[sign]]
        return found

    def _rarest(self, parts: list[str]) -> tuple[float, tuple[str, ...]]:
        quiet = self._quiet
        if len(parts) == 1:
            return quiet.get(parts[0], _RARELY), (parts[0],)
        if has_unspaced(parts[0]):
            return _RARELY, tuple(parts[:2])
        worded = [word for word in parts if word not in PUNCTUATION] or parts
        rarest = min((quiet.get(word, _RARELY), -len(word), word) for word in worded)
        if rarest[0] <= _RARELY:
            return rarest[0], (rarest[2],)
        pairs = [
            (_TOGETHER * quiet.get(one, _RARELY) * quiet.get(two, _RARELY), (one, two))
            for one, two in itertools.pairwise(parts)
            if "*" not in one + two and PUNCTUATION.isdisjoint((one, two))
        ]
        return min([(rarest[0], (rarest[2],)), *pairs])


def _wordings(text: str, language: Language) -> list[list[str]]:
    """The wordings of a list as words: without accents, except where those count."""
    return [
        parts if language.spaced else letters(["".join(parts)])
        for spelling in spellings(text, language)
        for parts in wordings(spelling if language.tones else fold(spelling.casefold()))
    ]
