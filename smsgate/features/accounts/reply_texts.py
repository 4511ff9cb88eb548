"""What a program says of itself: its replies in every language, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smsgate.classifier import reply_text
from smsgate.classifier.wording import defaults
from smsgate.consent.composing.segments import Counted, count
from smsgate.settings import Program

KINDS = ("opt_out", "opt_in", "help", "question")
_EVERY = "*"
"""As a keyword set: all shipped ones."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One reply in one language."""

    language: str
    kind: str
    """One of ``KINDS``."""
    text: str
    own: bool
    """Whether the operator worded it."""
    counted: Counted


def wordings(program: Program) -> Iterator[Wording]:
    """The program's replies, by language; of the question only where one is ever asked."""
    kinds = KINDS if program.double_opt_in else KINDS[:-1]
    for language in languages(program):
        for kind in kinds:
            text, found = reply_text(program, kind, language)
            own = bool(program.replies.get(found, {}).get(kind))
            yield Wording(language, kind, text, own, count(text))


def languages(program: Program) -> list[str]:
    """The languages that it answers in: those it has its own words for, then the sets' own."""
    shipped = defaults()
    sets = shipped if _EVERY in program.keywords else program.keywords
    return list(dict.fromkeys([*program.replies, *(name for name in sets if name in shipped)]))
