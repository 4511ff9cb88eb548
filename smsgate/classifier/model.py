"""The model: what a text asks for, in log odds, by the weights of its features.

One linear model with six outputs, calibrated on texts that it was not trained on. ``make train``
makes its weights from the labelled texts in ``tests/accuracy``.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import Passage, code_of, joint, parts
from smsgate.classifier.weights import SHIFT, WIDTH, HashIndex, WeightsFile, shipped_weights, steps

_USUAL_COUNT = 50
"""Features of a usual text, which count as they are; those of longer ones count less."""
_REMEMBERED = 6_000
_LONGEST = 24


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
    request: float
    rows: bytes
    features: int


class _Words(dict[str, _Word]):
    """What each word adds by itself, worked out once."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._find = model.rows_of
        self._steps = model.steps

    def __missing__(self, word: str) -> _Word:
        if len(self) > _REMEMBERED:
            self.clear()
        codes = [*map(code_of, parts(word))]
        rows = self._find(codes)
        found = _Word(sum(map(self._steps.__getitem__, rows[WIDTH - 1 :: WIDTH])), rows, len(codes))
        if len(word) <= _LONGEST:
            self[word] = found
        return found


class Model:
    """Scores texts."""

    def __init__(self, weights: WeightsFile) -> None:
        self._index = HashIndex(weights.codes)
        self._rows = weights.rows
        self.steps = steps()
        self._biases = weights.biases
        self._limit = weights.prefilter_limit - weights.biases[-1]
        self.concepts = Concepts(weights.meanings)
        self._words = _Words(self)
        self._requests: dict[str, float] = {}

    def ordinary(self, words: Iterable[str]) -> bool:
        """Whether no word of a text speaks of a request."""
        known = self._words
        return sum([known[word].request for word in words]) < self._limit

    def scores(self, passage: Passage) -> Scores:
        """What a text asks for."""
        words = [self._words[word] for word in set(passage.words)]
        codes = joint(passage)
        rows = b"".join([word.rows for word in words]) + self.rows_of(codes)
        count = len(codes) + sum([word.features for word in words])
        scale = math.sqrt(_USUAL_COUNT / count)
        step = self.steps.__getitem__
        return Scores(
            *(
                bias + scale * sum(map(step, rows[at::WIDTH]))
                for at, bias in enumerate(self._biases[:-1])
            )
        )

    def telling(self, words: Sequence[str], output: int) -> list[float]:
        """How much each word adds to an output by itself."""
        step = self.steps.__getitem__
        return [sum(map(step, self._words[word].rows[output::WIDTH])) for word in words]

    def rows_of(self, wanted: Iterable[int]) -> bytes:
        """The rows of those features that have one, one behind the other."""
        codes, starts, rows = self._index.codes, self._index.starts, self._rows
        found = []
        for code in wanted:
            end = starts[(code >> SHIFT) + 1]
            at = bisect_left(codes, code, starts[code >> SHIFT], end)
            if at < end and codes[at] == code:
                found.append(rows[at * WIDTH : at * WIDTH + WIDTH])
        return b"".join(found)


@cache
def shipped_model() -> Model:
    """The model in the package, read once and shared by all that ask."""
    return Model(shipped_weights())


def probability(score: float) -> float:
    """Log odds as a probability."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))
