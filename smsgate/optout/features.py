"""What the second reader sees of a passage: words, rows of words, classes, concepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice, product

from smsgate.optout.segments import UNSPACED

_RUN = re.compile(f"[{UNSPACED}]+")
_GROUP = 4
_SHORTEST = 5
"""Letters from which a word is also seen as groups of letters, which are alike in its forms."""
_NEXT = 3
"""How many of the classes or concepts behind one are paired with it."""
_NEAR = (2, 3, 4)
"""How far words stand apart that are paired over those between them."""
_LENGTHS = (3, 8, 19, 39)
MARKS = frozenset({".", ","})
"""Tokens that say little by themselves: how people punctuate is no sign of what they want."""


class Passage:
    """Words without their accents, the classes of the keyword sets among them, and concepts."""

    def __init__(
        self, words: list[str], classes: Sequence[str] = (), concepts: Sequence[list[str]] = ()
    ) -> None:
        """Take what was found.

        Args:
            words: the words, with ``.``, ``,`` and ``?`` where the text pauses.
            classes: in their order.
            concepts: what words stand for, word by word where they stand for something.
        """
        self.words = words
        self.classes = classes
        self.concepts = concepts

    @cached_property
    def joint(self) -> frozenset[str]:
        """Features of more than one word, and of what words stand for; the same for all models."""
        return frozenset((_length(self.words), *_joint(self)))


def features(passage: Passage) -> Iterator[str]:
    """Everything that has a weight of its own; letter groups as often as words hold them."""
    yield _length(passage.words)
    for word in dict.fromkeys(passage.words):
        yield from parts(word)
    yield from dict.fromkeys(_joint(passage))


def _joint(passage: Passage) -> Iterator[str]:
    words = passage.words
    yield from map(" ".join, zip(["^", *words], [*words, "$"], strict=True))
    yield from map(" ".join, zip(["^", *words], words, [*words[1:], "$"], strict=False))
    bare = [word for word in words if word not in MARKS]
    for apart in _NEAR:
        yield from map(" .. ".join, zip(bare, islice(bare, apart, None), strict=False))
    yield from _class_features(passage.classes)
    yield from _concept_features(passage.concepts)
    yield from _unspaced(words)


def _length(words: Sequence[str]) -> str:
    return f"#{sum(len(words) > limit for limit in _LENGTHS)}"


def parts(word: str) -> Iterator[str]:
    """A word, and the groups of its letters."""
    if word in MARKS:
        return
    yield word
    if len(word) >= _SHORTEST:
        edged = f"<{word}>"
        yield from {f"~{edged[at : at + _GROUP]}" for at in range(len(edged) - _GROUP + 1)}


def _class_features(classes: Sequence[str]) -> Iterator[str]:
    for at, name in enumerate(classes):
        yield f"={name}"
        for other in classes[at + 1 : at + 1 + _NEXT]:
            yield f"{name}>{other}"


def _concept_features(concepts: Sequence[Sequence[str]]) -> Iterator[str]:
    for at, names in enumerate(concepts):
        yield from map("@".__add__, names)
        for others in concepts[at + 1 : at + 1 + _NEXT]:
            for one, other in product(names, others):
                yield f"@{one}>{other}"


def _unspaced(words: Sequence[str]) -> Iterator[str]:
    text = "".join(words)
    if text.isascii():
        return
    run = "".join(_RUN.findall(text))
    for size in (2, 3):
        for at in range(len(run) - size + 1):
            yield f"_{run[at : at + size]}"
