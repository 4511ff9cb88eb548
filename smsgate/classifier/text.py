"""A text, read: its words, its sentences, and what had to be done to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from smsgate.classifier.normalize import (
    ASK,
    END,
    PAUSE,
    PUNCTUATION,
    Segmenter,
    folded,
    has_unspaced,
    letters,
    tokens,
)

if TYPE_CHECKING:
    from smsgate.classifier.findings import TextFindings
    from smsgate.domain.messages import Decision

_LETTERS = (
    ("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]", 4),  # Thai, Lao, Burmese, Khmer
    ("[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9f]", 2),
)
"""The letters of scripts that are read one by one, and how many a word usually has."""
_LONGEST = 120
"""Words in a sentence that are looked at together."""
_MOST = 24
"""Sentences from the beginning that are looked at, and as many from the end."""


class Sentence(NamedTuple):
    """Words up to the next full stop, line end or question mark."""

    exact: list[str]
    folded: list[str]
    asked: bool


def tokenize(cleaned: str, segmenter: Segmenter) -> list[str]:
    """Words with their accents, and the marks that pause or end, of a cleaned text."""
    found = tokens(cleaned)
    return segmenter.cut(found) if not cleaned.isascii() and has_unspaced(cleaned) else found


def words_of(tokens: Iterable[str]) -> list[str]:
    """The words alone."""
    return [token for token in tokens if token not in PUNCTUATION]


class InspectedText:
    """One text on its way through the rules."""

    __slots__ = (
        "active_languages",
        "cleaned",
        "fallback",
        "findings",
        "number",
        "quoted",
        "steps",
        "tokens",
        "words",
    )

    def __init__(
        self, cleaned: str, tokens: list[str], steps: tuple[str, ...] = (), number: str = ""
    ) -> None:
        self.cleaned = cleaned
        self.number = number
        self.steps = steps
        """What was done to it."""
        self.read_as(tokens)
        self.quoted = False
        self.active_languages: frozenset[str] = frozenset()
        self.findings: TextFindings | None = None
        self.fallback: Decision | None = None
        """What comes of it where no wording in it says more."""

    def read_as(self, tokens: list[str], *steps: str) -> None:
        """Go on with these tokens (see ``tokenize``), which some more steps have led to."""
        self.tokens = tokens
        self.words = words_of(tokens)
        self.steps += steps

    @property
    def asks(self) -> bool:
        """Whether it has a question mark; ``STOP?!`` is a cry and no question."""
        return ASK in self.tokens and "!" not in self.cleaned

    def sentences(self) -> list[Sentence]:
        """The first sentences and the last ones."""
        found = list(_sentences(letters(self.tokens)))
        return found if len(found) <= 2 * _MOST else found[:_MOST] + found[-_MOST:]


def _sentences(tokens: Sequence[str]) -> Iterator[Sentence]:
    part: list[str] = []
    for token in tokens:
        if token in (END, ASK) or len(part) >= _LONGEST:
            yield from _sentence(part, asked=token == ASK)
            part = [] if token in (END, ASK) else [token]
        else:
            part.append(token)
    yield from _sentence(part, asked=False)


def _sentence(part: list[str], *, asked: bool) -> Iterator[Sentence]:
    """The sentence of some words, without pauses at its edges, such as brackets."""
    first = next((at for at, word in enumerate(part) if word != PAUSE), None)
    if first is not None:
        last = next(at for at in range(len(part), first, -1) if part[at - 1] != PAUSE)
        kept = part if last - first == len(part) else part[first:last]
        yield Sentence(kept, folded(kept), asked)


def count_words(words: Iterable[str]) -> int:
    """How many words there are, by their letters where a script has no spaces."""
    spaced = words_of(words)
    text = "".join(spaced)
    if not has_unspaced(text):
        return len(spaced)
    count = sum(not has_unspaced(word) for word in spaced)
    return count + round(sum(len(re.findall(one, text)) / size for one, size in _LETTERS))


def chunks(words: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The parts of a sentence between its pauses, each with where it begins."""
    part: list[str] = []
    at = 0
    for index, word in enumerate(words):
        if word == PAUSE:
            if part:
                yield at, part
            part, at = [], index + 1
        else:
            part.append(word)
    if part:
        yield at, part
