"""The intent model: how much a text is like those that people labelled as opt-outs.

Linear models over words, rows of two, their consonant skeletons (``wrng nmbr``), letter groups, and
the concepts that words stand for, alone and in rows, so that what was learnt in one language counts
in others. ``make train`` makes the weights (``model.msgpack``) from the labelled texts in
``tests/accuracy``. Scores are log odds, calibrated on texts that the model was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import Passage, features, word_hashes
from smsgate.classifier.memo import Memo
from smsgate.classifier.weights import HashTable, Model, WeightsFile, shipped_weights

LABELS = ("opt_out", "help", "opt_in", "opt_out_all", "how_to_leave")
REQUEST = "request"
"""The model of the prefilter: whether single words speak of any of the labels."""
_REASONS = 6


class IntentModel:
    """Scores texts by the weights of one label."""

    def __init__(self, model: Model) -> None:
        self.bias = model.bias
        self._weights = HashTable(model.weights)
        self._words = Memo(self._word_weight)

    def score(self, passage: Passage) -> float:
        """How much a passage is like the label's texts, in log odds."""
        total = sum(self.word_weights(passage.distinct)) + self._weights.total(passage.joint)
        return (self.bias + passage.scale * total) / 1000

    def word_weights(self, words: Iterable[str]) -> list[int]:
        """What each of some words adds by itself, in thousandths."""
        return list(map(self._words.__getitem__, words))

    def _word_weight(self, word: str) -> int:
        return self._weights.total(word_hashes(word))

    def reasons(self, passage: Passage) -> str:
        """What speaks most for it and against it."""
        known = ((name, self._weights.get(name)) for name in features(passage))
        found = {name: weight * passage.scale for name, weight in known if weight}
        shown = sorted(found, key=lambda name: (-abs(found[name]), name))[:_REASONS]
        return ", ".join(f"{name} {found[name] / 1000:+.1f}" for name in shown)


class Models:
    """The model of each label, what words stand for, and the limits that were chosen with them."""

    def __init__(self, weights: WeightsFile) -> None:
        self.opt_out, self.help, self.opt_in, self.opt_out_all, self.how_to_leave = (
            IntentModel(weights.models[label]) for label in LABELS
        )
        self.request = IntentModel(weights.models[REQUEST])
        self.concepts = Concepts(weights.meanings)
        self.thresholds = weights.thresholds
        self.prefilter_limit = weights.prefilter_limit
        self.untrained = frozenset(weights.untrained)


@cache
def shipped_models() -> Models:
    """The models in the package, read once and shared by all that ask."""
    return Models(shipped_weights())


def probability(score: float) -> float:
    """Log odds as a probability."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))


_TELLING = 1300
"""Thousandths of the log odds from which a word tells of a request, whatever stands around it."""
_MOST = 60
"""Words of a text that may be skipped at once: in a longer one a request may hide."""


class WordPrefilter:
    """Tells ordinary texts by their words."""

    def __init__(self, models: Models, own_keywords: Iterable[str], *, as_shipped: bool) -> None:
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
