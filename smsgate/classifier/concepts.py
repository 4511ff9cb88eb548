"""What words are about, in any language: food, a list, ceasing, being bothered.

Each language has a list of words and short expressions by concept (``tests/accuracy/concepts``),
which stand in the weights file. They decide nothing; the model sees by them that texts in other
words, or in another language, speak of the same things.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple
from zlib import crc32

from smsgate.classifier.features import code_of
from smsgate.classifier.normalize import LONGEST, WordCache
from smsgate.classifier.weights import CodeIndex, ConceptTable

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
"""Letters that an entry for all words with one beginning has at least."""
_Meaning = Mapping[int, Sequence[str]]
"""By language, the concepts that an entry stands for in it."""


class _WordMeaning(NamedTuple):
    """What a word means by itself, as often as entries say so."""

    meanings: list[_Meaning]
    languages: frozenset[int]
    longest: int
    """Words of the longest entry that begins with it."""


class Concepts:
    """Finds the concepts of texts."""

    def __init__(self, table: ConceptTable) -> None:
        self._index = CodeIndex(table.offsets, table.codes)
        self._numbers = array("H", table.numbers.tobytes())
        self._meanings = table.meanings
        self._names = table.concepts
        self._languages = table.languages
        self._everybodys, self._tonal = map(table.languages.index, (_EVERYBODYS, TONAL))
        self._words = WordCache(self._look_up)
        self._meaning = cache(self._read)

    def knows(self, word: str) -> bool:
        """Whether any language has the word in its lists, or uses it often."""
        return bool(self._words[word].meanings)

    def lists(self, word: str, language: str) -> bool:
        """Whether a word stands for anything in a language."""
        return any(self._meant(word, (language,)))

    def means(self, word: str, concept: str, among: Collection[str]) -> bool:
        """Whether a word stands for a concept in one of some languages; of none, in any."""
        return concept in self._meant(word, among or self._languages)

    def _meant(self, word: str, among: Collection[str]) -> Iterator[str]:
        for meaning in self._words[word].meanings:
            for language, names in meaning.items():
                if self._languages[language] in among:
                    yield from names

    def found(
        self, words: Sequence[str], exact: Sequence[str]
    ) -> tuple[str, list[tuple[int, list[str]]]]:
        """The likeliest language of a text, and the places of words with what they stand for in it.

        Args:
            words: without their accents; those of scripts without blanks as single characters.
            exact: the same with their accents.
        """
        hits: list[tuple[int, list[_Meaning]]] = []
        voices: list[int] = []
        for at, word in enumerate(words):
            meanings, languages, longest = self._words[word]
            if longest > 1 or exact[at] != word:
                meanings = self._begun(words[at : at + longest], exact[at : at + longest])
                languages = frozenset(chain.from_iterable(meanings))
            if meanings:
                hits.append((at, meanings))
                voices += languages
        if not hits:
            return "", []
        votes = Counter(voices)
        most = max(votes.values())
        likely = [language for language, count in votes.items() if count == most]
        main = self._everybodys if self._everybodys in likely else min(likely)
        found = [
            (at, {name for one in meanings for name in one.get(main, ())}) for at, meanings in hits
        ]
        return self._languages[main], [(at, sorted(names)) for at, names in found if names]

    def _begun(self, words: Sequence[str], exact: Sequence[str]) -> list[_Meaning]:
        """What the first of some words may mean, alone and with those behind it."""
        found = self._words[words[0]].meanings + self._entries(_sequences(words)[1:])
        if words == exact:
            return found
        others = [{at: one[at] for at in one if at != self._tonal} for one in found]
        return [*filter(None, others), *self._entries(_sequences(exact))]

    def _look_up(self, word: str) -> _WordMeaning:
        stems = (word[:end] + STEM for end in range(_SHORTEST, min(len(word), LONGEST) + 1))
        meanings = self._entries(map(code_of, (word, *stems)))
        longer = self._index.places([code_of(word + LONGER)])
        longest = self._numbers[longer[0]] if longer else 1
        return _WordMeaning(meanings, frozenset(chain.from_iterable(meanings)), longest)

    def _entries(self, codes: Iterable[int]) -> list[_Meaning]:
        """What those of some entries mean that there are."""
        return [self._meaning(self._numbers[place]) for place in self._index.places(codes)]

    def _read(self, number: int) -> _Meaning:
        meant = self._meanings[number]
        found: defaultdict[int, list[str]] = defaultdict(list)
        for language, concept in zip(meant[::2], meant[1::2], strict=True):
            name = self._names[concept]
            found[language] += [name] if name != USUAL_WORD else []
        return found


def _sequences(words: Sequence[str]) -> list[int]:
    """The codes of the first word, the first two, and so on, with blanks between them."""
    found = [code_of(words[0])]
    for word in words[1:]:
        found.append(crc32(b" " + word.encode(errors="replace"), found[-1]))
    return found
