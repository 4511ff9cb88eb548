"""A second opinion: how much a text is like those that people labelled as opt-outs.

Logistic regression over words, rows of two, their consonants (``wrng nmbr``), letter groups, and
the concepts that words stand for, alone and in rows, so that what was learnt in one language counts
in others. The weights are data (``model.msgpack``), made by
``python -m tests.accuracy.training`` from the labelled texts beside it. It never decides alone:
see ``weighed``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import MARKS, Passage, features, parts
from smsgate.classifier.weights import HashTable, Model, hashes, shipped

UNKNOWN = "#?"
"""Stands for each word that too few of the labelled texts held."""
_REMEMBERED = 20_000
_REASONS = 6


def concepts() -> Concepts:
    """What words stand for, shared by all that ask."""
    return _taught()[1]


def intent_model(label: str) -> IntentModel:
    """The shipped model of a label (``opt_out``, ``help`` …), shared by all that ask."""
    return _taught()[0][label]


@cache
def _taught() -> tuple[dict[str, IntentModel], Concepts]:
    """What lies in the package, read once; what is kept are the tables and not the file."""
    content = shipped()
    readers = {label: IntentModel(model) for label, model in content.models.items()}
    return readers, Concepts(content.meanings)


class IntentModel:
    """Scores texts by the weights of one label."""

    def __init__(self, model: Model) -> None:
        self.bias = model.bias
        self._unknown = model.unknown
        self._weights = HashTable(model.weights)
        self._words: dict[str, int] = {}

    def score(self, passage: Passage) -> float:
        """How much a passage is like an opt-out, as the logarithm of the odds."""
        return self.word_score(passage.words) + self._weights.total(passage.joint) / 1000

    def word_score(self, words: Iterable[str]) -> float:
        """The score by single words alone, which is quickly found."""
        known, total = self._words, self.bias
        for word in set(words):
            weight = known.get(word)
            total += self.of(word) if weight is None else weight
        return total / 1000

    def reasons(self, passage: Passage) -> str:
        """What speaks most for it and against it."""
        known = ((name, self._weights.get(name)) for name in features(passage))
        found = {name: weight for name, weight in known if weight}
        strange = sum(self._weights.get(word) is None for word in {*passage.words} - MARKS)
        if strange and self._unknown:
            found[UNKNOWN] = strange * self._unknown
        shown = sorted(found, key=lambda name: (-abs(found[name]), name))[:_REASONS]
        return ", ".join(f"{name} {found[name] / 1000:+.1f}" for name in shown)

    def of(self, word: str) -> int:
        """What a word adds, in thousandths."""
        if len(self._words) > _REMEMBERED:
            self._words.clear()
        found = self._weights.total(hashes(parts(word)))
        if self._weights.get(word) is None and word not in MARKS:
            found += self._unknown
        self._words[word] = found
        return found
