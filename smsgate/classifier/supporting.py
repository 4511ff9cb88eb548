"""What in a text supports the second reader, and what speaks against reading more into it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from smsgate.classifier import concepts
from smsgate.classifier.findings import TAKES_OUT, Said
from smsgate.classifier.hearing import Heard
from smsgate.classifier.passages import Shown
from smsgate.classifier.patterns import (
    CONCEPT,
    NOTHING,
    ONE_CLASS,
    ROW,
    TWO_CLASSES,
    Match,
    Support,
    overlap,
)
from smsgate.classifier.phrases import Phrases

_CONTRARY = frozenset({"negation", "question"})
_ASKING_WHO, _ASKING = 6.0, 2.5
"""Log odds that a wish to be texted needs beside a ``who``, and beside a ``why`` or a ``not``."""
_NAMES_A_REQUEST = frozenset({"unsubscribe"})
"""The concepts of which one alone is a hint: ``number`` or ``wrong`` stand in any talk."""


def support(what: Said, phrases: Phrases, shown: Shown) -> Support:
    """What allows the second reader to act: a weak wording, else a hint that nothing undoes."""
    free: set[int] = set()
    meant: set[str] = set()
    for one, there in zip(shown.heard, shown.meant, strict=True):
        taken = [m for m in one.silent if m.pattern.means in ("none", "never")]
        rows = (match for heard, match in what.weak if heard is one)
        for match in rows:
            if not any(overlap((match.start, match.end), other) for other in taken):
                return Support(ROW, match.pattern.written, match.pattern.language)
        meant |= _meant(there, taken)
        free |= _free(one, taken)
    by = phrases.support(free)
    strength = _strength(meant)
    if strength <= by.strength:
        return by
    written = " ".join(f"@{name}" for name in sorted(meant))
    return Support(strength, written, shown.language)


def _strength(meant: set[str]) -> int:
    """How strongly the concepts of a text support an opt-out."""
    if len(meant) > 1:
        return TWO_CLASSES
    if meant:
        return CONCEPT if meant.isdisjoint(_NAMES_A_REQUEST) else ONE_CLASS
    return NOTHING.strength


def _free(one: Heard, taken: list[Match]) -> set[int]:
    """The signs of a sentence that nothing takes out of play."""
    if not taken:
        return set(one.seen)
    return {
        sign
        for sign, spans in one.seen.items()
        if any(not any(overlap(span, match) for match in taken) for span in spans)
    }


def _meant(there: Iterable[tuple[int, list[str]]], taken: list[Match]) -> set[str]:
    """The hints of a sentence that nothing takes out of play."""
    return {
        name
        for at, names in there
        if not any(overlap((at, at + 1), match) for match in taken)
        for name in names
        if name in concepts.HINTS
    }


def undone(what: Said) -> bool:
    """Whether a text holds a wording that takes others out of play."""
    return any(match.pattern.means in TAKES_OUT for one in what.heard for match in one.silent)


def complains(shown: Shown) -> float:
    """How sure a wish to be texted must be where a text asks who or why, or denies something.

    ``Who put me back on this list`` and ``I won't opt back in`` have the words of such a wish.
    """
    meant = {name for there in shown.meant for _, names in there for name in names}
    return _ASKING_WHO if "who" in meant else _ASKING if meant & _CONTRARY else -math.inf


def welcomes(shown: Shown) -> bool:
    """Whether a text speaks of starting or of signing up."""
    welcoming = concepts.WELCOMES
    return any(not welcoming.isdisjoint(names) for there in shown.meant for _, names in there)
