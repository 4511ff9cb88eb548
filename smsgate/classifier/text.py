"""A text, read: its words, and what had to be done to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smsgate.classifier.normalize import ASK, PUNCTUATION, letters, tokens
from smsgate.domain.messages import Decision

_SHORT, _SHORT_CHARACTERS = 6, 24
"""Words, and characters of scripts without blanks, up to which a text is tried as a keyword."""


class Text:
    """One text on its way through the rules."""

    __slots__ = ("cleaned", "fallback", "number", "quoted", "steps", "tokens", "words")

    def __init__(self, cleaned: str, steps: tuple[str, ...] = (), number: str = "") -> None:
        self.cleaned = cleaned
        self.number = number
        self.steps = steps
        self.quoted = False
        self.fallback: Decision | None = None
        self.read_as(tokenize(cleaned))

    def read_as(self, found: list[str], *steps: str) -> None:
        """Go on with these tokens, which some more steps have led to."""
        self.tokens = found
        self.words = words_of(found)
        self.steps += steps

    @property
    def asks(self) -> bool:
        """Whether it has a question mark; ``STOP?!`` is a cry and no question."""
        return ASK in self.tokens and "!" not in self.cleaned

    @property
    def short(self) -> bool:
        """Whether it may be a keyword with something around it."""
        return (
            len(self.words) <= _SHORT
            or len(self.cleaned) <= _SHORT_CHARACTERS
            or (
                all(len(word) == 1 for word in self.words[:_SHORT_CHARACTERS])
                and len(self.words) <= _SHORT_CHARACTERS
            )
        )


def tokenize(cleaned: str) -> list[str]:
    """Words with their accents, and the marks that pause or end."""
    return letters(tokens(cleaned))


def words_of(found: Iterable[str]) -> list[str]:
    """The words alone."""
    return [token for token in found if token not in PUNCTUATION]


def spelt(words: Sequence[str]) -> str:
    """Words as they were written: letters of scripts without blanks are one word again."""
    return ("" if all(len(word) == 1 for word in words) else " ").join(words)
