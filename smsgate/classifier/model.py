"""The model: what a text asks for, in log odds, by the weights of its features.

One linear model with six outputs, calibrated on texts that it was not trained on. ``make train``
makes its weights from the labelled texts in ``tests/accuracy``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import Passage, code_of, joint, parts
from smsgate.classifier.normalize import WordCache
from smsgate.classifier.weights import OUTPUTS, STEPS, UNIT, CodeIndex, WeightsFile, shipped_weights

_USUAL_COUNT = 50
"""Features of a usual text, which count as they are; those of longer ones count less."""
_WIDTH = len(OUTPUTS)


class Scores(NamedTuple):
    """What the model thinks of a text, each in log odds."""

    opt_out: float
    opt_out_all: float
    """That an opt-out is from everything."""
    opt_in: float
    help: float
    review: float
    none: float


class _Word(NamedTuple):
    request: int
    sums: list[int]
    """What it adds to each output, in units."""
    features: int


class Model:
    """Scores texts."""

    def __init__(self, weights: WeightsFile) -> None:
        self._index = CodeIndex(weights.offsets, weights.codes)
        self._rows = weights.rows
        self._biases = weights.biases
        self._limit = (weights.prefilter_limit - weights.biases[-1]) / UNIT
        self.concepts = Concepts(weights.meanings)
        self._words = WordCache(self._word)

    def ordinary(self, words: Iterable[str]) -> bool:
        """Whether no word of a text speaks of a request."""
        known = self._words
        return sum([known[word].request for word in words]) < self._limit

    def scores(self, passage: Passage) -> Scores:
        """What a text asks for."""
        words = [self._words[word] for word in set(passage.words)]
        codes = joint(passage)
        count = len(codes) + sum([word.features for word in words])
        scale = UNIT * math.sqrt(_USUAL_COUNT / count)
        sums = map(sum, zip(self.sums(codes), *[word.sums for word in words], strict=True))
        *scores, _ = [bias + scale * own for bias, own in zip(self._biases, sums, strict=True)]
        return Scores(*scores)

    def _word(self, word: str) -> _Word:
        codes = [*map(code_of, parts(word))]
        sums = self.sums(codes)
        return _Word(sums[-1], sums, len(codes))

    def telling(self, words: Iterable[str], output: int) -> list[float]:
        """How much each word adds to an output by itself."""
        return [UNIT * self._words[word].sums[output] for word in words]

    def sums(self, codes: Iterable[int]) -> list[int]:
        """What some features add to each output, in units."""
        places = self._index.places(codes)
        rows = b"".join([self._rows[at * _WIDTH : at * _WIDTH + _WIDTH] for at in places])
        return [sum(map(STEPS.__getitem__, rows[at::_WIDTH])) for at in range(_WIDTH)]


@cache
def shipped_model() -> Model:
    """The model in the package, read once and shared by all that ask."""
    return Model(shipped_weights())


def probability(score: float) -> float:
    """Log odds as a probability."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))
