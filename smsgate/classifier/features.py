"""The features of a text: its words, parts of words, sequences of words, and concepts.

Each feature has a name, and is looked up by its CRC-32, its code: ``stop``, ``~<stop`` (letters),
``%stp`` (consonants), ``stop texting`` (a sequence), ``@cease>contact`` (concepts), ``cease+me`` (a
concept beside a word), ``=opt_out`` (a keyword set off by punctuation), ``#2`` (the length). The
code of a sequence is continued from that of its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise, repeat
from typing import NamedTuple
from zlib import crc32

from smsgate.classifier.normalize import LONGEST, UNSPACED

_RUN = re.compile(f"[{UNSPACED}]+")
_VOWELS = re.compile("[aeiouy]+")
_TWICE = re.compile(r"(.)\1+")
_NEXT = 4
"""How many of the concepts after it a concept is paired with."""
_LENGTHS = (1, 2, 3, 5, 8, 13, 19, 39)
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
        edged = f"<{word[:LONGEST]}>"
        for size in (3, 4, 5):
            yield from (f"~{edged[at : at + size]}" for at in range(len(edged) - size + 1))


def joint(passage: Passage) -> set[int]:
    """Codes of the features of several words together, and of concepts."""
    framed = ["^", *passage.words, "$"]
    words = [word.encode() for word in framed]
    later = [b" " + word for word in words]
    codes = [*map(crc32, words)]
    pairs = [*map(crc32, later[1:], codes)]
    found = [*pairs, *map(crc32, later[2:], pairs)]
    found += map(crc32, [b" _" + word for word in later[2:]], codes)
    found += map(crc32, [b" __" + word for word in later[3:]], codes)
    bones = [skeleton(word).encode() for word in framed if word not in MARKS]
    names = [b"%" + first + b" " + second for first, second in pairwise(bones)]
    names.append(b"#%d" % sum(len(passage.words) > limit for limit in _LENGTHS))
    names += [b"=" + intent.encode() for intent in passage.keywords]
    about = [[name.encode() for name in concepts] for _, concepts in passage.concepts]
    words = [b"", *words, b""]
    for (at, _), concepts in zip(passage.concepts, about, strict=True):
        before, last, _, after, behind = words[at : at + 5]
        for name in concepts:
            names += (before + b"+_" + name, last + b"+" + name)
            names += (name + b"+" + after, name + b"_+" + behind)
    text = "".join(passage.words)
    if not text.isascii():
        run = "".join(_RUN.findall(text))
        for size in (2, 3, 4):
            names += [run[at : at + size].encode() for at in range(len(run) - size + 1)]
    return {*found, *map(crc32, names), *_about(about)}


def code_of(name: str) -> int:
    """What a feature, or an entry of the concepts, is looked up by."""
    return crc32(name.encode(errors="replace"))


def _about(concepts: Sequence[Sequence[bytes]]) -> list[int]:
    """Concepts, those that follow each other within a few, and three in a row."""
    found: list[int] = []
    later = [[b">" + name for name in names] for names in concepts]
    for at, names in enumerate(concepts):
        near = [*chain.from_iterable(later[at + 1 : at + 1 + _NEXT])]
        for code in map(crc32, map(b"@".__add__, names)):
            found.append(code)
            found += map(crc32, near, repeat(code))
            if at + 2 < len(concepts):
                for pair in map(crc32, later[at + 1], repeat(code)):
                    found += map(crc32, later[at + 2], repeat(pair))
    return found
