"""Trains the model: logistic regression over the labelled texts beside this script.

    python -m tests.accuracy.training

Writes ``smsgate/classifier/model.msgpack``. Plain Python and always the same result:
AdaGrad over the texts in an order drawn once, with weights that say little left out.
"""

from __future__ import annotations

import math
import random
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from smsgate.classifier.features import Passage, features
from smsgate.classifier.weights import ConceptTable, Model, WeightsFile, table_of
from tests.accuracy.concepts import lists, meanings
from tests.accuracy.texts import KEPT_BACK, OUT, Labelled, classifier, labelled, named

TARGET = Path(__file__).parents[2] / "smsgate" / "classifier" / "model.msgpack"
ROUNDS = 14
RATE = 0.25
RARE = 2
"""Features of fewer texts are left out."""
SURE = 0.005
"""Errors below this change nothing."""
LEAST = 180
"""Weights below this many thousandths are left out."""
SHARES = {
    "opt_out": {"opt_out": 1.0, "opt_out_all": 1.0, "review": 0.4},
    "help": {"help": 1.0},
    "opt_in": {"opt_in": 1.0},
    "opt_out_all": {"opt_out_all": 1.0},
}
"""By model, how much of its kind a label is."""
PRIVATE = "private"
"""The model of how people talk who know each other."""
TALK = frozenset({
    "private", "written/english_private", "written/private_chat", "written/private_chat_2",
    "written/private_chat_3", "written/private_chat_4",
})  # fmt: skip
"""Files of such talk."""
AMONG = {"opt_out_all": OUT}
"""By model, the labels that it is learnt from, where they are not all."""
WEIGHTS = {"review": 0.3}
"""How much a text counts by its label, where not fully."""
PART = 0.5
HIDDEN = 0.5
STRANGE = {"opt_out": -600}
"""Weight of a word that no labelled text held: in an opt-out it speaks for an ordinary text."""


class Example(NamedTuple):
    """A text as the model sees it."""

    features: Sequence[int]
    label: str
    weight: float
    private: bool


class Examples(NamedTuple):
    """Texts, and the names of their features, by number."""

    found: list[Example]
    names: list[str]


def examples(texts: Iterable[tuple[Labelled, bool]]) -> Examples:
    """The texts as features; ordinary ones also with half of their words hidden.

    So what is not known speaks for an ordinary text. Of long ordinary texts each part is one too.

    Args:
        texts: each with whether it is from a file of private talk.
    """
    draw = random.Random(3)
    numbers: dict[str, int] = {}
    found = []

    def seen(passage: Passage, label: str, weight: float, *, private: bool) -> None:
        codes = [numbers.setdefault(name, len(numbers)) for name in features(passage)]
        found.append(Example(array("I", codes), label, weight, private))

    for one, private in texts:
        whole, *parts = classifier().passages_of(one.text)
        seen(whole, one.label, WEIGHTS.get(one.label, 1.0), private=private)
        if one.label == "none":
            for part in parts:
                seen(part, one.label, PART, private=private)
            hidden = [word for word in whole.words if draw.random() < HIDDEN]
            seen(Passage(hidden), one.label, PART, private=private)
    return _without_rare(found, list(numbers))


def _without_rare(found: Sequence[Example], names: Sequence[str]) -> Examples:
    often = Counter(code for one in found for code in set(one.features))
    kept = [code for code in range(len(names)) if often[code] >= RARE]
    again = {code: at for at, code in enumerate(kept)}
    return Examples(
        [
            one._replace(features=array("I", [again[c] for c in one.features if c in again]))
            for one in found
        ],
        [names[code] for code in kept],
    )


def is_word(feature: str) -> bool:
    """Whether a feature is a word as it stands."""
    return feature[0] not in "~%_#@" and " " not in feature


def learnt(
    seen: Examples, share: Callable[[Example], float], among: Collection[str] = ()
) -> tuple[float, dict[str, float]]:
    """Bias and weights of one model, by the texts of some labels, or of all.

    Args:
        seen: the texts.
        share: how much of its kind a text is.
        among: the labels, where not all.
    """
    found = [one for one in seen.found if not among or one.label in among]
    often = Counter(code for one in found for code in one.features)
    size = len(seen.names)
    weights, squares = [0.0] * size, [1.0] * size
    order = list(range(len(found)))
    draw = random.Random(7)
    bias = 0.0
    for turn in range(ROUNDS):
        draw.shuffle(order)
        for at in order:
            one = found[at]
            score = bias + sum(map(weights.__getitem__, one.features))
            likely = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
            error = one.weight * (likely - share(one))
            bias -= 0.02 * error / (1 + turn)
            if abs(error) < SURE:
                continue
            for code in one.features:
                squares[code] += error * error
                weights[code] -= RATE * error / math.sqrt(squares[code])
    return bias, {name: weights[code] for code, name in enumerate(seen.names) if code in often}


def kept(bias: float, weights: Mapping[str, float], unknown: int) -> Model:
    """A model as it is written: in thousandths what says much, and all words where it counts."""
    found = {
        name: round(1000 * weight)
        for name, weight in weights.items()
        if abs(weight) * 1000 >= LEAST or (unknown and is_word(name))
    }
    return Model(bias=round(1000 * bias), unknown=unknown, weights=table_of(found))


def written(target: Path, models: Mapping[str, Model], meant: ConceptTable) -> int:
    """Write the models beside what words stand for; how many bytes there are."""
    content = msgspec.msgpack.encode(WeightsFile(models=dict(models), meanings=meant))
    target.write_bytes(content)
    return len(content)


def main(target: Path = TARGET) -> None:
    """Learn from all files but those kept back."""
    names = [name for name in named() if name not in KEPT_BACK]
    texts = [(one, name in TALK) for name in names for one in labelled(name)]
    meant = meanings((one for one, _ in texts), lists())
    written(target, {name: Model(0, 0, table_of({})) for name in (*SHARES, PRIVATE)}, meant)
    size = written(target, taught(examples(texts)), meant)
    print(f"{len(texts)} texts, {size} bytes")  # noqa: T201 - a script


def taught(seen: Examples) -> dict[str, Model]:
    """All models."""
    models = {
        name: kept(
            *learnt(seen, partial(_share, shares), AMONG.get(name, ())), STRANGE.get(name, 0)
        )
        for name, shares in SHARES.items()
    }
    return {**models, PRIVATE: kept(*learnt(seen, lambda one: one.private), 0)}


def _share(shares: Mapping[str, float], one: Example) -> float:
    return shares.get(one.label, 0.0)


if __name__ == "__main__":
    main()
