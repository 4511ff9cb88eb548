"""What words are about, in any language: food, a list, ceasing, being bothered.

Each language has a list of words and short expressions by concept (``tests/accuracy/concepts``),
which stand in the weights file. They decide nothing; the model sees by them that texts in other
words, or in another language, speak of the same things.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Sequence

from smsgate.classifier.weights import ConceptTable, HashIndex

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
_SHORTEST, _LONGEST = 3, 24
"""Letters that an entry for all words with one beginning has at least, and at most."""
_REMEMBERED = 6_000

_Meant = list[tuple[int, int]]
"""Languages, each with a concept that a word has in it."""


class Concepts:
    """Finds the concepts of texts."""

    def __init__(self, table: ConceptTable) -> None:
        self._index = HashIndex(table.codes)
        self._numbers = array("H")
        self._numbers.frombytes(table.numbers)
        self._meanings = table.meanings
        self._names = table.concepts
        self._languages = table.languages
        self._everybodys, self._tonal = (
            table.languages.index(name) if name in table.languages else -1
            for name in (_EVERYBODYS, TONAL)
        )
        self._known: dict[str, tuple[_Meant, int, frozenset[int]]] = {}

    def knows(self, word: str) -> bool:
        """Whether any language has the word in its lists, or uses it often."""
        return bool(self._look_up(word)[0])

    def lists(self, word: str, language: str) -> bool:
        """Whether a word stands for anything in a language."""
        meant = self._look_up(word)[0]
        return any(self._languages[at] == language and self._names[one] for at, one in meant)

    def means(self, word: str, concept: str, among: Collection[str]) -> bool:
        """Whether a word stands for a concept in one of some languages; of none, in any."""
        return any(
            self._names[one] == concept and (not among or self._languages[language] in among)
            for language, one in self._look_up(word)[0]
        )

    def found(
        self, words: Sequence[str], exact: Sequence[str]
    ) -> tuple[str, list[tuple[int, list[str]]]]:
        """The likeliest language of a text, and the places of words with what they stand for in it.

        Args:
            words: without their accents; those of scripts without blanks as single characters.
            exact: the same with their accents.
        """
        hits: list[tuple[int, _Meant]] = []
        votes: defaultdict[int, int] = defaultdict(int)
        for at, word in enumerate(words):
            known = self._known.get(word)
            meant, longest, languages = known or self._look_up(word)
            if longest > 1 or exact[at] != word:
                meant = self._begun(words, exact, at, longest)
                languages = frozenset([language for language, _ in meant])
            if meant:
                hits.append((at, meant))
                for language in languages:
                    votes[language] += 1
        if not votes:
            return "", []
        most = max(votes.values())
        likely = [language for language, count in votes.items() if count == most]
        main = self._everybodys if self._everybodys in likely else min(likely)
        names = self._names
        found = [
            (at, sorted({names[one] for language, one in meant if language == main} - {USUAL_WORD}))
            for at, meant in hits
        ]
        return self._languages[main], [one for one in found if one[1]]

    def _begun(self, words: Sequence[str], exact: Sequence[str], at: int, longest: int) -> _Meant:
        """What the word at a place may mean, alone and with those behind it."""
        found: _Meant = []
        for end in range(at + 1, min(at + longest, len(words)) + 1):
            plain, typed = " ".join(words[at:end]), " ".join(exact[at:end])
            meant = self._look_up(plain)[0] if end == at + 1 else self._meant(plain)
            if typed != plain and self._tonal >= 0:
                others = [one for one in meant if one[0] != self._tonal]
                meant = others + self._meant(typed)
            found += meant
        return found

    def _look_up(self, word: str) -> tuple[_Meant, int, frozenset[int]]:
        known = self._known.get(word)
        if known is None:
            meant = self._meant(word)
            for end in range(_SHORTEST, min(len(word), _LONGEST) + 1):
                meant += self._meant(word[:end] + STEM)
            place = self._index.place(word + LONGER)
            longest = self._numbers[place] if place >= 0 else 1
            known = meant, longest, frozenset([language for language, _ in meant])
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            if len(word) <= _LONGEST:
                self._known[word] = known
        return known

    def _meant(self, entry: str) -> _Meant:
        place = self._index.place(entry)
        if place < 0:
            return []
        meant = self._meanings[self._numbers[place]]
        return list(zip(meant[::2], meant[1::2], strict=True))
