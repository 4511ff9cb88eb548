"""From what the rules found to what is done: the rules first, then the model's opinion.

The model never suppresses alone. It turns a ``none`` or a ``review`` into an opt-out only where a
rule supports it (a weak wording, see ``docs/keywords.md``), may ask for a person where the rules
found nothing, and where it takes a wording of a rule for something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from smsgate.classifier.concepts import HINTS, NEGATION, WELCOMES
from smsgate.classifier.features import ModelInput, Passage, passages
from smsgate.classifier.findings import (
    TAKES_OUT,
    IntentFinding,
    SentenceMatches,
    TextFindings,
    together,
)
from smsgate.classifier.model import concepts, intent_model
from smsgate.classifier.normalize import folded
from smsgate.classifier.patterns import (
    CONCEPT,
    NOTHING,
    ONE_CLASS,
    ROW,
    TWO_CLASSES,
    Match,
    Support,
    overlap,
)
from smsgate.classifier.phrases import Phrases
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.domain.messages import Intent

_CONTRARY = frozenset({NEGATION, "question"})
_ASKING_WHO, _ASKING = 6.0, 2.5
"""Log odds that a wish to be texted needs beside a ``who``, and beside a ``why`` or a ``not``."""
_NAMES_A_REQUEST = frozenset({"unsubscribe"})
"""The concepts of which one alone is a hint: ``number`` or ``wrong`` stand in any talk."""


def support(what: TextFindings, phrases: Phrases, shown: ModelInput) -> Support:
    """What allows the model to act: a weak wording, else a hint that nothing undoes."""
    free: set[int] = set()
    meant: set[str] = set()
    for one, there in zip(shown.sentence_matches, shown.meant, strict=True):
        taken = [m for m in one.silent if m.pattern.means in ("none", "never")]
        rows = (match for sentence_matches, match in what.weak if sentence_matches is one)
        for match in rows:
            if not any(overlap((match.start, match.end), other) for other in taken):
                return Support(ROW, match.pattern.written, match.pattern.language)
        meant |= _meant(there, taken)
        free |= _free(one, taken)
    by = phrases.support(free)
    strength = _strength(meant)
    if strength <= by.strength:
        return by
    written = " ".join(f"@{name}" for name in sorted(meant))
    return Support(strength, written, shown.language)


def _strength(meant: set[str]) -> int:
    """How strongly the concepts of a text support an opt-out."""
    if len(meant) > 1:
        return TWO_CLASSES
    if meant:
        return CONCEPT if meant.isdisjoint(_NAMES_A_REQUEST) else ONE_CLASS
    return NOTHING.strength


def _free(one: SentenceMatches, taken: list[Match]) -> set[int]:
    """The symbols of a sentence that nothing takes out of play."""
    if not taken:
        return set(one.symbol_spans)
    return {
        symbol
        for symbol, spans in one.symbol_spans.items()
        if any(not any(overlap(span, match) for match in taken) for span in spans)
    }


def _meant(there: Iterable[tuple[int, list[str]]], taken: list[Match]) -> set[str]:
    """The hints of a sentence that nothing takes out of play."""
    return {
        name
        for at, names in there
        if not any(overlap((at, at + 1), match) for match in taken)
        for name in names
        if name in HINTS
    }


def undone(what: TextFindings) -> bool:
    """Whether a text holds a wording that takes others out of play."""
    return any(
        match.pattern.means in TAKES_OUT for one in what.sentence_matches for match in one.silent
    )


def complains(shown: ModelInput) -> float:
    """How sure a wish to be texted must be where a text asks who or why, or denies something.

    ``Who put me back on this list`` and ``I won't opt back in`` have the words of such a wish.
    """
    meant = {name for there in shown.meant for _, names in there for name in names}
    return _ASKING_WHO if "who" in meant else _ASKING if meant & _CONTRARY else -math.inf


def welcomes(shown: ModelInput) -> bool:
    """Whether a text speaks of starting or of signing up."""
    return any(not WELCOMES.isdisjoint(names) for there in shown.meant for _, names in there)


_ORDER = (Intent.OPT_OUT_ALL, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.REVIEW)
_LONG_TEXT = 40
"""Words from which an opt-out somewhere in a text wants the model's word for it."""
PART = 3.0
"""How much surer the model must be of a part of a long text than of a whole one."""
SHORT, EACH_WORD = 12, 0.1
"""Words from which each one more asks for surer symbols: in a long text something always fits."""
ACTS = (99.0, 99.0, 3.5, 2.5, 1.0)
"""Log odds from which nothing, one concept, a hint, two hints or a weak wording is taken for an
opt-out: nothing and one concept never are."""
HOLDS = (3.5, 1.0, 1.0, 0.0, -1.0)
"""Log odds from which a text that no rule knows waits for a person, by the same support."""
PRIVATE, HELD_PRIVATE = -3.0, -5.5
"""Log odds of private talk from which each one more asks for one more of an opt-out: so that it
is acted on, and so that a person is asked."""
ASKED_PRIVATE = -4.0
"""The same for a question for help that no rule knows: friends ask each other how they are."""
CONFIRMS = 0.0
"""Log odds from which an opt-out in a long text is taken for one."""
INSTEAD = 4.0
"""Log odds from which what is worded like a question is a request to stop."""
WISHED = -1.0
"""Log odds of a wish to be texted that its wording needs: else a complaint about being texted again
would be taken for one, and a person looks at it."""
UNASKED, UNWISHED = -4.0, -6.0
"""Log odds of all that it may be, up to which it is no question, and no wish to be texted."""
SETTLES = 5.0
"""Log odds from which what seems to be a condition, or a wish to start as well, is none."""
UNSTARTED = -4.0
"""Log odds of a wish to be texted, beyond which a text that stops as well waits for a person."""
AGREES = 0.0
"""Log odds that a text needs where words were taken for typos; else a person looks at it."""
OBJECTS = -1.0
"""Log odds up to which a person looks at what a wording takes for an opt-out."""
REFUTES = -3.0
"""Log odds up to which what a wording takes for an opt-out is taken for something else."""
DENIES = -4.0
"""The same for a keyword that stands alone between two pauses: a person looks at it then."""
DISMISSES = -4.0
"""Log odds up to which a wording that asks for a person is taken for something else."""
STARTS = 1.0
"""Log odds from which a text that speaks of starting is taken for a wish to be texted again."""
EVERYTHING = 1.0
"""Log odds from which an opt-out is one from all that we send."""
HELPS = 0.4
"""Log odds from which a text is taken for a question how to stop, or who this is."""


def strongest(what: TextFindings) -> IntentFinding | None:
    """The finding that counts most, in the language that explains most of the text."""
    for intent in _ORDER:
        found = [finding for finding in what.findings if finding.intent is intent]
        if found:
            return max(found, key=lambda finding: what.weight[finding.language])
    return None


def settled(finding: IntentFinding, what: TextFindings, words: int) -> tuple[Intent, str]:
    """A finding, or a review where something in a text of so many words speaks against acting."""
    if not finding.intent.stops:
        held = finding.intent is Intent.REVIEW and finding.doubted
        return finding.intent, "condition" if held else finding.rule
    if finding.doubted:
        return Intent.REVIEW, "doubt"
    if finding.bare and finding.asked:
        return Intent.REVIEW, "keyword_as_question"
    if finding.bare and what.laughs:
        return Intent.REVIEW, "keyword_with_laughter"
    if words > _LONG_TEXT:
        return Intent.REVIEW, "long_text"
    starts = [other.language for other in what.findings if other.intent is Intent.OPT_IN]
    if together(finding.language, starts):
        return Intent.REVIEW, "stop_and_start"
    if finding.intent is Intent.OPT_OUT and together(finding.language, what.everything):
        return Intent.OPT_OUT_ALL, finding.rule
    return finding.intent, finding.rule


class ModelScores(NamedTuple):
    """What the model thinks, in log odds."""

    stop: float
    asks: float
    starts: float = -99.0
    """How much it is like a wish to be texted again."""
    holds: float = -99.0
    """How much it is like an opt-out, where a person is to be asked."""
    wished: float = -99.0
    """How much it must be like a wish to be texted, where it may be a complaint about that."""


def weighed(
    intent: Intent, rule: str, scores: ModelScores, support: int, *, corrected: bool = False
) -> tuple[Intent, str]:
    """What the rules found, and what the model makes of it.

    Args:
        intent: what the rules say; NONE where they know nothing.
        rule: by which rule.
        scores: how much it is like an opt-out, and like a question for help.
        support: how strong the rules support an opt-out (see ``Support``).
        corrected: whether words of the text were taken for typos.
    """
    score = scores.stop
    if intent.stops:
        return _doubted(scores) if score <= _objects(rule, corrected=corrected) else (intent, rule)
    starts = scores.starts >= STARTS and scores.starts > score
    if intent in (Intent.HELP, Intent.OPT_IN):
        return _answered(intent, rule, scores, support)
    if rule in ("stop_and_start", "long_text", "doubt"):
        return _resolved(intent, rule, scores, starts=starts)
    return _understood(intent, rule, scores, support, starts=starts)


def _objects(rule: str, *, corrected: bool) -> float:
    """Log odds up to which the model objects to an opt-out; to a keyword last."""
    if rule == "keyword_in_sentence":
        return DENIES
    return AGREES if corrected else OBJECTS


def _understood(
    intent: Intent, rule: str, scores: ModelScores, support: int, *, starts: bool
) -> tuple[Intent, str]:
    """What a text is taken for that no rule knows, or that a rule gives to a person."""
    score = scores.stop
    if score >= ACTS[support]:
        return Intent.OPT_OUT, "second_reader"
    if scores.asks >= HELPS and scores.asks > score:
        return Intent.HELP, "second_reader"
    if starts:
        sure = scores.starts >= scores.wished
        return (Intent.OPT_IN, "second_reader") if sure else (Intent.REVIEW, "second_reader_doubts")
    if intent is Intent.NONE and scores.holds >= HOLDS[support]:
        return Intent.REVIEW, "second_reader"
    if intent is Intent.REVIEW and score <= DISMISSES:
        return Intent.NONE, "second_reader_dismisses"
    return intent, rule


def _answered(intent: Intent, rule: str, scores: ModelScores, support: int) -> tuple[Intent, str]:
    """A question or a wish to be texted, unless it reads like something quite different."""
    if rule != "phrase":
        return intent, rule
    most = max(scores.stop, scores.asks, scores.starts)
    if support and most == scores.stop >= INSTEAD:
        return Intent.OPT_OUT, "second_reader"
    if most <= {Intent.HELP: UNASKED, Intent.OPT_IN: UNWISHED}[intent]:
        return Intent.NONE, "second_reader_dismisses"
    if intent is Intent.OPT_IN and scores.starts < max(WISHED, scores.stop, scores.wished):
        return Intent.REVIEW, "second_reader_doubts"
    return intent, rule


def _resolved(
    intent: Intent, rule: str, scores: ModelScores, *, starts: bool
) -> tuple[Intent, str]:
    """What the rules left open: a text says both, or much else, or seems to make conditions."""
    if rule == "stop_and_start" and starts:
        return Intent.OPT_IN, "second_reader"
    if rule == "stop_and_start" and scores.starts > UNSTARTED:
        return intent, rule
    if scores.stop >= (CONFIRMS if rule == "long_text" else SETTLES):
        return Intent.OPT_OUT, "second_reader"
    return intent, rule


def _doubted(scores: ModelScores) -> tuple[Intent, str]:
    if scores.asks >= HELPS:
        return Intent.HELP, "second_reader"
    if scores.stop <= REFUTES:
        return Intent.NONE, "second_reader_dismisses"
    return Intent.REVIEW, "second_reader_doubts"


_EVERYBODYS = "en"
_SURELY_STARTS = 2.0
"""Log odds from which it is such a wish though it does not speak of starting."""
_LONGEST_WITH_HINTS = 80
"""Words beyond which mere hints, which stand anywhere in a text, support nothing."""
Found = tuple[Intent, str]
"""An intent, and the rule that it comes from."""


class Arbiter:
    """Weighs what the rules found against what the model thinks."""

    def __init__(self, phrases: Phrases, *, as_shipped: bool) -> None:
        self._as_shipped = as_shipped
        self._phrases = phrases
        self._concepts = concepts()
        self._stops = intent_model("opt_out")
        self._asks = intent_model("help")
        self._starts = intent_model("opt_in")
        self._everything = intent_model("opt_out_all")
        self._private = intent_model("private")

    def refuses(self, words: list[str], language: str) -> bool:
        """Whether a word says no: nobody consents by ``no start``.

        Args:
            words: of the text.
            language: of its keyword; words no to English ones are understood in any.
        """
        among = () if language in (_EVERYBODYS, ANY_LANGUAGE) else (_EVERYBODYS, language)
        return any(self._concepts.means(word, NEGATION, among) for word in folded(words))

    def arbitrate(
        self, what: TextFindings, found: Found, *, corrected: bool
    ) -> tuple[Found, Support, str, float | None]:
        """What comes of a finding, by which weak wording, and reasons and score where it changes.

        The score is in log odds: of the model that knows the new intent, else of an opt-out.
        """
        shown = passages(what.sentence_matches, self._concepts)
        after, by, reasons, score = self._weighed(what, found, shown, corrected=corrected)
        if after[0] is Intent.OPT_OUT and self._everything.score(shown.passages[0]) >= EVERYTHING:
            after = Intent.OPT_OUT_ALL, after[1]
        return after, by, reasons, score

    def _weighed(
        self, what: TextFindings, found: Found, shown: ModelInput, *, corrected: bool
    ) -> tuple[Found, Support, str, float | None]:
        whole = shown.passages[0]
        score, likest = self._likest(shown.passages)
        if found[0].stops and not corrected and score > OBJECTS:
            return found, NOTHING, "", None
        scores = self._scores(score, whole, found, shown)
        if weighed(*found, scores, ROW, corrected=corrected) == found:
            # no weaker support would change it either
            return found, NOTHING, "", None
        by = support(what, self._phrases, shown)
        if by.strength < ROW and len(whole.words) > _LONGEST_WITH_HINTS:
            by = NOTHING
        after = self._kept(found, weighed(*found, scores, by.strength, corrected=corrected))
        if after == found:
            return found, by, "", None
        by_whole = {Intent.HELP: self._asks, Intent.OPT_IN: self._starts}.get(after[0])
        reasons = by_whole.reasons(whole) if by_whole else self._stops.reasons(likest)
        decided = {Intent.HELP: scores.asks, Intent.OPT_IN: scores.starts}.get(
            after[0], scores.stop
        )
        return after, by, reasons, round(decided, 3)

    def _kept(self, found: Found, after: Found) -> Found:
        """What comes of it where a keyword, or wordings of the operator's own, are dismissed."""
        if after[0] is not Intent.NONE or found[0] in (Intent.NONE, Intent.REVIEW):
            return after
        if found[0].stops and (found[1] == "keyword_in_sentence" or not self._as_shipped):
            return Intent.REVIEW, "second_reader_doubts"
        return after if self._as_shipped else found

    def _welcome(self, found: Found, shown: ModelInput) -> float:
        """How much it is like a wish to be texted again, where it speaks of starting or is sure."""
        score = self._starts.score(shown.passages[0])
        if found[0] is Intent.OPT_IN or found[1] == "stop_and_start":
            return score
        return score if score >= (STARTS if welcomes(shown) else _SURELY_STARTS) else -99.0

    def _scores(self, score: float, whole: Passage, found: Found, shown: ModelInput) -> ModelScores:
        """How much it is like what: surer where it sounds like talk among people we do not know."""
        asks, starts, wished = (
            self._asks.score(whole),
            self._welcome(found, shown),
            complains(shown),
        )
        if found[0].stops or (score < min(HOLDS) and asks < HELPS):
            return ModelScores(score, asks, starts, wished=wished)
        private = self._private.score(whole)
        if found[0] is not Intent.HELP:
            asks -= max(0.0, private - ASKED_PRIVATE)
        if score < min(HOLDS):
            return ModelScores(score, asks, starts, wished=wished)
        held = score - max(0.0, private - HELD_PRIVATE)
        return ModelScores(score - max(0.0, private - PRIVATE), asks, starts, held, wished)

    def _likest(self, shown: list[Passage]) -> tuple[float, Passage]:
        """The passage that is most like an opt-out, and how much."""
        scores = [self._stops.score(one) - (PART if at else 0) for at, one in enumerate(shown)]
        most = max(scores)
        length = len(shown[0].words)
        return most - EACH_WORD * max(0, length - SHORT), shown[scores.index(most)]
