"""Trains the model on the labelled texts beside this script.

    make train                              on the committed texts alone
    make train ARGS="--chat FOLDER"         also on real chat: FOLDER/en.jsonl and FOLDER/zh.jsonl
    make train ARGS="--folds 2"             of how many fifths to say what a model that has not
                                            seen them makes of them (one at least)

Writes ``smsgate/classifier/model.msgpack``: one linear model with an output for each label
(scikit-learn's ``LinearSVC``), calibrated on texts that it was not trained on (Platt). The same
texts and the same versions of the libraries give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from smsgate.classifier.classifier import Classifier
from smsgate.classifier.features import Passage, code_of, joint, parts
from smsgate.classifier.model import Model
from smsgate.classifier.sets import load_sets
from smsgate.classifier.weights import OUTPUTS, ConceptTable, WeightsFile, step_of
from tests.accuracy.concepts import concept_table, lists, words_of
from tests.accuracy.placement import placed
from tests.accuracy.texts import EXAMS, HOW, OUT, PROGRAM, Labelled, labelled, named

TARGET = Path(__file__).parents[2] / "smsgate" / "classifier" / "model.msgpack"
SEED, FOLDS = 7, 5
STRENGTH = 0.05
"""The C of the machine; the smaller, the simpler the model."""
RARE = 3
"""Features of fewer texts are left out."""
LEAST = 0.09
"""Weights below this are left out."""
HIDDEN, HIDDEN_WEIGHT = 0.5, 0.5
"""The share of words without which an ordinary text is shown again, and how much that counts."""
REVIEW_WEIGHTS = (0.18, 0.12)
"""How much a text for a person counts as an ordinary one, and as an opt-out."""
COUNTS = {"written/": 1.0, "written/wordings": 0.3, "chat/": 2.0, "dialogues/": 1.0}
"""How much a text of a folder counts; those that were written as people text count three times."""
SPOKEN = re.compile(r"\s*-\s+(?:-\s+)?['\"]?(.*?[^'\"\s])['\"]?\s*")
"""A line that somebody says in a file of dialogues."""
MISSED = 0.0007
"""The share of requests, as people text them, that the prefilter may miss."""
REQUEST = OUTPUTS[-1]
WORDINGS = "written/wordings"
"""Texts made from lists of words, which say nothing about how good a model is."""


def read_texts(chat: Path | None, dialogues: Path | None) -> Iterator[tuple[str, Labelled]]:
    """All texts to train on, each with the file that it is from."""
    for name in named():
        if name not in EXAMS:
            yield from ((name, one) for one in labelled(name))
    for language in ("en", "zh") if chat else ():
        lines = (chat / f"{language}.jsonl").read_text("utf-8").splitlines() if chat else ()
        for line in lines:
            yield f"chat/{language}", Labelled("none", language, json.loads(line))
    for path in sorted(dialogues.glob("*/*.yml")) if dialogues else ():
        for line in path.read_text("utf-8", "replace").splitlines():
            found = SPOKEN.fullmatch(line)
            if found and trains(found[1]):
                yield f"dialogues/{path.parent.name}", Labelled("none", "", found[1])


def trains(text: str) -> bool:
    """Whether a text of other people is trained on; the other half is kept for exams."""
    return int(hashlib.sha1(text.encode()).hexdigest()[0], 16) % 2 == 0


def fold_of(text: str) -> int:
    """The fold of a text; those with the same words are in the same one."""
    return int(hashlib.sha1(" ".join(words_of(text)).encode()).hexdigest(), 16) % FOLDS


class Examples:
    """What is learnt from: the features of texts, with label, weight and fold.

    An ordinary text counts once more without half of its words, so that what is not known speaks
    for an ordinary text.
    """

    def __init__(self, texts: Iterable[tuple[str, Labelled]], classifier: Classifier) -> None:
        draw = random.Random(SEED)
        codes, single = array("I"), array("I")
        counts: list[tuple[int, int]] = []
        about: list[tuple[str, str, int, bool]] = []
        for source, one in texts:
            passage = classifier.passage_of(one.text)
            fold = fold_of(one.text)
            rows = [passage]
            if one.label == "none":
                rows.append(Passage([word for word in passage.words if draw.random() >= HIDDEN]))
            for at, row in enumerate(rows):
                by_word = [code_of(part) for word in set(row.words) for part in parts(word)]
                together = joint(row)
                single.extend(by_word)
                codes.extend(by_word)
                codes.extend(together)
                counts.append((len(by_word), len(by_word) + len(together)))
                about.append((source, one.label, fold, at == 0))
        self.sources, self.labels = (np.array([row[at] for row in about]) for at in (0, 1))
        self.folds = np.array([row[2] for row in about])
        self.whole = np.array([row[3] for row in about])
        self.names, self.matrix = _matrix(codes, [count for _, count in counts], scaled=True)
        self.word_names, self.words = _matrix(single, [count for count, _ in counts], scaled=False)
        weights = np.full(len(about), 3.0)
        for folder, weight in COUNTS.items():
            weights[np.char.startswith(self.sources, folder)] = weight
        self.weights = np.where(self.whole, weights, HIDDEN_WEIGHT)

    def rows_for(self, output: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows to learn an output from, which of them are of it, and their weights."""
        labels, weights = self.labels[rows], self.weights[rows]
        if output == "opt_out":
            review = labels == "review"
            against, for_it = REVIEW_WEIGHTS
            return (
                np.concatenate([rows, rows[review]]),
                np.concatenate([np.isin(labels, (*OUT, HOW)), np.ones(review.sum(), bool)]),
                np.concatenate([np.where(review, against, weights), np.full(review.sum(), for_it)]),
            )
        known, wanted = self.wanted(output, rows)
        if output in ("opt_in", "help"):
            weights = np.where(labels == "review", 0.3 * weights, weights)
        return rows[known], wanted[known], weights[known]

    def wanted(self, output: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which rows say how good an output is, and for which it should be high."""
        labels = self.labels[rows]
        if output == "opt_out":
            return labels != "review", np.isin(labels, (*OUT, HOW))
        if output == "opt_out_all":
            return np.isin(labels, OUT), labels == output
        if output == REQUEST:
            return np.ones(len(rows), bool), labels != "none"
        if output in ("help", "review"):
            return np.ones(len(rows), bool), np.isin(labels, (output, HOW))
        return np.ones(len(rows), bool), labels == output


def _matrix(
    codes: array[int], counts: Sequence[int], *, scaled: bool
) -> tuple[np.ndarray, sparse.csr_matrix]:
    """The hashes of features that are not rare, and a row for each text."""
    names, places, often = np.unique(
        np.frombuffer(codes, np.uint32), return_inverse=True, return_counts=True
    )
    usual = often >= RARE
    numbers = np.cumsum(usual) - 1
    rows = np.repeat(np.arange(len(counts)), counts)
    kept = usual[places]
    values = np.sqrt(50 / np.maximum(counts, 1)) if scaled else np.ones(len(counts))
    shape = (len(counts), int(usual.sum()))
    entries = (values[rows[kept]], (rows[kept], numbers[places[kept]]))
    return names[usual], sparse.csr_matrix(entries, shape=shape)


class Learnt(NamedTuple):
    """One output: its bias, and its weights by column."""

    bias: float
    weights: np.ndarray

    def scores(self, matrix: sparse.csr_matrix) -> np.ndarray:
        """The score of each row."""
        return matrix @ self.weights + self.bias

    def scaled(self, factor: float, offset: float) -> Learnt:
        """The same on another scale."""
        return Learnt(factor * self.bias + offset, factor * self.weights)


def learn(examples: Examples, output: str, rows: np.ndarray) -> Learnt:
    """An output, learnt from some rows."""
    matrix = examples.words if output == REQUEST else examples.matrix
    chosen, wanted, weights = examples.rows_for(output, rows)
    machine = LinearSVC(C=STRENGTH, random_state=SEED, max_iter=5000, tol=1e-2)
    machine.fit(matrix[chosen], wanted, sample_weight=weights)
    return Learnt(float(machine.intercept_[0]), machine.coef_[0])


def calibration(examples: Examples, output: str, learnt: Learnt, rows: np.ndarray) -> Learnt:
    """An output in log odds, by texts that it was not trained on (Platt)."""
    matrix = examples.words if output == REQUEST else examples.matrix
    known, wanted = examples.wanted(output, rows)
    scores = learnt.scores(matrix[rows])
    platt = LogisticRegression(C=1e6).fit(scores[known, None], wanted[known])
    factor, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    found = factor * scores + offset
    margins = np.where(wanted, found, -found)[known]
    say(f"{output}: log loss on unseen texts {np.logaddexp(0, -margins).mean():.4f}")
    return Learnt(factor, np.array([offset]))


def packed(
    examples: Examples, found: dict[str, Learnt], limit: float, meanings: ConceptTable
) -> bytes:
    """The model as it is shipped: the features with a weight worth keeping."""
    columns = {name: dict[int, float]() for name in OUTPUTS}
    for output, learnt in found.items():
        names = examples.word_names if output == REQUEST else examples.names
        kept = np.flatnonzero(np.abs(learnt.weights) >= LEAST)
        columns[output] = dict(
            zip(names[kept].tolist(), learnt.weights[kept].tolist(), strict=True)
        )
    codes = {code for column in columns.values() for code in column}
    offsets, table = placed(codes)
    rows = bytearray()
    for code in table:
        rows += bytes(step_of(columns[output].get(code, 0.0)) for output in OUTPUTS)
    weights = WeightsFile(
        offsets=offsets,
        codes=memoryview(table.tobytes()),
        rows=memoryview(bytes(rows)),
        biases=[round(found[output].bias, 4) for output in OUTPUTS],
        prefilter_limit=limit,
        meanings=meanings,
    )
    say(f"{len(codes)} features")
    return msgspec.msgpack.encode(weights)


def blank(meanings: ConceptTable) -> Model:
    """What words stand for, and a model that knows nothing: enough to see passages."""
    offsets, table = placed(())
    rows = memoryview(bytes(len(OUTPUTS) * len(table)))
    biases = [0.0] * len(OUTPUTS)
    return Model(WeightsFile(offsets, memoryview(table.tobytes()), rows, biases, 0.0, meanings))


def prefilter_limit(examples: Examples, learnt: Learnt, rows: np.ndarray) -> float:
    """The score by single words that all but a few requests have, on unseen texts."""
    asked = ~np.isin(examples.labels[rows], ("none", "review"))
    usual = ~np.char.startswith(examples.sources[rows], "written/")
    scores = learnt.scores(examples.words[rows[asked & usual]])
    limit = round(float(np.quantile(scores, MISSED)), 2)
    ordinary = rows[np.char.startswith(examples.sources[rows], "chat/")]
    if len(ordinary):
        share = (learnt.scores(examples.words[ordinary]) < limit).mean()
        say(f"prefilter: limit {limit}, skips {share:.3f} of chat")
    return limit


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - a script


def train(chat: Path | None, dialogues: Path | None, folds: int, keep: Path | None) -> None:
    """Train on all texts, and write the weights."""
    texts = list(read_texts(chat, dialogues))
    meanings = concept_table(
        (one for name, one in texts if not name.startswith(("chat/", "dialogues/"))), lists()
    )
    sets, _ = load_sets(None, PROGRAM.keywords)
    examples = Examples(texts, Classifier(PROGRAM, sets, blank(meanings)))
    say(f"{len(texts)} texts, {examples.matrix.shape[1]} features, seed {SEED}")
    every = np.arange(len(examples.labels))
    shipped: dict[str, Learnt] = {}
    limit = 0.0
    for fold in range(folds):
        found: dict[str, Learnt] = {}
        unseen = np.flatnonzero(
            examples.whole & (examples.folds == fold) & (examples.sources != WORDINGS)
        )
        for output in OUTPUTS:
            learnt = learn(examples, output, every[examples.folds != fold])
            scale = calibration(examples, output, learnt, unseen)
            found[output] = learnt.scaled(scale.bias, float(scale.weights[0]))
            if fold == 0:
                learnt = learn(examples, output, every)
                shipped[output] = learnt.scaled(scale.bias, float(scale.weights[0]))
        if fold == 0:
            limit = prefilter_limit(examples, found[REQUEST], unseen)
            TARGET.write_bytes(packed(examples, shipped, limit, meanings))
        if keep:
            keep.joinpath(f"{fold}.msgpack").write_bytes(packed(examples, found, limit, meanings))


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chat", type=Path, help="folder with en.jsonl and zh.jsonl")
    parser.add_argument("--dialogues", type=Path, help="folder data of chatterbot_corpus")
    parser.add_argument("--folds", type=int, default=1, help="fifths to calibrate on")
    parser.add_argument("--keep", type=Path, help="folder for the weights of each fold")
    arguments = parser.parse_args()
    train(arguments.chat, arguments.dialogues, arguments.folds, arguments.keep)


if __name__ == "__main__":
    main()
