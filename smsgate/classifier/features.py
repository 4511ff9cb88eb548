"""The features of a text: its words, parts of words, sequences of words, and concepts.

Each feature is a name, which is looked up by its CRC-32: ``stop``, ``~<stop`` (letters), ``%stp``
(consonants), ``stop texting`` (a sequence), ``@cease>contact`` (concepts), ``cease+me`` (a concept
beside a word), ``=opt_out`` (a keyword set off by punctuation), ``#2`` (the length).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from smsgate.classifier.normalize import UNSPACED

_RUN = re.compile(f"[{UNSPACED}]+")
_VOWELS = re.compile("[aeiouy]+")
_TWICE = re.compile(r"(.)\1+")
_NEXT = 4
"""How many of the concepts after it a concept is paired with."""
_LENGTHS = (1, 2, 3, 5, 8, 13, 19, 39)
_LONGEST = 24
"""Letters up to which a word is read."""
MARKS = frozenset({".", ","})
"""Tokens that say little by themselves: how people punctuate is no sign of what they want."""


class Passage(NamedTuple):
    """A text as the model sees it."""

    words: list[str]
    """Without accents; those of scripts without blanks as single characters."""
    concepts: Sequence[tuple[int, Sequence[str]]] = ()
    """The concepts of words, with their places."""
    keywords: Sequence[str] = ()
    """The intents of the keywords that punctuation sets off in it."""
    language: str = ""


@lru_cache(maxsize=4000)
def skeleton(word: str) -> str:
    """The consonants of a word, which are left in abbreviations: "wrng nmbr"."""
    if not (word.isascii() and word.isalpha()):
        return word
    return _TWICE.sub(r"\1", word[0] + _VOWELS.sub("", word[1:]))


def parts(word: str) -> Iterator[str]:
    """A word, its consonants, and the groups of its letters."""
    if word in MARKS:
        return
    yield word
    yield f"%{skeleton(word)}"
    if len(word) > 3:
        edged = f"<{word[:_LONGEST]}>"
        for size in (3, 4, 5):
            yield from (f"~{edged[at : at + size]}" for at in range(len(edged) - size + 1))


def joint(passage: Passage) -> set[str]:
    """Features of several words together, and of concepts."""
    words = passage.words
    found = {f"#{sum(len(words) > limit for limit in _LENGTHS)}"}
    found.update(map("=".__add__, passage.keywords))
    framed = ["", "^", *words, "$", ""]
    words = framed[1:-1]
    found.update(map("{} {}".format, words, words[1:]))
    found.update(map("{} _ {}".format, words, words[2:]))
    found.update(map("{} __ {}".format, words, words[3:]))
    found.update(map("{} {} {}".format, words, words[1:], words[2:]))
    bones = [skeleton(word) for word in words if word not in MARKS]
    found.update(map("%{} {}".format, bones, bones[1:]))
    found.update(_about([names for _, names in passage.concepts]))
    for at, names in passage.concepts:
        before, last, _, after, behind = framed[at : at + 5]
        for name in names:
            found.update((f"{before}+_{name}", f"{last}+{name}"))
            found.update((f"{name}+{after}", f"{name}_+{behind}"))
    text = "".join(words)
    if not text.isascii():
        run = "".join(_RUN.findall(text))
        found.update(run[at : at + size] for size in (2, 3, 4) for at in range(len(run) - size + 1))
    return found


def _about(concepts: Sequence[Sequence[str]]) -> Iterator[str]:
    for at, names in enumerate(concepts):
        yield from map("@".__add__, names)
        for others in concepts[at + 1 : at + 1 + _NEXT]:
            for one in names:
                yield from (f"@{one}>{other}" for other in others)
        if at + 2 < len(concepts):
            yield from ("@" + ">".join(row) for row in product(*concepts[at : at + 3]))
