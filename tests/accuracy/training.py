"""Teaches the second reader: logistic regression over the labelled texts beside this script.

    python -m tests.accuracy.training

Writes ``smsgate/optout/second_reader.json``. Plain Python and always the same result: AdaGrad
over the texts in an order drawn once, with weights that say little left out.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from smsgate.optout.passages import Passage
from smsgate.optout.second_reader import UNKNOWN, features
from tests.accuracy.generated import generated
from tests.accuracy.texts import KEPT_BACK, Labelled, classifier, labelled, named

TARGET = Path(__file__).parents[2] / "smsgate" / "optout" / "second_reader.json"
ROUNDS = 24
RATE = 0.25
DECAY = 5e-5
RARE = 2
"""Features of fewer texts are left out."""
SURE = 0.002
"""Errors below this change nothing."""
LEAST = 40
"""Weights below this many thousandths are left out."""
SHARES = {
    "opt_out": {"opt_out": 1.0, "opt_out_all": 1.0, "review": 0.4},
    "help": {"help": 1.0},
}
"""By model, how much of its kind a label is."""
WEIGHTS = {"review": 0.3, "private": 1.0, "asks": 0.4}
PART = 0.5
HIDDEN = 0.5
STRANGE = -600
"""Weight of a word that no labelled text held, in an opt-out: it speaks for an ordinary text."""


class Example(NamedTuple):
    """A text as the second reader sees it."""

    features: list[tuple[str, int]]
    label: str
    weight: float


def examples(texts: Iterable[Labelled]) -> list[Example]:
    """The texts as features; ordinary ones also with half of their words hidden.

    So what is not known speaks for an ordinary text. Of long ordinary texts each part is one too.
    """
    draw = random.Random(3)
    found = []
    for one in texts:
        whole, *parts = classifier().view(one.text)
        weight = WEIGHTS.get(one.phenomenon, WEIGHTS.get(one.label, 1.0))
        found.append(_example(whole, one.label, weight))
        if one.label == "none":
            found += [_example(part, one.label, PART) for part in parts]
            hidden = [word for word in whole.words if draw.random() < HIDDEN]
            found.append(_example(Passage(hidden, []), one.label, PART))
    often = Counter(name for one in found for name, _ in one.features)
    return [
        one._replace(features=[(n, c) for n, c in one.features if often[n] >= RARE])
        for one in found
    ]


def is_word(feature: str) -> bool:
    """Whether a feature is a word as it stands."""
    return feature[0] not in "~=_#" and not {" ", ">"} & set(feature)


def _example(passage: Passage, label: str, weight: float) -> Example:
    return Example(list(Counter(features(*passage)).items()), label, weight)


def learnt(found: Sequence[Example], shares: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """Bias and weights of one model."""
    often = Counter(name for one in found for name, _ in one.features)
    weights: dict[str, float] = dict.fromkeys(often, 0.0)
    squares: dict[str, float] = dict.fromkeys(often, 1.0)
    decay = {name: DECAY * len(found) / count for name, count in often.items()}
    order = list(range(len(found)))
    draw = random.Random(7)
    bias = 0.0
    for turn in range(ROUNDS):
        draw.shuffle(order)
        for at in order:
            one = found[at]
            score = bias + sum([weights[name] * count for name, count in one.features])
            likely = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
            error = one.weight * (likely - shares.get(one.label, 0.0))
            bias -= 0.02 * error / (1 + turn)
            if abs(error) < SURE:
                continue
            for name, count in one.features:
                slope = error * count + decay[name] * weights[name]
                squares[name] += slope * slope
                weights[name] -= RATE * slope / math.sqrt(squares[name])
    return bias, weights


def kept(bias: float, weights: Mapping[str, float]) -> dict[str, Any]:
    """A model as it is written: in thousandths, with all words, of the rest what says much."""
    found = {
        name: round(1000 * weight)
        for name, weight in sorted(weights.items())
        if abs(weight) * 1000 >= LEAST or is_word(name)
    }
    return {"bias": round(1000 * bias), "weights": found}


def main(target: Path = TARGET) -> None:
    """Learn from all files but those kept back, and from generated texts."""
    names = [name for name in named() if name not in KEPT_BACK]
    texts = [*(one for name in names for one in labelled(name)), *generated()]
    seen = examples(texts)
    models = {name: kept(*learnt(seen, shares)) for name, shares in SHARES.items()}
    models["opt_out"]["weights"][UNKNOWN] = STRANGE
    content = msgspec.json.format(msgspec.json.encode(models), indent=0)
    target.write_bytes(content + b"\n")
    print(f"{len(texts)} texts, {len(content)} bytes")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
