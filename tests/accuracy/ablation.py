"""What each rule is worth: the classifier without it, on texts that its model has not seen.

    make train ARGS="--folds FOLDER …"
    python -m tests.accuracy.ablation FOLDER [--chat FOLDER]

Prints a table: by how many more or fewer opt-outs, ordinary texts and texts of chat are suppressed
and held without a rule. Each text is classified with the weights of the fold that was trained
without it, and again only where the rule did something.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FunctionType
from typing import NamedTuple
from unittest.mock import patch

import msgspec

from smsgate.classifier import (
    Classifier,
    arbiter,
    classifier,
    findings,
    load_sets,
    normalize,
    sentence_rules,
)
from smsgate.classifier.findings import SentenceMatches
from smsgate.classifier.keyword_rules import KeywordRules
from smsgate.classifier.keyword_variants import Echoes, KeywordVariants
from smsgate.classifier.model import Models, WordPrefilter
from smsgate.classifier.phrases import Match
from smsgate.classifier.quoted_text import Reactions
from smsgate.classifier.sentence_rules import SentenceRules
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.compiler import compiled
from smsgate.classifier.weights import WeightsFile
from smsgate.domain.messages import Intent
from tests.accuracy.texts import OUT, PROGRAM, labelled
from tests.accuracy.training import CHAT, FOLDS, fold_of, read_chat, say

EXAMS = (
    "blind", "unseen", "looks/desk", "looks/dialects", "looks/examiner", "looks/last",
    "looks/platform", "development", "exam", "voices", "own", "fresh",
)  # fmt: skip
"""Files with texts as people write them."""


SAMPLED = 8
"""Of how many texts of chat one is classified."""


class Part(NamedTuple):
    """A part of the classifier, and what stands in its place where it is left out."""

    name: str
    owner: object
    attribute: str
    instead: object


def _never(value: object = None) -> Callable[..., object]:
    return lambda *_arguments: value


_silent = SentenceMatches.silent.fget


def _ours_only(matches: SentenceMatches) -> list[Match]:
    return [match for match in _silent(matches) if "{notours}" not in match.pattern.written]


PARTS = (
    Part("the prefilter", WordPrefilter, "is_ordinary", _never(False)),
    Part("marks of devices", classifier.signature, "without_suffix", lambda text: text),
    Part("signs for letters ($TOP)", KeywordRules, "match_leet", _never()),
    Part("names below texts and behind keywords", KeywordRules, "match_signed", _never()),
    Part("reactions", Reactions, "quoted", _never()),
    Part("quotations", Classifier, "_drop_quotations", _never()),
    Part("self-harm", classifier, "self_harm", _never()),
    Part("short texts as keywords", KeywordRules, "match_short", _never()),
    Part("echoes of instructions", Echoes, "found", _never("")),
    Part("politeness, typos", KeywordVariants, "found", _never()),
    Part("typos of keywords", KeywordVariants, "_corrected", lambda *_: iter(())),
    Part("other spellings of keywords", KeywordVariants, "_spelt", lambda *_: iter(())),
    Part("the program's name", KeywordRules, "_with_name", _never()),
    Part("numbers and laughter beside keywords", KeywordRules, "_with_signs", _never()),
    Part("the keyword in capitals", KeywordRules, "match_capitals", _never()),
    Part("contradicting keywords", KeywordRules, "_contradicts", _never(False)),
    Part("repairs of ASCII texts", normalize, "_REPAIRS", ()),
    Part("repairs of other texts", normalize, "_RESTORED", ()),
    Part("pauses within denials", SentenceMatches, "_paused", _never(False)),
    Part("an if before denials", findings, "_conditional", _never(False)),
    Part("refusals around wishes", findings, "_undone", _never(False)),
    Part("denied keywords in sentences", findings, "_denied", _never(False)),
    Part("keywords in sentences", findings, "_keywords_alone", lambda *_: iter(())),
    Part("things that are not ours", SentenceMatches, "silent", property(_ours_only)),
    Part("lists of others", SentenceRules, "_owners_of_lists", _never(frozenset())),
    Part("review of long texts", arbiter, "_LONG_TEXT", 10**6),
    Part("wordings", sentence_rules, "strongest", _never()),
    Part("typos in sentences", SentenceRules, "match_corrected", _never()),
    Part("a keyword before a question", SentenceRules, "_before_a_question", _never()),
    Part("adverts", sentence_rules, "is_advert", _never(False)),
    Part("printed opt-ins", sentence_rules, "prints_opt_in", _never(False)),
    Part("the model where no wording knows", SentenceRules, "match_by_model", _never()),
    Part("the model's objections", arbiter, "_confirmed", lambda found, *_: found),
    Part("its dismissals", arbiter, "DISMISSES", -99.0),
    Part("its dismissals beside a doubt", arbiter, "_DISMISSES_DOUBTED", -99.0),
    Part("holding long texts", arbiter, "_LONG_FOR_MODEL", 10**6),
    Part("holding ambiguous short texts", arbiter, "_SHORT", 0),
    Part("reasons said aside", arbiter, "_aside", _never(False)),
    Part("doubts about wishes for texts", arbiter, "_needed", _never(-math.inf)),
    Part("early objections to English wordings", arbiter, "OBJECTS", arbiter._OBJECTS_LATE),
    Part("late objections to all others", arbiter, "_OBJECTS_LATE", arbiter.OBJECTS),
)


class Text(NamedTuple):
    """A text to classify."""

    kind: str
    """``out``, ``none``, or a language of chat."""
    text: str
    fold: int


def fold_classifiers(folder: Path) -> list[Classifier]:
    """A classifier with the weights of each fold."""
    sets, _ = load_sets(None, PROGRAM.keywords)
    tables = compiled(sets)
    weights = (
        msgspec.msgpack.decode((folder / f"{fold}.msgpack").read_bytes(), type=WeightsFile)
        for fold in range(FOLDS)
    )
    return [Classifier(PROGRAM, CompiledSets(tables, Models(one))) for one in weights]


def texts(chat: Path | None) -> Iterator[Text]:
    """All texts; of chat one in ``SAMPLED``."""
    for name in EXAMS:
        for one in labelled(name):
            if one.label in OUT or one.label == "none":
                yield Text("out" if one.label in OUT else "none", one.text, fold_of(one.text))
    for at, (name, one) in enumerate(read_chat(chat)):
        if at % SAMPLED == 0:
            yield Text(name.removeprefix(CHAT), one.text, fold_of(one.text))


class Spy:
    """Notes for which texts a part does something that what stands in its place would not do."""

    def __init__(self) -> None:
        self.at = 0
        """The text that is classified."""
        self.noted: set[int] = set()

    def on(self, part: Part) -> FunctionType:
        """The part's own function, watched."""
        original = getattr(part.owner, part.attribute)

        def watched(*arguments: object) -> object:
            found = original(*arguments)
            if isinstance(found, Iterator):
                found = list(found)
                acts = bool(found)
            else:
                acts = found != part.instead(*arguments)
            if acts or any(getattr(one, "quoted", False) for one in arguments):
                self.noted.add(self.at)
            return found

        return watched


def decisions(
    folds: Sequence[Classifier], all_texts: Sequence[Text], spies: Iterable[Spy]
) -> list[str]:
    """Whether each text is ``suppressed``, ``held`` or neither."""
    found = []
    for at, one in enumerate(all_texts):
        for spy in spies:
            spy.at = at
        intent = folds[one.fold].classify(one.text).intent
        found.append("suppressed" if intent.stops else "held" if intent is Intent.REVIEW else "")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folds", type=Path, help="folder of make train ARGS=--folds")
    parser.add_argument("--chat", type=Path, help="folder with en.jsonl and zh.jsonl")
    arguments = parser.parse_args()
    all_texts, folds = list(texts(arguments.chat)), fold_classifiers(arguments.folds)
    spies = {part: Spy() for part in PARTS if callable(part.instead)}
    with ExitStack() as stack:
        for part, spy in spies.items():
            stack.enter_context(patch.object(part.owner, part.attribute, spy.on(part)))
        whole = decisions(folds, all_texts, spies.values())
    totals = Counter((one.kind, what) for one, what in zip(all_texts, whole, strict=True))
    kinds = ("out", "none", "en", "zh")
    say(
        "more or fewer suppressed / held\n"
        "| without (texts concerned) | opt-outs | ordinary | English chat | Chinese |"
    )
    say("|---|---|---|---|---|")
    shown = (f"{totals[kind, 'suppressed']} / {totals[kind, 'held']}" for kind in kinds)
    say(f"| nothing | {' | '.join(shown)} |")
    for part in PARTS:
        concerned = sorted(spies[part].noted) if part in spies else range(len(all_texts))
        with patch.object(part.owner, part.attribute, part.instead):
            without = decisions(folds, [all_texts[at] for at in concerned], ())
        change: Counter[tuple[str, str]] = Counter()
        for at, what in zip(concerned, without, strict=True):
            change[all_texts[at].kind, what] += 1
            change[all_texts[at].kind, whole[at]] -= 1
        cells = (f"{change[kind, 'suppressed']:+} / {change[kind, 'held']:+}" for kind in kinds)
        say(f"| {part.name} ({len(concerned)}) | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
