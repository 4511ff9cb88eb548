"""Whether a text may be a request at all, by its single words.

Most texts are ordinary, and most of those can be told by their words alone: one look at each word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smsgate.classifier.model import Models

_TELLING = 1300
"""Thousandths of the log odds from which a word tells of a request, whatever stands around it."""
_MOST = 60
"""Words of a text that may be skipped at once: in a longer one a request may hide."""


class WordPrefilter:
    """Tells ordinary texts by their words."""

    def __init__(
        self, models: Models, own_keywords: Iterable[str] = (), *, as_shipped: bool = True
    ) -> None:
        """Take the models.

        Args:
            models: of the weights file, with the limit up to which a text is ordinary.
            own_keywords: the operator's, without accents; the shipped weights do not know them.
            as_shipped: whether the operator's sets bring no wordings; else no text is ordinary.
        """
        self._as_shipped = as_shipped
        self._own = [frozenset(keyword.split()) for keyword in own_keywords]
        self._model = models.request
        self._limit = round(1000 * models.prefilter_limit)

    def is_ordinary(self, words: Sequence[str]) -> bool:
        """Whether nothing in an ASCII text of these words is like a request."""
        if not self._as_shipped or len(words) > _MOST:
            return False
        there = set(words)
        weights = self._model.word_weights(there)
        if self._model.bias + sum(weights) > self._limit or max(weights, default=0) >= _TELLING:
            return False
        return not any(keyword <= there for keyword in self._own)
