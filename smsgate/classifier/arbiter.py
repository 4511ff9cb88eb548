"""From what the wordings say to what is done: the findings first, then the model's opinion.

A wording that stands in a text counts unless the model takes the text for something else. A text
that no wording knows is the model's alone: it suppresses and holds by one pair of thresholds for
each kind of program, which the weights file brings along (see ``docs/accuracy.md``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from smsgate.classifier.features import passage_of
from smsgate.classifier.findings import TAKES_OUT, IntentFinding, TextFindings, together
from smsgate.classifier.model import Models
from smsgate.classifier.weights import Thresholds
from smsgate.domain.messages import Intent

_ORDER = (Intent.OPT_OUT_ALL, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.REVIEW)
_LONG_TEXT = 40
"""Words from which an opt-out somewhere in a text waits for a person, or for the model's word."""
_LONG_FOR_MODEL = 20
"""Words beyond which a text that only the model condemns waits for a person."""
_SHORT = 4
"""Words up to which a text that only the model condemns waits for a person unless it is sure."""
_SURE = 3.0
"""Log odds (a probability of 95 %) from which a text is not ambiguous."""
_SURE_WISH = 4.0
"""Log odds from which a wish to be texted is one though it denies or asks something."""
OBJECTS = -0.5
"""Log odds up to which a person looks at what a wording takes for an opt-out."""
_DENIES = -1.5
"""The same for a keyword that stands alone between two pauses."""
DISMISSES = -3.0
"""Log odds up to which what a wording says is taken for something else."""
_COMPLAINTS, _DOUBTS = frozenset({"law", "threat", "who"}), frozenset({"negation", "question"})
"""Concepts beside which a wish to be texted is, or may be, a complaint about being texted."""
_LEAVING = frozenset({"away", "cease", "nomore", "refuse", "remove", "unsubscribe"})
"""Concepts of which a question how to leave speaks."""
_MODEL = "second_reader"
"""The rule in events and exports for what the model decided."""

HOW_TO_LEAVE = "how_to_leave"
"""The rule for questions how to leave: an opt-out where the model is sure, else a review."""

Found = tuple[Intent, str]
"""An intent, and the rule that it comes from."""


class Opinion(NamedTuple):
    """What comes of a text's findings."""

    intent: Intent
    rule: str
    language: str = ""
    """Of the text, as far as its words tell."""
    score: float | None = None
    """Log odds by the model of the intent, else of an opt-out, where the model decided."""
    reasons: str = ""


class ModelScores(NamedTuple):
    """What the model thinks of a text, in log odds."""

    stop: float
    asks: float = -99.0
    starts: float = -99.0


class Circumstances(NamedTuple):
    """What else counts when findings and model are weighed."""

    words: int
    """How many the text has."""
    denied: bool = False
    """Whether it holds a wording that takes others out of play: ``don't stop``."""
    wish_needs: float = -math.inf
    """Log odds that a wish to be texted needs: more where it may be a complaint about that."""


def strongest(what: TextFindings) -> IntentFinding | None:
    """The finding that counts most, in the language that explains most of the text."""
    for intent in _ORDER:
        found = [finding for finding in what.findings if finding.intent is intent]
        if found:
            return max(found, key=lambda finding: what.weight[finding.language])
    return None


def settle_finding(finding: IntentFinding, what: TextFindings, words: int) -> Found:
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


def takes_out(what: TextFindings) -> bool:
    """Whether a text holds a wording that takes others out of play."""
    return any(
        match.pattern.means in TAKES_OUT for one in what.sentence_matches for match in one.silent
    )


def weigh(found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances) -> Found:
    """What the wordings say, or what the model makes of it.

    Args:
        found: what the wordings say; NONE where they know nothing.
        scores: the model's.
        limits: from which it acts and holds alone.
        about: the text.
    """
    after = _weighed(found, scores, limits, about)
    typed = found[1] == "keyword_in_sentence"
    if after[0] is Intent.OPT_IN and scores.starts < about.wish_needs and not typed:
        return Intent.REVIEW, "second_reader_doubts"
    return after


def _weighed(found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances) -> Found:
    intent, rule = found
    if intent.stops:
        return _confirmed(found, scores, limits)
    if intent in (Intent.HELP, Intent.OPT_IN):
        return _answered(found, scores, limits)
    if rule == "doubt":
        return found
    if rule == "stop_and_start":
        return _resolved(found, scores, limits)
    if rule == "long_text":
        return (Intent.OPT_OUT, _MODEL) if scores.stop >= limits.hold else found
    return _left_open(found, scores, limits, about)


def _waits(score: float, about: Circumstances) -> bool:
    """Whether a person looks at what only the model condemns: long texts, ambiguous ones."""
    ambiguous = about.words <= _SHORT or about.denied
    return about.words > _LONG_FOR_MODEL or (ambiguous and score < _SURE)


def _answered(found: Found, scores: ModelScores, limits: Thresholds) -> Found:
    """A question or a wish to be texted, unless it reads like something else."""
    if found[0] is Intent.HELP and scores.stop >= limits.suppress:
        return Intent.OPT_OUT, HOW_TO_LEAVE
    if max(scores) <= DISMISSES:
        return Intent.NONE, "second_reader_dismisses"
    if found[0] is Intent.OPT_IN and scores.starts < max(OBJECTS, scores.stop):
        return Intent.REVIEW, "second_reader_doubts"
    return found


def _resolved(found: Found, scores: ModelScores, limits: Thresholds) -> Found:
    """What a text wants that says both stop and start."""
    if scores.starts >= limits.opt_in and scores.starts > scores.stop:
        return Intent.OPT_IN, _MODEL
    stops = scores.starts <= DISMISSES and scores.stop >= limits.suppress
    return (Intent.OPT_OUT, _MODEL) if stops else found


def _left_open(
    found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances
) -> Found:
    """What no wording knows, or what a wording gives to a person."""
    unknown = found[0] is Intent.NONE
    if scores.stop >= limits.suppress:
        if not _waits(scores.stop, about):
            return Intent.OPT_OUT, _MODEL
        return (Intent.REVIEW, _MODEL) if unknown else found
    if scores.starts >= limits.opt_in and scores.starts > scores.stop:
        return Intent.OPT_IN, _MODEL
    if scores.asks >= limits.help and scores.asks > scores.stop:
        return Intent.HELP, _MODEL
    if unknown:
        held = scores.stop >= limits.hold and not about.denied
        return (Intent.REVIEW, _MODEL) if held else found
    return (Intent.NONE, "second_reader_dismisses") if scores.stop <= DISMISSES else found


def _confirmed(found: Found, scores: ModelScores, limits: Thresholds) -> Found:
    """An opt-out by a wording, unless the model takes the text for something else."""
    bare = found[1] == "keyword_in_sentence"
    if scores.stop > (_DENIES if bare else OBJECTS):
        return found
    if scores.asks >= limits.help:
        return Intent.HELP, _MODEL
    if scores.stop <= DISMISSES and not bare:
        return Intent.NONE, "second_reader_dismisses"
    return Intent.REVIEW, "second_reader_doubts"


class Arbiter:
    """Weighs findings against the model, for programs of one kind."""

    def __init__(self, models: Models, kind: str, *, as_shipped: bool) -> None:
        """Take the models, and the kind of program (``marketing`` or ``service``).

        ``as_shipped``: whether all wordings are ours; the model never dismisses an operator's own.
        """
        self._models = models
        self._limits = models.thresholds[kind]
        self._as_shipped = as_shipped

    def arbitrate(self, what: TextFindings, found: Found) -> Opinion:
        """What comes of a text, given what its wordings say."""
        shown = passage_of([one.sentence for one in what.sentence_matches], self._models.concepts)
        scores = ModelScores(self._models.opt_out.score(shown))
        if scores.stop <= OBJECTS or not found[0].stops:
            asks, starts = self._models.help.score(shown), self._models.opt_in.score(shown)
            scores = ModelScores(scores.stop, asks, starts)
        concepts = {name for names in shown.concepts for name in names}
        about = Circumstances(len(shown.words), takes_out(what), _needed(concepts))
        intent, rule = self._kept(found, weigh(found, scores, self._limits, about))
        if intent is Intent.HELP and _asks_how_to_leave(concepts):
            intent = Intent.OPT_OUT if scores.stop >= 0 else Intent.REVIEW
            rule = HOW_TO_LEAVE
        if intent is Intent.OPT_OUT and self._models.opt_out_all.score(shown) >= 0:
            intent = Intent.OPT_OUT_ALL
        if rule in (found[1], HOW_TO_LEAVE):
            return Opinion(intent, rule, shown.language)
        model, score = {
            Intent.HELP: (self._models.help, scores.asks),
            Intent.OPT_IN: (self._models.opt_in, scores.starts),
        }.get(intent, (self._models.opt_out, scores.stop))
        return Opinion(intent, rule, shown.language, round(score, 3), model.reasons(shown))

    def _kept(self, found: Found, after: Found) -> Found:
        """What comes of it where a keyword, or wordings of the operator's own, are dismissed."""
        if after[0] is not Intent.NONE or found[0] in (Intent.NONE, Intent.REVIEW):
            return after
        if self._as_shipped:
            return after
        return (Intent.REVIEW, "second_reader_doubts") if found[0].stops else found


def _needed(concepts: set[str]) -> float:
    """Log odds that a wish to be texted needs in a text about these concepts."""
    if concepts & _COMPLAINTS:
        return math.inf
    return _SURE_WISH if concepts & _DOUBTS else -math.inf


def _asks_how_to_leave(concepts: set[str]) -> bool:
    """Whether a question for help shows the wish to leave: ``how do I get off this list``."""
    if concepts & _LEAVING or ("how" in concepts and concepts & {"list", "reminder"}):
        return True
    return {"how", "negation"} <= concepts and bool(concepts & {"contact", "message"})
