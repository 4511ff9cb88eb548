"""Trains the intent model on the labelled texts beside this script.

    make train                             on the committed texts alone
    make train ARGS="--chat FOLDER"        also on real chat: FOLDER/en.jsonl and FOLDER/zh.jsonl
    make train ARGS=--concepts             only what words stand for; the weights stay
    make train ARGS="--dialogues FOLDER"   also on the dialogues of the package chatterbot-corpus

Writes ``smsgate/classifier/model.msgpack``: for each label a linear support vector machine
(scikit-learn's ``LinearSVC``) whose scores are calibrated (Platt) on texts that it was not trained
on. The same texts and the same versions of the libraries give the same bytes. Prints what
five-fold cross-validation says: the log loss of each label, the thresholds, and with ``--folds
FOLDER`` what the classifier as a whole decides about texts that its model has not seen. The
weights of each fold are kept in that folder for ``ablation.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
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
from smsgate.classifier.features import Passage, features, scale_of
from smsgate.classifier.model import LABELS, REQUEST, Models
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.compiler import compiled
from smsgate.classifier.weights import (
    Model,
    Thresholds,
    WeightsFile,
    shipped_weights,
    table_of,
)
from tests.accuracy.concepts import concept_table, lists, words_of
from tests.accuracy.texts import EXAMS, HOW, OUT, PROGRAM, Labelled, labelled, named

TARGET = Path(__file__).parents[2] / "smsgate" / "classifier" / "model.msgpack"
SEED = 7
FOLDS = 5
STRENGTH = 0.05
"""The C of the shipped weights; the smaller, the simpler the model."""
RARE = 2
"""Features of fewer passages are left out."""
LEAST = 90
"""Weights below this many thousandths of the log odds are left out."""
HIDDEN, HIDDEN_WEIGHT = 0.5, 0.5
"""The share of its words that an ordinary text is shown with once more, and how much it counts."""
WISHES = (*OUT, HOW)
"""Labels of texts that show the wish to leave."""
AMONG = {"opt_out_all": OUT, HOW: (*WISHES, "help")}
"""Labels that are told apart among texts of some labels only."""
REVIEW_WEIGHTS = (0.18, 0.12)
"""How much a text for a person counts as an ordinary one, and as an opt-out."""
WRONG = {"marketing": (0.0098, 0.0012), "service": (0.005, 0.0005)}
"""By kind of program, the share of ordinary labelled texts and of chat that the model alone may
suppress, on texts that it has not seen."""
HELD = {"marketing": (0.024, 0.003), "service": (0.015, 0.0018)}
"""The same for texts that it suppresses or holds."""
MISSED = 0.0007
"""The share of requests in ASCII, as people text them, that the prefilter may miss."""
WRITTEN, CHAT, DIALOGUES = "written/", "chat/", "dialogues/"
SPOKEN = re.compile(r"\s*-\s+(?:-\s+)?['\"]?(.*?[^'\"\s])['\"]?\s*")
"""A line that somebody says in a file of dialogues."""
COUNTS = 3.0
"""How much a text counts that was written as people text, and not for what the model got wrong."""


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


def read_texts(chat: Path | None, dialogues: Path | None) -> list[tuple[str, Labelled]]:
    """All texts to train on, each with the file that it is from."""
    found = [(name, one) for name in named() if name not in EXAMS for one in labelled(name)]
    found += read_chat(chat)
    if dialogues:
        texts = {text: path.parent.name for path, text in dialogue_lines(dialogues) if trains(text)}
        found += [
            (f"{DIALOGUES}{name}", Labelled("none", "", text)) for text, name in texts.items()
        ]
    return found


def read_chat(folder: Path | None) -> Iterator[tuple[str, Labelled]]:
    """Real chat: English, then Chinese."""
    for language in ("en", "zh") if folder else ():
        lines = (folder / f"{language}.jsonl").read_text("utf-8").splitlines() if folder else ()
        for line in lines:
            yield f"{CHAT}{language}", Labelled("none", language, json.loads(line))


def dialogue_lines(folder: Path) -> Iterator[tuple[Path, str]]:
    """The lines of the dialogues below a folder, each with its file."""
    for path in sorted(folder.glob("*/*.yml")):
        for line in path.read_text("utf-8", "replace").splitlines():
            if found := SPOKEN.fullmatch(line):
                yield path, found[1]


def trains(text: str) -> bool:
    """Whether a text of other people is trained on; the other half is kept for exams."""
    return int(hashlib.sha1(text.encode()).hexdigest()[0], 16) % 2 == 0


def seen(texts: Iterable[tuple[str, Labelled]], classifier: Classifier) -> list[Text]:
    """Texts as passages."""
    return [Text(name, one.label, one.text, classifier.passage_of(one.text)) for name, one in texts]


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
        in_ascii: list[bool] = []
        in_dialogues: list[bool] = []
        self.whole: list[int] = []
        """The row of each text as a whole."""
        for one in texts:
            rows = [
                (
                    one.passage,
                    1.0 if one.source.startswith((WRITTEN, CHAT, DIALOGUES)) else COUNTS,
                )
            ]
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
                in_ascii.append(one.text.isascii())
                in_dialogues.append(one.source.startswith(DIALOGUES))
        self.labels, self.folds = np.array(labels), np.array(folds)
        self.weights = np.array(weights)
        self.dialogues = np.array(in_dialogues)
        self.sources = np.array([one.source for one in texts])
        self.ascii = np.array(in_ascii)
        """Which rows are of texts that the prefilter looks at."""
        self.columns = _columns(passages)

    def matrix_for(self, label: str) -> sparse.csr_matrix:
        """All rows as a model sees them; the prefilter sees single words."""
        matrix = self.columns.matrix
        if label == REQUEST:
            of_words = np.array([_of_word(name) for name in self.columns.names])
            of_words_only = matrix @ sparse.diags(of_words.astype(float))
            of_words_only.eliminate_zeros()
            return of_words_only
        counts = np.maximum(1, matrix.sum(axis=1).A1)
        return sparse.diags([scale_of(count) for count in counts]) @ matrix

    def rows_for(self, label: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows to learn a label from, which of them are of it, and their weights."""
        if label != "opt_out":  # dialogues ask who somebody is, which is no question for help
            rows = rows[~self.dialogues[rows]]
        if label == REQUEST:
            rows = rows[self.ascii[rows]]
            return rows, self.labels[rows] != "none", self.weights[rows]
        labels, weights = self.labels[rows], self.weights[rows]
        if label in AMONG:
            kept = np.isin(labels, AMONG[label])
            return rows[kept], labels[kept] == label, weights[kept]
        if label != "opt_out":
            return rows, labels == label, np.where(labels == "review", 0.3 * weights, weights)
        review = labels == "review"
        against, for_it = REVIEW_WEIGHTS
        return (
            np.concatenate([rows, rows[review]]),
            np.concatenate([np.isin(labels, WISHES), np.ones(review.sum(), bool)]),
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


def _of_word(name: str) -> bool:
    """Whether a feature is one of a single word."""
    return " " not in name and name[0] not in "@_#"


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


def learn(
    examples: Examples, matrix: sparse.csr_matrix, label: str, rows: np.ndarray, strength: float
) -> Learnt:
    """A model of one label from some rows of a matrix."""
    kept = np.flatnonzero(np.bincount(matrix[rows].indices, minlength=matrix.shape[1]) >= RARE)
    chosen, wanted, weights = examples.rows_for(label, rows)
    machine = LinearSVC(C=strength, random_state=SEED, max_iter=5000, tol=1e-2)
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


def cross_validate(
    examples: Examples, matrix: sparse.csr_matrix, label: str, strength: float
) -> CrossValidation:
    """Learn a label five times, each time without a fold, and calibrate on the fold (Platt)."""
    whole = np.array(examples.whole)
    shown, labels, folds = matrix[whole], examples.labels[whole], examples.folds[whole]
    raw = np.empty(len(whole))
    # processes: the solver draws random numbers from one state, which threads would share
    models: list[Learnt] = Parallel(n_jobs=2, prefer="processes")(
        delayed(learn)(examples, matrix, label, np.flatnonzero(examples.folds != fold), strength)
        for fold in range(FOLDS)
    )
    for fold, one in enumerate(models):
        raw[folds == fold] = one.scores(shown[folds == fold])
    known, wanted = _wanted(label, labels)
    platt = LogisticRegression(C=1e6).fit(raw[known, None], wanted[known])
    factor, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    models = [one.scaled(factor, offset) for one in models]
    scores = np.empty(len(whole))
    for fold, one in enumerate(models):
        scores[folds == fold] = one.scores(shown[folds == fold])
    margins = np.where(wanted, scores, -scores)[known]
    return CrossValidation(models, scores, factor, offset, float(np.logaddexp(0, -margins).mean()))


def _wanted(label: str, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which texts say how good a model is, and which of all should be of its label."""
    if label == REQUEST:
        return np.ones(len(labels), bool), labels != "none"
    if label in AMONG:
        return np.isin(labels, AMONG[label]), labels == label
    return labels != "review", np.isin(labels, WISHES) if label == "opt_out" else labels == label


def chosen_strength(
    examples: Examples, matrix: sparse.csr_matrix, strengths: Sequence[float]
) -> float:
    """The C with which opt-outs have the least loss on texts that were not seen."""
    if len(strengths) == 1:
        return strengths[0]
    losses = {one: cross_validate(examples, matrix, "opt_out", one).loss for one in strengths}
    for strength, loss in losses.items():
        say(f"C {strength}: log loss of opt-outs on unseen texts {loss:.4f}")
    return min(losses, key=lambda strength: losses[strength])


def thresholds(examples: Examples, found: dict[str, np.ndarray]) -> dict[str, Thresholds]:
    """By kind of program the log odds from which the model acts, by the texts of other folds."""
    labels = examples.labels[examples.whole]
    chat = np.char.startswith(examples.sources, CHAT)
    stop = found["opt_out"]
    real = chat | np.char.startswith(examples.sources, DIALOGUES)
    ordinary = (stop[(labels == "none") & ~real], stop[chat])

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


def prefilter_limit(examples: Examples, scores: np.ndarray) -> float:
    """The score by single words that all but a few requests in ASCII have, on unseen texts."""
    asked = np.isin(examples.labels[examples.whole], [*WISHES, "help", "opt_in"])
    usual = ~np.char.startswith(examples.sources, WRITTEN)
    requests = asked & usual & examples.ascii[examples.whole]
    return round(float(np.quantile(scores[requests], MISSED)), 2)


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
        models=dict.fromkeys((*LABELS, REQUEST), empty),
        meanings=concept_table(texts, lists()),
        thresholds=dict.fromkeys(WRONG, limits),
        prefilter_limit=-99,
    )


def counted(
    name: str, texts: Iterable[tuple[str, Labelled]], classifier: Classifier
) -> Iterator[tuple[str, str]]:
    """Under which names a text counts, and as what it was decided."""
    for source, one in texts:
        intent = classifier.classify(one.text).intent.value
        whole = source.startswith((CHAT, "looks/"))
        group = source if whole else source.partition("/")[0]
        for key in dict.fromkeys((name, group)):
            yield key, f"{one.label} {intent}"


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - a script


def train(
    chat: Path | None,
    dialogues: Path | None,
    *,
    strengths: Sequence[float],
    folds: Path | None,
    target: Path,
) -> None:
    """Train on all texts, write the weights, and say what cross-validation found."""
    raw = read_texts(chat, dialogues)
    blank = without_models(one for name, one in raw if not name.startswith((CHAT, DIALOGUES)))
    texts = seen(raw, classifier_with(blank))
    examples = Examples(texts)
    say(f"{len(texts)} texts, {examples.columns.matrix.shape[1]} features, seed {SEED}")
    validated: dict[str, CrossValidation] = {}
    models: dict[str, Model] = {}
    names = examples.columns.names
    everything = np.arange(len(examples.labels))
    strength = chosen_strength(examples, examples.matrix_for("opt_out"), strengths)
    say(f"C {strength} for all labels")
    for label in (*LABELS, REQUEST):
        matrix = examples.matrix_for(label)
        validated[label] = found = cross_validate(examples, matrix, label, strength)
        learnt = learn(examples, matrix, label, everything, strength)
        learnt = learnt.scaled(found.factor, found.offset)
        models[label] = packed(learnt, names)
        say(f"{label}: log loss {found.loss:.4f}, {np.count_nonzero(learnt.weights)} weights")
    limits = thresholds(examples, {label: one.scores for label, one in validated.items()})
    limit = prefilter_limit(examples, validated[REQUEST].scores)
    weights = msgspec.structs.replace(
        blank, models=models, thresholds=limits, prefilter_limit=limit
    )
    ordinary = (examples.labels[examples.whole] == "none") & examples.ascii[examples.whole]
    skipped = float(np.mean(validated[REQUEST].scores[ordinary] <= limit))
    say(f"{limits}\nprefilter up to {limit}: {skipped:.1%} of ordinary texts in ASCII")
    content = msgspec.msgpack.encode(weights)
    target.write_bytes(content)
    say(f"{target}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    if folds:
        folds.mkdir(exist_ok=True)
        report(raw, weights, validated, names, folds)


def renew_concepts(target: Path) -> None:
    """Write what words stand for anew, with the shipped weights; new languages are untrained."""
    shipped = shipped_weights()
    meanings = concept_table((one for _, one in read_texts(None, None)), lists())
    new = set(meanings.languages) - set(shipped.meanings.languages)
    untrained = tuple(sorted({*shipped.untrained, *new}))
    weights = msgspec.structs.replace(shipped, meanings=meanings, untrained=untrained)
    target.write_bytes(msgspec.msgpack.encode(weights))
    say(f"{target}: {len(meanings.languages)} languages, not trained on {', '.join(untrained)}")


def report(
    raw: Sequence[tuple[str, Labelled]],
    weights: WeightsFile,
    validated: dict[str, CrossValidation],
    names: Sequence[str],
    folder: Path,
) -> None:
    """What the classifier decides about each fold with models that have not seen it."""
    got: Counter[tuple[str, str]] = Counter()
    without: list[WeightsFile] = []
    for fold in range(FOLDS):
        models = {label: packed(found.models[fold], names) for label, found in validated.items()}
        without.append(msgspec.structs.replace(weights, models=models))
        (folder / f"{fold}.msgpack").write_bytes(msgspec.msgpack.encode(without[fold]))
    for fold in range(FOLDS):
        classifier = classifier_with(without[fold])
        here = [(name, one) for name, one in raw if fold_of(one.text) == fold]
        got.update(counted("all", here, classifier))
    for key in sorted({key for key, _ in got}):
        found = {what: count for (name, what), count in got.items() if name == key}
        say(f"{key}: {dict(sorted(found.items()))}")


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chat", type=Path, help="folder with en.jsonl and zh.jsonl")
    parser.add_argument("--dialogues", type=Path, help="folder data of chatterbot_corpus")
    parser.add_argument("--folds", type=Path, help="classify each fold, too, and keep its weights")
    parser.add_argument(
        "--strengths", type=float, nargs="+", default=[STRENGTH], help="values of C to choose from"
    )
    parser.add_argument("--target", type=Path, default=TARGET, help="where the weights are written")
    parser.add_argument(
        "--concepts", action="store_true", help="keep the weights, renew what words stand for"
    )
    arguments = parser.parse_args()
    if arguments.concepts:
        renew_concepts(arguments.target)
        return
    train(
        arguments.chat,
        arguments.dialogues,
        strengths=arguments.strengths,
        folds=arguments.folds,
        target=arguments.target,
    )


if __name__ == "__main__":
    main()
