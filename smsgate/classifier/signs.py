"""Signs while they are made: their words, and which words are worth waking up for.

Most texts are passed over after one look at each word. A text is looked at more closely only in
the languages whose rarest words it holds: for each wording the word that is met least often, or
where all its words are everyday ones, the two neighbours that are.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping

from smsgate.classifier.indexing import Indexing
from smsgate.classifier.lexicon import spelt
from smsgate.classifier.normalize import PUNCTUATION, fold
from smsgate.classifier.patterns import spellings
from smsgate.classifier.segments import has_unspaced, letters
from smsgate.classifier.sets.keyword_sets import KeywordSets, Language, listed

QUIET = "quiet"
"""The class of everyday words, the most frequent first."""
REAL = "not_typos"
"""The class of words that are no slips."""
_RARELY = 1 / 5000
_TOGETHER = 3.0
"""Two words stand side by side more often than chance would have it, by about this much."""
_Mark = tuple[float, str]
"""How often a wording is met at most, and the word or the two that say so."""


class Signs:
    """All signs of some keyword sets."""

    __slots__ = (
        "_ids",
        "_marks",
        "_often",
        "_quiet",
        "_read",
        "_words",
        "index",
        "languages",
        "named",
        "real",
        "unspaced",
    )

    def __init__(self, sets: KeywordSets) -> None:
        """Start without signs; the everyday words are needed from the beginning."""
        self.index = Indexing(list(sets.languages))
        self.unspaced: set[str] = set()
        """Words of scripts without spaces, for the segmenter."""
        self.languages: list[str] = []
        """The language of each sign."""
        self.named: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By class, the sign in each language."""
        self._ids: dict[tuple[str, str], int] = {}
        self._words: list[list[str]] = []
        self._read: dict[tuple[str, str], list[str]] = {}
        self._often: dict[int, float] = {}
        self._marks: dict[int, list[_Mark]] = {}
        self.real = _listed(sets, REAL)
        """Words that are no slips."""
        self._quiet = {
            word: 1 / (place + 10)
            for language in sets.languages.values()
            for place, word in enumerate(listed(language.classes.get(QUIET, "")))
        }

    def read(self, texts: Mapping[str, str], language: Language) -> None:
        """Read the words of all signs that a language may need at one go, which is much faster."""
        found = _wordings(list(texts.values()), language)
        code = language.language
        self._read |= {(code, name): words for name, words in zip(texts, found, strict=True)}

    def add(self, name: str, language: Language) -> int:
        """The sign of a class or literal that was read, with its words the first time."""
        key = (language.language, name)
        sign = self._ids.get(key)
        if sign is not None:
            return sign
        sign = self._ids[key] = len(self.languages)
        self.languages.append(language.language)
        self.named[name][language.language] = sign
        found = self._read.pop(key, [])
        self._words.append(found)
        self.index.add(found, sign, language)
        if not language.spaced:
            self.unspaced.update(words.replace(" ", "") for words in found)
        return sign

    def words_of(self, signs: Iterable[int]) -> set[str]:
        """The single words of some signs."""
        return {word for sign in signs for words in self._words[sign] for word in words.split()}

    def everyday(self) -> Iterable[str]:
        """Everyday words, and those that are no slips."""
        return dict.fromkeys((*self._quiet, *self.real))

    def often(self, signs: tuple[int, ...]) -> float:
        """How often any of the signs is met in ordinary texts, roughly."""
        return sum(self._frequency(sign) for sign in signs)

    def wake(self, sign: int) -> None:
        """Have every text that may hold the sign looked at."""
        language = self.languages[sign]
        for _, mark in self._marks_of(sign):
            self.index.alarm(mark, language)

    def wake_words(self, words: str, name: str, language: Language) -> None:
        """Have every text with one of the keywords looked at, and mark them with a sign."""
        (found,) = _wordings([words], language)
        self.index.add(found, self.named[name][language.language], language)
        for wording in found:
            self.index.alarm(self._rarest(wording)[1], language.language)

    def _frequency(self, sign: int) -> float:
        found = self._often.get(sign)
        if found is None:
            found = self._often[sign] = sum(often for often, _ in self._marks_of(sign))
        return found

    def _marks_of(self, sign: int) -> list[_Mark]:
        found = self._marks.get(sign)
        if found is None:
            found = self._marks[sign] = [self._rarest(words) for words in self._words[sign]]
        return found

    def _rarest(self, wording: str) -> _Mark:
        quiet = self._quiet
        if " " not in wording:
            return quiet.get(wording, _RARELY), wording
        parts = wording.split()
        if not wording.isascii() and has_unspaced(parts[0]):
            return _RARELY, " ".join(parts[:2])
        worded = [word for word in parts if word not in PUNCTUATION] or parts
        rarest = min((quiet.get(word, _RARELY), -len(word), word) for word in worded)
        if rarest[0] <= _RARELY:
            return rarest[0], rarest[2]
        pairs = [
            (_TOGETHER * quiet.get(one, _RARELY) * quiet.get(two, _RARELY), (one, two))
            for one, two in itertools.pairwise(parts)
            if "*" not in one + two and PUNCTUATION.isdisjoint((one, two))
        ]
        often, mark = min([(rarest[0], (rarest[2],)), *pairs])
        return often, " ".join(mark)


def _listed(sets: KeywordSets, name: str) -> list[str]:
    return [
        word
        for language in sets.languages.values()
        for word in listed(fold(language.classes.get(name, "").casefold()))
    ]


def _wordings(texts: list[str], language: Language) -> list[list[str]]:
    """The wordings of some lists: without accents, except where those count."""
    counts, written = [], []
    for text in texts:
        spelled = spellings(text, language)
        counts.append(len(spelled))
        written += spelled
    found = iter(spelt(written, folded=not language.tones))
    read = [[one for each in itertools.islice(found, count) for one in each] for count in counts]
    if language.spaced:
        return read
    return [[" ".join(letters([one.replace(" ", "")])) for one in each] for each in read]
