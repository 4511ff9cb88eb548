"""Which patterns stand in a sentence, given where its signs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsgate.classifier.lexicon import Remembering
from smsgate.classifier.patterns import Match, Pattern, Span, matches_of, patterns_in

_Candidate = tuple[Pattern, tuple[frozenset[int], ...]]
"""A pattern, and the signs of its other elements: each must have one in the sentence."""


class Matching:
    """Patterns by the sign that is met least often; unpacked when it is first met."""

    __slots__ = ("__weakref__", "_at", "_languages", "_packed", "_patterns", "_rules", "_signs")

    def __init__(
        self,
        packed: Mapping[int, str],
        rules: Sequence[tuple[str, str, bool]],
        languages: Sequence[str],
    ) -> None:
        """Take the patterns as they were packed (see ``patterns_in``).

        Args:
            packed: by sign.
            rules: what they mean and how they are written.
            languages: the language of each sign.
        """
        self._packed = packed
        self._rules = rules
        self._languages = languages
        self._patterns: dict[Pattern, Pattern] = {}
        self._signs: dict[tuple[int, ...], frozenset[int]] = {}
        self._at = Remembering(self._unpacked)

    def found(self, seen: Mapping[int, list[Span]]) -> list[Match]:
        """The patterns of the languages that have a sign in the sentence, always in one order."""
        present = set(map(self._languages.__getitem__, seen))
        absent = set(seen).isdisjoint
        at = self._at
        found: dict[tuple[int, int, int], Match] = {}
        for sign in seen:
            for language, candidates in at[sign]:
                if language in present:
                    for pattern, others in candidates:
                        if not any(map(absent, others)):
                            for match in matches_of(pattern, seen):
                                found[id(pattern), match.start, match.end] = match
        return list(found.values())

    def _unpacked(self, sign: int) -> list[tuple[str, list[_Candidate]]]:
        if sign not in self._packed:
            return []
        return [
            (language, [self._candidate(pattern, sign) for pattern in patterns])
            for language, patterns in patterns_in(self._packed[sign], self._rules).items()
        ]

    def _candidate(self, pattern: Pattern, sign: int) -> _Candidate:
        known, signs = self._patterns, self._signs
        others = tuple(
            signs.setdefault(element.signs, frozenset(element.signs))
            for element in pattern.elements
            if sign not in element.signs
        )
        return known.setdefault(pattern, pattern), others
