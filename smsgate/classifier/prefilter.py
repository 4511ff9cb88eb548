"""A glance at the words of a text: whether anything in it may be a request at all.

Most texts are ordinary, and most of those can be told by their single words. Each word is looked
up once for all models together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from smsgate.classifier.concepts import HINTED
from smsgate.classifier.model import concepts, reader

_MOST = 40
"""Words of a text that may be passed over at a glance: in a longer one a request may hide."""
_UNLIKELY, _UNASKED = -12.0, -5.5
"""Scores by single words below which a text is neither a request to stop nor a question."""
_UNALARMED = -4.7
"""The same for requests to stop, where no word is of a concept that any request is about."""
_UNSTARTED = -4.2
"""The same for wishes to be texted again."""
_ASKED = -1.5
"""Score of a question by single words that is one whatever the words are about."""
_REMEMBERED = 20_000


class Seen(NamedTuple):
    """Scores by single words, and the strongest alarm of one (see ``Concepts.alarm``)."""

    stops: float
    asks: float
    starts: float
    alarm: int


class Glances:
    """Scores words for all models at once."""

    __slots__ = ("_asks", "_concepts", "_starts", "_stops", "_words")

    def __init__(self) -> None:
        """Take the shipped models."""
        self._concepts = concepts()
        self._stops = reader("opt_out")
        self._asks = reader("help")
        self._starts = reader("opt_in")
        self._words: dict[str, tuple[int, int, int, int]] = {}

    def ordinary(self, words: Sequence[str]) -> bool:
        """Whether nothing in a text of these words is like a request."""
        if len(words) > _MOST:
            return False
        seen = self._look(words)
        if seen.stops > _UNALARMED or seen.starts > _UNSTARTED or seen.asks > _ASKED:
            return False
        if seen.alarm == HINTED and seen.stops > _UNLIKELY:
            return False
        return not seen.alarm or seen.asks < _UNASKED

    def suspects(self, words: Iterable[str]) -> bool:
        """Whether words that no wording knows may all the same be a request to stop."""
        return self._stops.glance(words) > _UNALARMED

    def _look(self, words: Iterable[str]) -> Seen:
        known, alarm = self._words, 0
        stops, asks, starts = self._stops.bias, self._asks.bias, self._starts.bias
        for word in set(words):
            stop, ask, start, alarmed = known.get(word) or self._word(word)
            stops += stop
            asks += ask
            starts += start
            if alarmed > alarm:
                alarm = alarmed
        return Seen(stops / 1000, asks / 1000, starts / 1000, alarm)

    def _word(self, word: str) -> tuple[int, int, int, int]:
        if len(self._words) > _REMEMBERED:
            self._words.clear()
        found = (
            self._stops.of(word),
            self._asks.of(word),
            self._starts.of(word),
            self._concepts.alarm((word,)),
        )
        self._words[word] = found
        return found
