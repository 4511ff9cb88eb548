"""From what the wordings say to what is done: the findings first, then the model's opinion.

A wording that stands in a text counts unless the model takes the text for something else. A text
that no wording knows is the model's alone: it suppresses and holds by one pair of thresholds for
each kind of program, which the weights file brings along (see ``docs/accuracy.md``).
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from smsgate.classifier.features import passage_of
from smsgate.classifier.findings import (
    TAKES_OUT,
    IntentFinding,
    SentenceMatches,
    TextFindings,
    together,
)
from smsgate.classifier.model import Models
from smsgate.classifier.phrases import Match, Phrases, overlap
from smsgate.classifier.text import chunks, count_words
from smsgate.classifier.weights import Thresholds
from smsgate.domain.messages import HOW_TO_LEAVE, Intent

_ORDER = (Intent.OPT_OUT_ALL, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.REVIEW)
_LONG_TEXT = 40
"""Words from which an opt-out somewhere in a text waits for a person, or for the model's word."""
_LONG_FOR_MODEL = 20
"""Words beyond which a text that only the model condemns waits for a person."""
_SHORT = 6
"""Words up to which a text that only the model condemns waits for a person unless it is sure."""
_SURE = 4.0
"""Log odds (a probability of 98 %) from which a text is not ambiguous."""
_SURE_WISH = 4.0
"""Log odds from which a wish to be texted is one though it denies or asks something."""
OBJECTS = 0.0
"""Log odds up to which a person looks at what a wording takes for an opt-out."""
_OBJECTS_LATE = -1.5
"""The same for a keyword that stands alone between two pauses, and for wordings in other languages
than English: the model has seen less of them, and may have no more against a wording than that it
does not know the words."""
_ASKS_HOW, _SURELY_ASKS_HOW = -1.0, 2.0
"""Log odds from which a question asks how to leave and is not the request itself, and the same
where a wording takes it for the request."""
_NEAR_A_WISH = -1.0
"""Log odds of an opt-out from which a text that says nothing else may ask how to leave."""
_DOUBTS_WISH = -0.5
"""Log odds below which a person looks at what a wording takes for a wish to be texted."""
DISMISSES = -3.0
"""Log odds up to which what a wording says is taken for something else."""
_DISMISSES_DOUBTED, _DISMISSES_WELCOMED = -2.0, 0.0
"""The same where a wording beside it speaks against an opt-out, too, and where one says that texts
are welcome."""
_COMPLAINTS, _DOUBTS = frozenset({"law", "threat", "who"}), frozenset({"negation", "question"})
"""Concepts beside which a wish to be texted is, or may be, a complaint about being texted."""
_BEST_KNOWN = "en"
"""The language that most of the labelled texts are in."""
BY_MODEL = "second_reader"
"""The rule in events and exports for what the model decided."""

_DELETES = re.compile(r"\b(?:last)?remove\b")
"""The classes of wordings that ask to be taken off a list."""
_WELCOME = re.compile(r"\b(?:suffice|plenty|welcome)\b")
"""The classes of what is said of texts that may come."""
_ABOUT_TEXTS = (
    "contact", "dont", "dontlast", "forbid", "get", "lastremove", "laststop", "msg", "nomore",
    "remove", "send", "stop", "toomany", "unsub", "wantnot",
)  # fmt: skip
"""Classes of words for texts, and for stopping them."""

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
    asks_how: float = -99.0
    """That it asks how to leave, and does not tell us to let it go."""


class Circumstances(NamedTuple):
    """What else counts when findings and model are weighed."""

    words: int
    """How many the text has."""
    objects: float = OBJECTS
    """Log odds up to which the model objects to an opt-out by a wording."""
    denied: bool = False
    """Whether it holds a wording that takes others out of play: ``don't stop``."""
    doubted: bool = False
    """Whether it holds a wording beside which a person decides: at night, the paper catalogue."""
    aside: bool = False
    """Whether what is doubted may be said aside: ``up all night again, delete my number``."""
    welcomed: bool = False
    """Whether it says that texts may go on: only the paper catalogue is to stop."""
    untrained: bool = False
    """Whether the model has not been trained on this language: alone it holds, and no more."""
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
    if _asks_how_to_leave(after, scores):
        return Intent.REVIEW, HOW_TO_LEAVE
    typed = found[1] == "keyword_in_sentence"
    if after[0] is Intent.OPT_IN and scores.starts < about.wish_needs and not typed:
        return Intent.REVIEW, "second_reader_doubts"
    return after


def _asks_how_to_leave(after: Found, scores: ModelScores) -> bool:
    """Whether what would come of a text is a question how to leave instead."""
    intent, rule = after
    if rule == "phrase" and intent.stops:
        return scores.asks_how >= _SURELY_ASKS_HOW
    if intent is Intent.NONE:
        return rule == "nothing_known" and scores.asks_how >= 0 and scores.stop >= _NEAR_A_WISH
    is_wish = rule == BY_MODEL and intent is not Intent.OPT_IN
    return (is_wish or intent is Intent.HELP) and scores.asks_how >= _ASKS_HOW


def _weighed(found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances) -> Found:
    intent, rule = found
    if intent.stops:
        return _confirmed(found, scores, limits, about)
    if intent in (Intent.HELP, Intent.OPT_IN):
        return _answered(found, scores, limits, about)
    if rule == "doubt":
        limit = _DISMISSES_WELCOMED if about.welcomed else _DISMISSES_DOUBTED
        if scores.stop <= limit and not about.untrained:
            return Intent.NONE, "second_reader_dismisses"
        settled = about.aside and about.words <= _LONG_FOR_MODEL and scores.stop >= _SURE
        return (Intent.OPT_OUT, BY_MODEL) if settled else found
    if rule == "stop_and_start":
        return _resolved(found, scores, limits)
    if rule == "long_text":
        return (Intent.OPT_OUT, BY_MODEL) if scores.stop >= limits.hold else found
    return _left_open(found, scores, limits, about)


def _waits(score: float, about: Circumstances) -> bool:
    """Whether a person looks at what only the model condemns.

    Long texts, ambiguous ones, and those in a language that it was not trained on.
    """
    if about.untrained or about.words > _LONG_FOR_MODEL or (about.doubted and not about.aside):
        return True
    return score < _SURE and (about.words <= _SHORT or about.denied or about.doubted)


def _answered(found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances) -> Found:
    """A question or a wish to be texted, unless it reads like something else."""
    if found[0] is Intent.HELP and scores.stop >= limits.suppress:
        return (Intent.REVIEW if _waits(scores.stop, about) else Intent.OPT_OUT), BY_MODEL
    if max(scores.stop, scores.asks, scores.starts) <= DISMISSES:
        return Intent.NONE, "second_reader_dismisses"
    if found[0] is Intent.OPT_IN and scores.starts < max(_DOUBTS_WISH, scores.stop):
        return Intent.REVIEW, "second_reader_doubts"
    return found


def _resolved(found: Found, scores: ModelScores, limits: Thresholds) -> Found:
    """What a text wants that says both stop and start."""
    if scores.starts >= limits.opt_in and scores.starts > scores.stop:
        return Intent.OPT_IN, BY_MODEL
    stops = scores.starts <= DISMISSES and scores.stop >= limits.suppress
    surely = scores.starts < 0 and scores.stop >= _SURE
    return (Intent.OPT_OUT, BY_MODEL) if stops or surely else found


def _left_open(
    found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances
) -> Found:
    """What no wording knows, or what a wording gives to a person."""
    unknown = found[0] is Intent.NONE
    if scores.stop >= limits.suppress:
        if not _waits(scores.stop, about):
            return Intent.OPT_OUT, BY_MODEL
        return (Intent.REVIEW, BY_MODEL) if unknown else found
    alone = not about.untrained
    if alone and scores.starts >= limits.opt_in and scores.starts > scores.stop:
        return Intent.OPT_IN, BY_MODEL
    if alone and scores.asks >= limits.help and scores.asks > scores.stop:
        return Intent.HELP, BY_MODEL
    if unknown:
        held = scores.stop >= limits.hold and not about.denied
        return (Intent.REVIEW, BY_MODEL) if held else found
    return (Intent.NONE, "second_reader_dismisses") if scores.stop <= DISMISSES else found


def _confirmed(
    found: Found, scores: ModelScores, limits: Thresholds, about: Circumstances
) -> Found:
    """An opt-out by a wording, unless the model takes the text for something else."""
    bare = found[1] == "keyword_in_sentence"
    if scores.stop > (_OBJECTS_LATE if bare else about.objects):
        return found
    if about.untrained:
        return Intent.REVIEW, "second_reader_doubts"
    if scores.asks >= limits.help:
        return Intent.HELP, BY_MODEL
    if scores.stop <= DISMISSES and not bare:
        return Intent.NONE, "second_reader_dismisses"
    return Intent.REVIEW, "second_reader_doubts"


class Arbiter:
    """Weighs findings against the model, for programs of one kind."""

    def __init__(self, models: Models, phrases: Phrases, kind: str, *, as_shipped: bool) -> None:
        """Take the models, the wordings, and the kind of program (``marketing`` or ``service``).

        ``as_shipped``: whether all wordings are ours; the model never dismisses an operator's own.
        """
        self._models = models
        self._phrases = phrases
        self._limits = models.thresholds[kind]
        self._as_shipped = as_shipped

    def arbitrate(self, what: TextFindings, found: Found, *, named: bool = False) -> Opinion:
        """What comes of a text, given what its wordings say.

        ``named``: whether it names the program, which the model takes for any other firm.
        """
        models = self._models
        shown = passage_of([one.sentence for one in what.sentence_matches], models.concepts)
        scores = ModelScores(models.opt_out.score(shown))
        if scores.stop <= OBJECTS or not found[0].stops:
            asks, starts = models.help.score(shown), models.opt_in.score(shown)
            scores = ModelScores(scores.stop, asks, starts)
        if max(scores.stop, scores.asks) >= _NEAR_A_WISH or found[0] is Intent.HELP:
            scores = scores._replace(asks_how=models.how_to_leave.score(shown))
        concepts = {name for names in shown.concepts for name in names}
        early = shown.language == _BEST_KNOWN and not named
        objects = OBJECTS if early else _OBJECTS_LATE
        # most texts say nothing and are like no opt-out: what speaks against one cannot count
        matters = found[0] is not Intent.NONE or scores.stop >= self._limits.hold
        words, doubts = count_words(shown.words), _doubts(what) if matters else []
        about = Circumstances(
            words,
            objects,
            denied=matters and takes_out(what),
            doubted=bool(doubts),
            aside=_aside(doubts, what, self._phrases, words),
            welcomed=_welcomed(doubts),
            untrained=shown.language in models.untrained,
            wish_needs=_needed(concepts),
        )
        intent, rule = self._kept(found, weigh(found, scores, self._limits, about))
        if intent is Intent.OPT_OUT and models.opt_out_all.score(shown) >= 0:
            intent = Intent.OPT_OUT_ALL
        if rule in (found[1], HOW_TO_LEAVE):
            return Opinion(intent, rule, shown.language)
        model, score = {
            Intent.HELP: (models.help, scores.asks),
            Intent.OPT_IN: (models.opt_in, scores.starts),
        }.get(intent, (models.opt_out, scores.stop))
        return Opinion(intent, rule, shown.language, round(score, 3), model.reasons(shown))

    def _kept(self, found: Found, after: Found) -> Found:
        """What comes of it where a keyword, or wordings of the operator's own, are dismissed."""
        if after[0] is not Intent.NONE or found[0] is Intent.NONE or self._as_shipped:
            return after
        return (Intent.REVIEW, "second_reader_doubts") if found[0].stops else found


Doubts = list[tuple[Match, SentenceMatches]]
"""Wordings beside which a person decides, each with the sentence that it stands in."""


def _doubts(what: TextFindings) -> Doubts:
    return [
        (match, one)
        for one in what.sentence_matches
        for match in one.silent
        if match.pattern.means == "doubt"
    ]


def _welcomed(doubts: Doubts) -> bool:
    return any(_WELCOME.search(match.pattern.written) for match, _ in doubts)


def _aside(doubts: Doubts, what: TextFindings, phrases: Phrases, words: int) -> bool:
    """Whether what is doubted may only say why: ``texts every night, delete my number``.

    It does where a doubt spans a pause and each part speaks of texts or of stopping them, and where
    a time stands in more than a few words or beside a wish to be deleted; never where texts are
    welcome.
    """
    if _welcomed(doubts):
        return False
    if any(_speaks_of_texts(match, one, phrases) for match, one in doubts):
        return True
    if not doubts or any("{notours}" in match.pattern.written for match, _ in doubts):
        return False
    return words > _SHORT or any(_DELETES.search(finding.keyword) for finding in what.findings)


def _speaks_of_texts(match: Match, where: SentenceMatches, phrases: Phrases) -> bool:
    """Whether each of the parts that a wording lies in does, and there are several."""
    spans = [
        span
        for name in _ABOUT_TEXTS
        for symbol in phrases.symbols(name).values()
        for span in where.symbol_spans.get(symbol, ())
    ]
    parts = [
        any(start <= at < start + len(part) for at, _ in spans)
        for start, part in chunks(where.sentence.exact)
        if overlap((start, start + len(part)), match)
    ]
    return len(parts) > 1 and all(parts)


def _needed(concepts: set[str]) -> float:
    """Log odds that a wish to be texted needs in a text about these concepts."""
    if concepts & _COMPLAINTS:
        return math.inf
    return _SURE_WISH if concepts & _DOUBTS else -math.inf
