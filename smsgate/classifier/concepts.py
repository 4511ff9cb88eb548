"""What words are about, in any language: food, a list, ceasing, being bothered.

Each language has a list of words and short expressions by concept (``tests/accuracy/concepts``).
They decide nothing; the model sees by them that texts in other words, or in another
language, speak of the same things.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from smsgate.classifier.memo import Memo
from smsgate.classifier.weights import ConceptTable, HashTable

STEM = "*"
"""Ends an entry that stands for all words that begin with it."""
LONGER = " +"
"""Behind a word: how many words the longest entry has that begins with it."""
NEGATION = "negation"
USUAL_WORD = ""
"""In place of a concept: a word that only tells which language it is of."""
TONAL = "vi"
"""The language whose words are others with other accents: written with them they mean no others."""
_EVERYBODYS = "en"
"""The language that a text is taken to be in where it may be in several."""
_SHORTEST = 3
_LONGEST = 24
"""Letters that an entry for all words with one beginning has at least, and at most."""


class TextConcepts(NamedTuple):
    """What a text is about, in the language in which most of it is about something."""

    language: str
    places: list[tuple[int, list[str]]]
    """Words, by their places, with the concepts that they stand for."""


_Known = tuple[list[tuple[int, int]], int, frozenset[int]]
"""What a word may mean, how many words the longest entry has that it begins, and the languages."""


class Concepts:
    """Finds the concepts of texts."""

    def __init__(self, meanings: ConceptTable) -> None:
        self._entries = HashTable(meanings.entries)
        self._meanings = meanings.meanings
        self._names = meanings.concepts
        self._languages = meanings.languages
        self._everybodys, self._tonal = (
            meanings.languages.index(name) if name in meanings.languages else -1
            for name in (_EVERYBODYS, TONAL)
        )
        self._known = Memo(self._find)
        self._rows = Memo(self._meant)

    def knows(self, word: str) -> bool:
        """Whether any language has the word in its lists, or uses it often."""
        return bool(self._known[word][0])

    def means(self, word: str, concept: str, among: Collection[str]) -> bool:
        """Whether a word stands for a concept in one of some languages, or of all."""
        return any(
            self._names[one] == concept and (not among or self._languages[language] in among)
            for language, one in self._known[word][0]
        )

    def found(self, words: Sequence[str], exact: Sequence[str] | None = None) -> TextConcepts:
        """What words are about.

        Args:
            words: without their accents; those of unspaced scripts as single characters.
            exact: the same with their accents, where there are any.
        """
        exact = words if exact is None else exact
        hits: list[tuple[int, list[tuple[int, int]]]] = []
        votes: defaultdict[int, int] = defaultdict(int)
        for at, word in enumerate(words):
            meant, longest, languages = self._known[word]
            if longest > 1 or exact[at] != word:
                meant = self._begun(words, exact, at)
                languages = frozenset([language for language, _ in meant])
            if meant:
                hits.append((at, meant))
                for language in languages:
                    votes[language] += 1
        if not hits:
            return TextConcepts("", [])
        main = self._likeliest(votes)
        named = ((at, self._named(meant, main)) for at, meant in hits)
        return TextConcepts(self._languages[main], [(at, names) for at, names in named if names])

    def _likeliest(self, votes: Mapping[int, int]) -> int:
        """The language of the most words; of several the one that everybody uses, or the first."""
        most = max(votes.values())
        likely = [place for place, count in votes.items() if count == most]
        return self._everybodys if self._everybodys in likely else min(likely)

    def _begun(self, words: Sequence[str], exact: Sequence[str], at: int) -> list[tuple[int, int]]:
        """What the word at a place may mean, alone and with those behind it."""
        meant, longest, _ = self._known[words[at]]
        if exact[at] != words[at]:
            meant = self._accented(meant, exact[at])
        for end in range(at + 2, min(at + longest, len(words)) + 1):
            meaning = self._rows[" ".join(words[at:end])]
            if exact[at:end] != words[at:end]:
                meaning = self._accented(meaning, " ".join(exact[at:end]))
            meant = meant + meaning
        return meant

    def _accented(self, meant: list[tuple[int, int]], exact: str) -> list[tuple[int, int]]:
        """Meanings of a word that is written with accents: the tonal language's by its own."""
        others = [one for one in meant if one[0] != self._tonal]
        return others + self._meant(exact) if self._tonal >= 0 else meant

    def _find(self, word: str) -> _Known:
        meant = self._meant(word)
        # a word that is only usual in a language may be one of the forms of a listed one
        listed = {language for language, concept in meant if self._names[concept]}
        meant += [one for one in self._by_stem(word) if one[0] not in listed]
        languages = frozenset([language for language, _ in meant])
        return meant, self._entries.get(word + LONGER) or 1, languages

    def _by_stem(self, word: str) -> list[tuple[int, int]]:
        for end in range(min(len(word), _LONGEST), _SHORTEST - 1, -1):
            meant = self._meant(word[:end] + STEM)
            if meant:
                return meant
        return []

    def _meant(self, entry: str) -> list[tuple[int, int]]:
        number = self._entries.get(entry)
        if number is None:
            return []
        meant = self._meanings[number]
        return list(zip(meant[::2], meant[1::2], strict=True))

    def _named(self, meant: Iterable[tuple[int, int]], main: int) -> list[str]:
        names = {self._names[concept] for language, concept in meant if language == main}
        return sorted(names - {USUAL_WORD})
