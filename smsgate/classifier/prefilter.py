"""Whether a text may be a request at all, by its single words.

Most texts are ordinary, and most of those can be told by their words alone. Each word is looked up
once for all models together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from smsgate.classifier.concepts import HINTED
from smsgate.classifier.model import Models
from smsgate.classifier.normalize import fold

_MOST = 40
"""Words of a text that may be skipped at once: in a longer one a request may hide."""
_REMEMBERED = 20_000


class PrefilterScores(NamedTuple):
    """Scores by single words, and the strongest alarm of one (see ``Concepts.alarm``)."""

    stops: float
    asks: float
    starts: float
    alarm: int


class WordPrefilter:
    """Scores words for all models at once."""

    def __init__(
        self, models: Models, own_keywords: Iterable[str] = (), *, as_shipped: bool = True
    ) -> None:
        """Take the models.

        Args:
            models: of the weights file, with the limits up to which a text is ordinary.
            own_keywords: the operator's, without accents; the shipped weights do not know them.
            as_shipped: whether the operator's sets bring no wordings; else no text is ordinary.
        """
        self._as_shipped = as_shipped
        self._own = [frozenset(keyword.split()) for keyword in own_keywords]
        self._models = models
        self._words: dict[str, tuple[int, int, int, int]] = {}

    def is_ordinary(self, words: Sequence[str]) -> bool:
        """Whether nothing in a text of these words is like a request."""
        if not self._as_shipped or len(words) > _MOST:
            return False
        scores, limits = self.scores(words), self._models.prefilter
        if scores.stops > limits.stops or scores.starts > limits.starts:
            return False
        if scores.alarm == HINTED and scores.stops > limits.stops_hinted:
            return False
        if scores.asks > (limits.asks_alarmed if scores.alarm else limits.asks):
            return False
        if not self._own:
            return True
        there = {fold(word) for word in words}
        return not any(keyword <= there for keyword in self._own)

    def suspects(self, words: Iterable[str]) -> bool:
        """Whether words that no wording knows may all the same be a request to stop."""
        return self._models.opt_out.word_score(words) > self._models.prefilter.stops

    def scores(self, words: Iterable[str]) -> PrefilterScores:
        """What single words say."""
        known, alarm = self._words, 0
        models = self._models
        stops, asks, starts = models.opt_out.bias, models.help.bias, models.opt_in.bias
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
            self._models.opt_out.word_weight(word),
            self._models.help.word_weight(word),
            self._models.opt_in.word_weight(word),
            self._models.concepts.alarm((word,)),
        )
        self._words[word] = found
        return found
