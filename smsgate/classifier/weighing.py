"""From what a text says to what is done: the rules first, then what the second reader thinks.

The second reader never suppresses alone. It turns a ``none`` or a ``review`` into an opt-out only
where a rule supports it (a weak wording, see ``docs/keywords.md``), may ask for a person where the
rules found nothing, and where it takes a wording of a rule for something else.
"""

from __future__ import annotations

from typing import NamedTuple

from smsgate.classifier.findings import Finding, Said, together
from smsgate.messages import Intent

_ORDER = (Intent.OPT_OUT_ALL, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.REVIEW)
_LONG = 40
"""Words from which an opt-out somewhere in a text wants the second reader's word for it."""
PART = 3.0
"""How much surer the second reader must be of a part of a long text than of a whole one."""
SHORT, EACH_WORD = 12, 0.1
"""Words from which each one more asks for surer signs: in a long text something always fits."""
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
"""Log odds that a text needs where words were taken for slips; else a person looks at it."""
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


def strongest(what: Said) -> Finding | None:
    """The finding that counts most, in the language that explains most of the text."""
    for intent in _ORDER:
        found = [finding for finding in what.findings if finding.intent is intent]
        if found:
            return max(found, key=lambda finding: what.weight[finding.language])
    return None


def settled(finding: Finding, what: Said, words: int) -> tuple[Intent, str]:
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
    if words > _LONG:
        return Intent.REVIEW, "long_text"
    starts = [other.language for other in what.findings if other.intent is Intent.OPT_IN]
    if together(finding.language, starts):
        return Intent.REVIEW, "stop_and_start"
    if finding.intent is Intent.OPT_OUT and together(finding.language, what.everything):
        return Intent.OPT_OUT_ALL, finding.rule
    return finding.intent, finding.rule


class Scores(NamedTuple):
    """What the second reader thinks, in log odds."""

    stop: float
    asks: float
    starts: float = -99.0
    """How much it is like a wish to be texted again."""
    holds: float = -99.0
    """How much it is like an opt-out, where a person is to be asked."""
    wished: float = -99.0
    """How much it must be like a wish to be texted, where it may be a complaint about that."""


def weighed(
    intent: Intent, rule: str, scores: Scores, support: int, *, respelt: bool = False
) -> tuple[Intent, str]:
    """What the rules found, and what the second reader makes of it.

    Args:
        intent: what the rules say; NONE where they know nothing.
        rule: by which rule.
        scores: how much it is like an opt-out, and like a question for help.
        support: how strong the rules support an opt-out (see ``Support``).
        respelt: whether words of the text were taken for slips.
    """
    score = scores.stop
    if intent.stops:
        return _doubted(scores) if score <= _objects(rule, respelt=respelt) else (intent, rule)
    starts = scores.starts >= STARTS and scores.starts > score
    if intent in (Intent.HELP, Intent.OPT_IN):
        return _answered(intent, rule, scores, support)
    if rule in ("stop_and_start", "long_text", "doubt"):
        return _resolved(intent, rule, scores, starts=starts)
    return _understood(intent, rule, scores, support, starts=starts)


def _objects(rule: str, *, respelt: bool) -> float:
    """Log odds up to which the second reader objects to an opt-out; to a keyword last."""
    if rule == "keyword_in_sentence":
        return DENIES
    return AGREES if respelt else OBJECTS


def _understood(
    intent: Intent, rule: str, scores: Scores, support: int, *, starts: bool
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


def _answered(intent: Intent, rule: str, scores: Scores, support: int) -> tuple[Intent, str]:
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


def _resolved(intent: Intent, rule: str, scores: Scores, *, starts: bool) -> tuple[Intent, str]:
    """What the rules left open: a text says both, or much else, or seems to make conditions."""
    if rule == "stop_and_start" and starts:
        return Intent.OPT_IN, "second_reader"
    if rule == "stop_and_start" and scores.starts > UNSTARTED:
        return intent, rule
    if scores.stop >= (CONFIRMS if rule == "long_text" else SETTLES):
        return Intent.OPT_OUT, "second_reader"
    return intent, rule


def _doubted(scores: Scores) -> tuple[Intent, str]:
    if scores.asks >= HELPS:
        return Intent.HELP, "second_reader"
    if scores.stop <= REFUTES:
        return Intent.NONE, "second_reader_dismisses"
    return Intent.REVIEW, "second_reader_doubts"
