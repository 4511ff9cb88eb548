"""Whether a text may be a request at all, by its single words.

Most texts are ordinary, and most of those can be told by their words alone. Each word is looked up
once for all models together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from smsgate.classifier.concepts import HINTED
from smsgate.classifier.model import concepts, intent_model
from smsgate.classifier.normalize import fold

_MOST = 40
"""Words of a text that may be skipped at once: in a longer one a request may hide."""
_UNLIKELY, _UNASKED = -12.0, -5.5
"""Scores by single words below which a text is neither a request to stop nor a question."""
_UNALARMED = -4.7
"""The same for requests to stop, where no word is of a concept that any request is about."""
_UNSTARTED = -4.2
"""The same for wishes to be texted again."""
_ASKED = -1.5
"""Score of a question by single words that is one whatever the words are about."""
_REMEMBERED = 20_000


class PrefilterScores(NamedTuple):
    """Scores by single words, and the strongest alarm of one (see ``Concepts.alarm``)."""

    stops: float
    asks: float
    starts: float
    alarm: int


class WordPrefilter:
    """Scores words for all models at once."""

    def __init__(self, own_keywords: Iterable[str] = (), *, as_shipped: bool = True) -> None:
        """Take the shipped models.

        Args:
            own_keywords: the operator's, without accents; the shipped weights do not know them.
            as_shipped: whether the operator's sets bring no wordings; else no text is ordinary.
        """
        self._as_shipped = as_shipped
        self._own = [frozenset(keyword.split()) for keyword in own_keywords]
        self._concepts = concepts()
        self._stops = intent_model("opt_out")
        self._asks = intent_model("help")
        self._starts = intent_model("opt_in")
        self._words: dict[str, tuple[int, int, int, int]] = {}

    def is_ordinary(self, words: Sequence[str]) -> bool:
        """Whether nothing in a text of these words is like a request."""
        if not self._as_shipped or len(words) > _MOST:
            return False
        scores = self._scores(words)
        if scores.stops > _UNALARMED or scores.starts > _UNSTARTED or scores.asks > _ASKED:
            return False
        if scores.alarm == HINTED and scores.stops > _UNLIKELY:
            return False
        if scores.alarm and scores.asks >= _UNASKED:
            return False
        if not self._own:
            return True
        there = {fold(word) for word in words}
        return not any(keyword <= there for keyword in self._own)

    def suspects(self, words: Iterable[str]) -> bool:
        """Whether words that no wording knows may all the same be a request to stop."""
        return self._stops.word_score(words) > _UNALARMED

    def _scores(self, words: Iterable[str]) -> PrefilterScores:
        known, alarm = self._words, 0
        stops, asks, starts = self._stops.bias, self._asks.bias, self._starts.bias
        for word in set(words):
            stop, ask, start, alarmed = known.get(word) or self._word(word)
            stops += stop
            asks += ask
            starts += start
            if alarmed > alarm:
                alarm = alarmed
        return PrefilterScores(stops / 1000, asks / 1000, starts / 1000, alarm)

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
