"""A text, read: its words, its sentences, and what had to be done to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from smsgate.optout.normalise import ASK, END, PAUSE, PUNCTUATION, folded
from smsgate.optout.segments import letters

if TYPE_CHECKING:
    from smsgate.messages import Decision
    from smsgate.optout.verdict import Said

_LONGEST = 120
"""Words in a sentence that are looked at together."""
_MOST = 24
"""Sentences from the beginning that are looked at, and as many from the end."""


class Sentence(NamedTuple):
    """Words up to the next full stop, line end or question mark."""

    exact: list[str]
    folded: list[str]
    asked: bool


class Reading(NamedTuple):
    """A text as the rules see it."""

    tokens: list[str]
    """Words with accents, and the marks that pause or end."""
    steps: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The words alone."""
        return [token for token in self.tokens if token not in PUNCTUATION]

    @property
    def letters(self) -> list[str]:
        """The tokens, with scripts without spaces in single characters."""
        return letters(self.tokens)

    def sentences(self) -> list[Sentence]:
        """The first sentences and the last ones."""
        found = list(_sentences(self.letters))
        return found if len(found) <= 2 * _MOST else found[:_MOST] + found[-_MOST:]


class Text:
    """One text on its way through the rules."""

    __slots__ = (
        "awake",
        "cleaned",
        "few",
        "meant",
        "number",
        "quoted",
        "reading",
        "respelt",
        "said",
        "waiting",
        "words",
    )

    def __init__(self, cleaned: str, reading: Reading, number: str) -> None:
        """Keep what every rule needs."""
        self.cleaned = cleaned
        self.reading = reading
        self.number = number
        self.words = reading.words
        self.quoted = False
        self.awake: frozenset[str] = frozenset()
        self.said: Said | None = None
        self.meant: Said | None = None
        """What it says with its slips corrected, where that is nothing that a wording knows."""
        self.waiting: Decision | None = None
        """What comes of it where nothing that is read in it says more."""
        self.few = False
        self.respelt = False


def _sentences(tokens: Sequence[str]) -> Iterator[Sentence]:
    part: list[str] = []
    for token in tokens:
        if token in (END, ASK) or len(part) >= _LONGEST:
            if part:
                yield Sentence(part, folded(part), token == ASK)
            part = [] if token in (END, ASK) else [token]
        else:
            part.append(token)
    if part:
        yield Sentence(part, folded(part), asked=False)


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
