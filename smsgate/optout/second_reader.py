"""A second opinion: how much a text is like those that people labelled as opt-outs.

Logistic regression over words, word pairs, letter groups, and the classes of the keyword sets
that a text holds (``no`` before ``want`` before ``msg``), so that what was learnt in one language
counts in others. The weights are data (``second_reader.json``), made by
``python -m tests.accuracy.training`` from the labelled texts beside it. It never decides alone:
see ``weighed``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources

import msgspec

from smsgate.optout.segments import UNSPACED

_FILE = "second_reader.json"
_RUN = re.compile(f"[{UNSPACED}]+")
_GROUP = 4
_SHORTEST = 5
"""Letters from which a word is also seen as groups of letters, which are alike in its forms."""
_NEXT = 3
"""How many of the classes behind one are paired with it."""
_LENGTHS = (3, 8, 19, 39)
UNKNOWN = "#?"
"""Stands for each word that too few of the labelled texts held."""
_REMEMBERED = 20_000
_REASONS = 6


class Model(msgspec.Struct, frozen=True):
    """What was learnt of one label; weights and bias in thousandths of the log odds."""

    bias: int
    weights: dict[str, int]


@cache
def shipped() -> dict[str, Model]:
    """The shipped models, by label: ``opt_out`` and ``help``."""
    models = msgspec.json.decode(content(), type=dict[str, Model])
    same: dict[int, int] = {}
    for model in models.values():
        # few weights are different ones: kept once each
        for name, weight in model.weights.items():
            model.weights[name] = same.setdefault(weight, weight)
    return models


def content() -> bytes:
    """The shipped weights as they lie in the package."""
    path = resources.files("smsgate.optout").joinpath(_FILE)
    return path.read_bytes()


class SecondReader:
    """Scores texts by the weights of one label."""

    __slots__ = ("_bias", "_weights", "_words")

    def __init__(self, model: Model) -> None:
        """Take the weights."""
        self._bias = model.bias
        self._weights = model.weights
        self._words: dict[str, int] = {}

    def score(self, words: Sequence[str], classes: Sequence[str]) -> float:
        """How much a passage is like an opt-out, as the logarithm of the odds.

        Args:
            words: the tokens, without their accents.
            classes: the classes of the keyword sets found in it, in their order.
        """
        weights, known = self._weights, self._words
        total = self._bias + weights.get(_length(words), 0)
        for word in set(words):
            weight = known.get(word)
            total += self._word(word) if weight is None else weight
        for feature in {*_pairs(words), *_class_features(classes), *_unspaced(words)}:
            total += weights.get(feature, 0)
        return total / 1000

    def glance(self, words: Iterable[str]) -> float:
        """The score by single words alone, which is quickly found."""
        known, total = self._words, self._bias
        for word in set(words):
            weight = known.get(word)
            total += self._word(word) if weight is None else weight
        return total / 1000

    def reasons(self, words: Sequence[str], classes: Sequence[str]) -> str:
        """What speaks most for it and against it."""
        known = self._weights
        found = {name: known[name] for name in features(words, classes) if name in known}
        strange = sum(word not in known for word in set(words))
        if strange and UNKNOWN in known:
            found[UNKNOWN] = strange * known[UNKNOWN]
        shown = sorted(found, key=lambda name: (-abs(found[name]), name))[:_REASONS]
        return ", ".join(f"{name} {found[name] / 1000:+.1f}" for name in shown)

    def _word(self, word: str) -> int:
        if len(self._words) > _REMEMBERED:
            self._words.clear()
        weights = self._weights
        found = sum(weights.get(part, 0) for part in _parts(word))
        if word not in weights:
            found += weights.get(UNKNOWN, 0)
        self._words[word] = found
        return found


def features(words: Sequence[str], classes: Sequence[str]) -> Iterator[str]:
    """Everything that has a weight of its own; letter groups as often as words hold them."""
    yield _length(words)
    for word in dict.fromkeys(words):
        yield from _parts(word)
    yield from dict.fromkeys(_pairs(words))
    yield from dict.fromkeys(_class_features(classes))
    yield from dict.fromkeys(_unspaced(words))


def _length(words: Sequence[str]) -> str:
    return f"#{sum(len(words) > limit for limit in _LENGTHS)}"


def _parts(word: str) -> Iterator[str]:
    yield word
    if len(word) >= _SHORTEST:
        edged = f"<{word}>"
        yield from {f"~{edged[at : at + _GROUP]}" for at in range(len(edged) - _GROUP + 1)}


def _pairs(words: Sequence[str]) -> Iterable[str]:
    return map(" ".join, zip(["^", *words], [*words, "$"], strict=True))


def _class_features(classes: Sequence[str]) -> Iterator[str]:
    for at, name in enumerate(classes):
        yield f"={name}"
        for other in classes[at + 1 : at + 1 + _NEXT]:
            yield f"{name}>{other}"


def _unspaced(words: Sequence[str]) -> Iterator[str]:
    text = "".join(words)
    if text.isascii():
        return
    run = "".join(_RUN.findall(text))
    for size in (2, 3):
        for at in range(len(run) - size + 1):
            yield f"_{run[at : at + size]}"
