"""What the model sees of a text: its words, pairs of words, letter groups and concepts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import product

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.normalize import UNSPACED
from smsgate.classifier.text import Sentence
from smsgate.classifier.weights import hashes

_RUN = re.compile(f"[{UNSPACED}]+")
_VOWELS = re.compile("[aeiouy]+")
_TWICE = re.compile(r"(.)\1+")
_GROUP = 4
_SHORTEST = 5
"""Letters from which a word is also seen as groups of letters, which are alike in its forms."""
_NEXT = 4
"""How many of those behind it a concept is paired with."""
_LENGTHS = (3, 8, 19, 39)
_USUAL_COUNT = 50
"""Features of a usual text, which count as they are."""
CACHED_WORDS = 4_000
"""Words whose hashes and consonant skeletons are remembered. Of the words of real texts in English
and Chinese 86 % are among them; all of them would save 1.4 % of the time."""
MARKS = frozenset({".", ","})
"""Tokens that say little by themselves: how people punctuate is no sign of what they want."""


class Passage:
    """Words without their accents, and what they stand for."""

    def __init__(
        self, words: list[str], concepts: Sequence[list[str]] = (), language: str = ""
    ) -> None:
        """Take what was found.

        Args:
            words: the words, with ``.``, ``,`` and ``?`` where the text pauses.
            concepts: what words stand for, word by word where they stand for something.
            language: in which most of them do.
        """
        self.words = words
        self.concepts = concepts
        self.language = language

    @cached_property
    def distinct(self) -> set[str]:
        """Each word once."""
        return set(self.words)

    @cached_property
    def joint(self) -> list[int]:
        """Features of more than one word, and of what words stand for: each hash once."""
        return hashes({_length(self.words), *_joint(self)})

    @cached_property
    def scale(self) -> float:
        """The factor by which features count, so that a long text does not weigh more."""
        return scale_of(len(self.joint) + sum(map(len, map(word_hashes, self.distinct))))


def scale_of(count: int) -> float:
    """The factor for a text of so many features."""
    return math.sqrt(_USUAL_COUNT / count)


@lru_cache(maxsize=CACHED_WORDS)
def word_hashes(word: str) -> tuple[int, ...]:
    """The hashes of the features that a word has by itself."""
    return tuple(hashes(parts(word)))


def features(passage: Passage) -> Iterator[str]:
    """Everything that has a weight of its own; letter groups as often as words hold them."""
    yield _length(passage.words)
    for word in dict.fromkeys(passage.words):
        yield from parts(word)
    yield from dict.fromkeys(_joint(passage))


def _joint(passage: Passage) -> list[str]:
    words = passage.words
    skeletons = [consonant_skeleton(word) for word in words if word not in MARKS]
    return [
        *_pairs(words),
        *map("%".__add__, _pairs(skeletons)),
        *_concept_features(passage.concepts),
        *_unspaced(words),
    ]


def _pairs(words: list[str]) -> Iterator[str]:
    return map(" ".join, zip(["^", *words], [*words, "$"], strict=True))


def _length(words: Sequence[str]) -> str:
    return f"#{sum(len(words) > limit for limit in _LENGTHS)}"


def parts(word: str) -> Iterator[str]:
    """A word, its consonant skeleton, and the groups of its letters."""
    if word in MARKS:
        return
    yield word
    yield f"%{consonant_skeleton(word)}"
    if len(word) >= _SHORTEST:
        edged = f"<{word}>"
        yield from {f"~{edged[at : at + _GROUP]}" for at in range(len(edged) - _GROUP + 1)}


@lru_cache(maxsize=CACHED_WORDS)
def consonant_skeleton(word: str) -> str:
    """What stays of a word where people are in a hurry: "wrong number" and "wrng nmbr"."""
    if not (word.isascii() and word.isalpha()):
        return word
    return _TWICE.sub(r"\1", word[0] + _VOWELS.sub("", word[1:]))


def _concept_features(concepts: Sequence[Sequence[str]]) -> list[str]:
    rows: list[str] = []
    for at, names in enumerate(concepts):
        rows += names
        for others in concepts[at + 1 : at + 1 + _NEXT]:
            rows += map(">".join, product(names, others))
        if at + 2 < len(concepts):
            rows += map(">".join, product(*concepts[at : at + 3]))
    return list(map("@".__add__, rows))


def _unspaced(words: Sequence[str]) -> list[str]:
    text = "".join(words)
    if text.isascii():
        return []
    run = "".join(_RUN.findall(text))
    return [f"_{run[at : at + size]}" for size in (2, 3) for at in range(len(run) - size + 1)]


_WORDS = 240
"""Words of a text that are looked at, of the beginning and of the end together."""


def passage_of(sentences: Sequence[Sentence], concepts: Concepts) -> Passage:
    """What the model is shown of a text with these sentences."""
    words: list[str] = []
    exact: list[str] = []
    for one in _outer(sentences):
        if words:
            words.append(".")
            exact.append(".")
        words.extend(one.folded)
        exact.extend(one.exact)
        if one.asked:
            words.append("?")
            exact.append("?")
    language, places = concepts.found(words, exact)
    return Passage(words, [names for _, names in places], language)


def _outer(sentences: Sequence[Sentence]) -> Sequence[Sentence]:
    """The sentences of the beginning and of the end, so that no text takes long."""
    if sum(len(one.folded) for one in sentences) <= _WORDS:
        return sentences
    half = _WORDS // 2
    first = _up_to(half, sentences)
    last = _up_to(half, sentences[:first:-1])
    return [*sentences[:first], *sentences[len(sentences) - last :]]


def _up_to(limit: int, sentences: Sequence[Sentence]) -> int:
    """How many sentences hold together no more words than a limit; one at least."""
    total = 0
    for at, one in enumerate(sentences):
        total += len(one.folded)
        if total > limit:
            return max(1, at)
    return len(sentences)
