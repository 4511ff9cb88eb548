"""A sentence as it is heard: which signs and patterns stand where."""

from __future__ import annotations

from collections.abc import Iterable

from smsgate.classifier.normalize import PAUSE
from smsgate.classifier.patterns import CONDITION, Match, Span
from smsgate.classifier.phrases import Phrases
from smsgate.classifier.text import Sentence

_NEGATIONS = ("{no}", "{donot}", "{laststopnot}")
_CONDITION_REACH = 3
"""Words that may stand between an ``if`` and its negation."""


class Heard:
    """A sentence, and where each sign stands in it."""

    __slots__ = ("_phrases", "_silent", "seen", "sentence")

    def __init__(self, sentence: Sentence, phrases: Phrases, awake: frozenset[str]) -> None:
        """Look for the signs of some languages."""
        self.sentence = sentence
        self.seen = phrases.occurrences(sentence.exact, sentence.folded, awake)
        self._phrases = phrases
        self._silent: list[Match] | None = None

    @property
    def silent(self) -> list[Match]:
        """Every pattern that only bears on what others say."""
        if self._silent is None:
            ifs = [
                span
                for sign in self._phrases.signs(CONDITION).values()
                for span in self.seen.get(sign, ())
            ]
            found = self._phrases.silent(self.seen)
            self._silent = [
                match
                for match in found
                if not _negates(match) or not (_conditional(match, ifs) or self._paused(match))
            ]
        return self._silent

    def _paused(self, match: Match) -> bool:
        """Whether a pause stands within it: ``no, stop`` denies nothing."""
        return PAUSE in self.sentence.exact[match.start : match.end]


def _negates(match: Match) -> bool:
    return match.pattern.means == "never" and match.pattern.written.startswith(_NEGATIONS)


def _conditional(match: Match, ifs: Iterable[Span]) -> bool:
    """Whether a negation stands behind an ``if``: ``if you don't stop`` wants them to stop."""
    return any(end <= match.start <= end + _CONDITION_REACH for _, end in ifs)
