"""Trains the intent model on the labelled texts beside this script.

    make train                        on the committed texts alone
    make train ARGS="--chat FOLDER"   also on real chat: FOLDER/en.jsonl and FOLDER/zh.jsonl

Writes ``smsgate/classifier/model.msgpack``: for each label a linear support vector machine
(scikit-learn's ``LinearSVC``) whose scores are calibrated (Platt) on texts that it was not trained
on. The same texts and the same versions of the libraries give the same bytes. Prints what five-fold
cross-validation says: the choice of C, the thresholds, and with ``--folds`` what the classifier as
a whole decides about texts that its model has not seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from smsgate.classifier import Classifier, load_sets
from smsgate.classifier.concepts import HINTED
from smsgate.classifier.features import Passage, features
from smsgate.classifier.model import LABELS, Models
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.compiler import compiled
from smsgate.classifier.weights import (
    Model,
    PrefilterLimits,
    Thresholds,
    WeightsFile,
    table_of,
)
from tests.accuracy.concepts import concept_table, lists, words_of
from tests.accuracy.texts import KEPT_BACK, OUT, PROGRAM, Labelled, labelled, named

TARGET = Path(__file__).parents[2] / "smsgate" / "classifier" / "model.msgpack"
SEED = 7
FOLDS = 5
STRENGTHS = (0.05, 0.1)
"""Values of C that are tried; the smaller, the simpler the model."""
RARE = 2
"""Features of fewer passages are left out."""
LEAST = 60
"""Weights below this many thousandths of the log odds are left out."""
HIDDEN, HIDDEN_WEIGHT = 0.5, 0.5
"""The share of its words that an ordinary text is shown with once more, and how much it counts."""
REVIEW_WEIGHTS = (0.18, 0.12)
"""How much a text for a person counts as an ordinary one, and as an opt-out."""
WRONG = {"marketing": (0.018, 0.002), "service": (0.010, 0.001)}
"""By kind of program, the share of ordinary labelled texts and of chat that the model alone may
suppress, on texts that it has not seen."""
HELD = {"marketing": (0.033, 0.0034), "service": (0.022, 0.002)}
"""The same for texts that it suppresses or holds."""
CHAT = "chat/"
LEAVING = "how to leave"
"""The phenomenon of questions for help that show the wish to leave."""


class Text(NamedTuple):
    """A labelled text as the model sees it."""

    source: str
    label: str
    text: str
    passage: Passage


class Columns(NamedTuple):
    """Passages as rows of a sparse matrix."""

    matrix: sparse.csr_matrix
    names: list[str]


def read_texts(chat: Path | None) -> list[tuple[str, Labelled]]:
    """All texts to train on, each with the file that it is from."""
    found = [(name, one) for name in named() if name not in KEPT_BACK for one in labelled(name)]
    for language in ("en", "zh") if chat else ():
        lines = (chat / f"{language}.jsonl").read_text("utf-8").splitlines() if chat else ()
        found += [
            (f"{CHAT}{language}", Labelled("none", language, json.loads(line))) for line in lines
        ]
    return found


def seen(texts: Iterable[tuple[str, Labelled]], classifier: Classifier) -> list[Text]:
    """Texts as passages; a question how to leave is one for help to the model."""
    return [
        Text(
            name,
            "help" if one.phenomenon == LEAVING else one.label,
            one.text,
            classifier.passage_of(one.text),
        )
        for name, one in texts
    ]


def fold_of(text: str) -> int:
    """The fold of a text; those with the same words are in the same one."""
    return int(hashlib.sha1(" ".join(words_of(text)).encode()).hexdigest(), 16) % FOLDS


class Examples:
    """What is learnt from: passages with label, weight and fold.

    An ordinary text counts once more with half of its words hidden, so that what is not known
    speaks for an ordinary text.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        draw = random.Random(SEED)
        passages: list[Passage] = []
        labels: list[str] = []
        weights: list[float] = []
        folds: list[int] = []
        self.whole: list[int] = []
        """The row of each text as a whole."""
        for one in texts:
            rows = [(one.passage, 1.0)]
            if one.label == "none":
                words = [word for word in one.passage.words if draw.random() < HIDDEN]
                rows.append((Passage(words), HIDDEN_WEIGHT))
            fold = fold_of(one.text)
            self.whole.append(len(passages))
            for passage, weight in rows:
                passages.append(passage)
                labels.append(one.label)
                weights.append(weight)
                folds.append(fold)
        self.labels, self.folds = np.array(labels), np.array(folds)
        self.weights = np.array(weights)
        self.sources = np.array([one.source for one in texts])
        self.columns = _columns(passages)

    def rows_for(self, label: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows to learn a label from, which of them are of it, and their weights."""
        labels, weights = self.labels[rows], self.weights[rows]
        if label == "opt_out_all":
            outs = np.isin(labels, OUT)
            return rows[outs], labels[outs] == label, weights[outs]
        if label != "opt_out":
            return rows, labels == label, np.where(labels == "review", 0.3 * weights, weights)
        review = labels == "review"
        against, for_it = REVIEW_WEIGHTS
        return (
            np.concatenate([rows, rows[review]]),
            np.concatenate([np.isin(labels, OUT), np.ones(review.sum(), bool)]),
            np.concatenate([np.where(review, against, weights), np.full(review.sum(), for_it)]),
        )


def _columns(passages: Iterable[Passage]) -> Columns:
    """One row for each passage and one column for each feature, by its name."""
    numbers: dict[str, int] = {}
    codes: list[int] = []
    ends = [0]
    for passage in passages:
        codes += [numbers.setdefault(name, len(numbers)) for name in sorted(features(passage))]
        ends.append(len(codes))
    names = sorted(numbers)
    place = np.empty(len(names), np.int64)
    place[[numbers[name] for name in names]] = np.arange(len(names))
    matrix = sparse.csr_matrix(
        (np.ones(len(codes)), place[np.array(codes, np.int64)], np.array(ends)),
        shape=(len(ends) - 1, len(names)),
    )
    matrix.sum_duplicates()
    return Columns(matrix, names)


class Learnt(NamedTuple):
    """A linear model: bias and weights by column."""

    bias: float
    weights: np.ndarray

    def scores(self, matrix: sparse.csr_matrix) -> np.ndarray:
        """The score of each row."""
        return matrix @ self.weights + self.bias

    def scaled(self, factor: float, offset: float) -> Learnt:
        """The same model on another scale, without the weights that say little."""
        weights = np.round(1000 * factor * self.weights)
        weights[np.abs(weights) < LEAST] = 0
        return Learnt(factor * self.bias + offset, weights / 1000)


def learn(examples: Examples, label: str, rows: np.ndarray, strength: float) -> Learnt:
    """A model of one label from some rows."""
    matrix = examples.columns.matrix
    kept = np.flatnonzero(np.bincount(matrix[rows].indices, minlength=matrix.shape[1]) >= RARE)
    chosen, wanted, weights = examples.rows_for(label, rows)
    machine = LinearSVC(C=strength, random_state=SEED, max_iter=5000, tol=1e-3)
    machine.fit(matrix[chosen][:, kept], wanted, sample_weight=weights)
    found = np.zeros(matrix.shape[1])
    found[kept] = machine.coef_[0]
    return Learnt(float(machine.intercept_[0]), found)


class CrossValidation(NamedTuple):
    """The models of a label by fold, calibrated, and what they say of the texts in the fold."""

    models: list[Learnt]
    scores: np.ndarray
    """Of each text as a whole, by the model that has not seen it."""
    factor: float
    offset: float
    loss: float


def cross_validate(examples: Examples, label: str, strength: float) -> CrossValidation:
    """Learn a label five times, each time without a fold, and calibrate on the fold (Platt)."""
    whole = np.array(examples.whole)
    matrix, labels = examples.columns.matrix[whole], examples.labels[whole]
    folds = examples.folds[whole]
    raw = np.empty(len(whole))
    others = [np.flatnonzero(examples.folds != fold) for fold in range(FOLDS)]
    # processes: the solver draws random numbers from one state, which threads would share
    models: list[Learnt] = Parallel(n_jobs=-1, prefer="processes")(
        delayed(learn)(examples, label, rows, strength) for rows in others
    )
    for fold, one in enumerate(models):
        raw[folds == fold] = one.scores(matrix[folds == fold])
    known = np.isin(labels, OUT) if label == "opt_out_all" else labels != "review"
    wanted = np.isin(labels, OUT) if label == "opt_out" else labels == label
    platt = LogisticRegression(C=1e6).fit(raw[known, None], wanted[known])
    factor, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    models = [one.scaled(factor, offset) for one in models]
    scores = np.empty(len(whole))
    for fold, one in enumerate(models):
        scores[folds == fold] = one.scores(matrix[folds == fold])
    margins = np.where(wanted, scores, -scores)[known]
    return CrossValidation(models, scores, factor, offset, float(np.logaddexp(0, -margins).mean()))


def chosen(examples: Examples, label: str) -> tuple[float, CrossValidation]:
    """The C with the least loss on texts that were not seen, and what it led to."""
    tried = {strength: cross_validate(examples, label, strength) for strength in STRENGTHS}
    for strength, found in tried.items():
        say(f"{label}: C {strength}, log loss on unseen texts {found.loss:.4f}")
    best = min(tried, key=lambda strength: tried[strength].loss)
    return best, tried[best]


def thresholds(examples: Examples, found: dict[str, np.ndarray]) -> dict[str, Thresholds]:
    """By kind of program the log odds from which the model acts, by the texts of other folds."""
    labels = examples.labels[examples.whole]
    chat = np.char.startswith(examples.sources, CHAT)
    stop = found["opt_out"]
    ordinary = (stop[(labels == "none") & ~chat], stop[chat])

    def limit(shares: tuple[float, float]) -> float:
        limits = [
            float(np.quantile(scores, 1 - share))
            for scores, share in zip(ordinary, shares, strict=True)
            if len(scores)
        ]
        return round(max(limits), 2)

    return {
        kind: Thresholds(suppress=limit(WRONG[kind]), hold=limit(HELD[kind]), help=0.5, opt_in=1.5)
        for kind in WRONG
    }


def prefilter_limits(texts: Sequence[Text], models: Models) -> PrefilterLimits:
    """Scores by single words that few of the texts have which the model should act on.

    Only texts in ASCII are ordinary by their words alone.
    """
    stops, hinted, asks, alarmed, starts = [], [], [], [], []
    for one in texts:
        words = one.passage.words
        if not one.text.isascii():
            continue
        if one.label in OUT:
            score = models.opt_out.word_score(words)
            (hinted if models.concepts.alarm(words) == HINTED else stops).append(score)
        elif one.label == "help":
            score = models.help.word_score(words)
            (alarmed if models.concepts.alarm(words) else asks).append(score)
        elif one.label == "opt_in":
            starts.append(models.opt_in.word_score(words))

    def lowest(scores: list[float], share: float) -> float:
        return round(float(np.quantile(scores, share)), 2) if scores else -99.0

    return PrefilterLimits(
        stops=lowest(stops, 0.01),
        stops_hinted=lowest(hinted, 0.002),
        asks=lowest(asks, 0.03),
        asks_alarmed=lowest(alarmed, 0.01),
        starts=lowest(starts, 0.05),
    )


def packed(learnt: Learnt, names: Sequence[str]) -> Model:
    """A model as it is shipped: in thousandths, without what is zero."""
    kept = np.flatnonzero(learnt.weights)
    weights = {names[at]: round(1000 * float(learnt.weights[at])) for at in kept}
    return Model(bias=round(1000 * learnt.bias), weights=table_of(weights))


def classifier_with(weights: WeightsFile) -> Classifier:
    """A classifier of every shipped language with some weights."""
    sets, _ = load_sets(None, PROGRAM.keywords)
    return Classifier(PROGRAM, CompiledSets(compiled(sets), Models(weights)))


def without_models(texts: Iterable[Labelled]) -> WeightsFile:
    """What words stand for, and models that know nothing: enough to see passages."""
    empty = Model(bias=0, weights=table_of({"": 0}))
    limits = Thresholds(99, 99, 99, 99)
    return WeightsFile(
        models=dict.fromkeys(LABELS, empty),
        meanings=concept_table(texts, lists()),
        thresholds=dict.fromkeys(WRONG, limits),
        prefilter=PrefilterLimits(-99, -99, -99, -99, -99),
    )


def counted(
    name: str, texts: Iterable[tuple[str, Labelled]], classifier: Classifier
) -> Iterator[tuple[str, str]]:
    """Under which names a text counts, and as what it was decided."""
    for source, one in texts:
        intent = classifier.classify(one.text).intent.value
        group = source if source.startswith(CHAT) else source.partition("/")[0]
        for key in dict.fromkeys((name, group)):
            yield key, f"{one.label} {intent}"


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - a script


def train(chat: Path | None, *, folds: bool, target: Path) -> None:
    """Train on all texts, write the weights, and say what cross-validation found."""
    raw = read_texts(chat)
    blank = without_models(one for name, one in raw if not name.startswith(CHAT))
    texts = seen(raw, classifier_with(blank))
    examples = Examples(texts)
    say(f"{len(texts)} texts, {examples.columns.matrix.shape[1]} features, seed {SEED}")
    validated: dict[str, CrossValidation] = {}
    models: dict[str, Model] = {}
    names = examples.columns.names
    everything = np.arange(len(examples.labels))
    for label in LABELS:
        strength, validated[label] = chosen(examples, label)
        found = validated[label]
        learnt = learn(examples, label, everything, strength).scaled(found.factor, found.offset)
        models[label] = packed(learnt, names)
        say(f"{label}: C {strength} taken, {np.count_nonzero(learnt.weights)} weights")
    limits = thresholds(examples, {label: one.scores for label, one in validated.items()})
    weights = msgspec.structs.replace(blank, models=models, thresholds=limits)
    weights = msgspec.structs.replace(weights, prefilter=prefilter_limits(texts, Models(weights)))
    say(f"{limits}\n{weights.prefilter}")
    content = msgspec.msgpack.encode(weights)
    target.write_bytes(content)
    say(f"{target}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    if folds:
        report(raw, weights, validated, names)


def report(
    raw: Sequence[tuple[str, Labelled]],
    weights: WeightsFile,
    validated: dict[str, CrossValidation],
    names: Sequence[str],
) -> None:
    """What the classifier decides about each fold with models that have not seen it."""
    got: Counter[tuple[str, str]] = Counter()
    for fold in range(FOLDS):
        models = {label: packed(found.models[fold], names) for label, found in validated.items()}
        classifier = classifier_with(msgspec.structs.replace(weights, models=models))
        here = [(name, one) for name, one in raw if fold_of(one.text) == fold]
        got.update(counted("all", here, classifier))
    for key in sorted({key for key, _ in got}):
        found = {what: count for (name, what), count in got.items() if name == key}
        say(f"{key}: {dict(sorted(found.items()))}")


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chat", type=Path, help="folder with en.jsonl and zh.jsonl")
    parser.add_argument("--folds", action="store_true", help="classify each fold as a whole, too")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the weights are written")
    arguments = parser.parse_args()
    train(arguments.chat, folds=arguments.folds, target=arguments.target)


if __name__ == "__main__":
    main()
