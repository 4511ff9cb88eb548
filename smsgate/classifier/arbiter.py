"""The second reader asked about a text whose sentences have been read."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.classifier.concepts import NEGATION
from smsgate.classifier.features import Passage
from smsgate.classifier.findings import Said
from smsgate.classifier.model import concepts, reader
from smsgate.classifier.normalize import folded
from smsgate.classifier.passages import Shown, passages
from smsgate.classifier.patterns import NOTHING, ROW, Support
from smsgate.classifier.phrases import Phrases
from smsgate.classifier.prefilter import Glances
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.supporting import complains, support, welcomes
from smsgate.classifier.weighing import (
    ASKED_PRIVATE,
    EACH_WORD,
    EVERYTHING,
    HELD_PRIVATE,
    HELPS,
    HOLDS,
    OBJECTS,
    PART,
    PRIVATE,
    SHORT,
    STARTS,
    Scores,
    weighed,
)  # fmt: skip
from smsgate.messages import Intent

_EVERYBODYS = "en"
_SURELY_STARTS = 2.0
"""Log odds from which it is such a wish though it does not speak of starting."""
_LONG = 80
"""Words beyond which mere hints, which stand anywhere in a text, support nothing."""
Found = tuple[Intent, str]
"""An intent, and the rule that it comes from."""


class Rereader:
    """Weighs what the rules found against what the second reader thinks."""

    __slots__ = (
        "_as_shipped",
        "_asks",
        "_concepts",
        "_everything",
        "_glances",
        "_phrases",
        "_private",
        "_starts",
        "_stops",
    )

    def __init__(self, phrases: Phrases, *, as_shipped: bool) -> None:
        """Take the shipped models; an operator's own wordings are never passed over."""
        self._as_shipped = as_shipped
        self._glances = Glances()
        self._phrases = phrases
        self._concepts = concepts()
        self._stops = reader("opt_out")
        self._asks = reader("help")
        self._starts = reader("opt_in")
        self._everything = reader("opt_out_all")
        self._private = reader("private")

    def dismissed(self, words: Sequence[str]) -> bool:
        """Whether a glance at the words of a text is enough: nothing in it is like a request."""
        return self._as_shipped and self._glances.ordinary(words)

    def suspects(self, words: Sequence[str]) -> bool:
        """Whether words that no wording knows may all the same be a request to stop."""
        return self._glances.suspects(words)

    def refuses(self, words: list[str], language: str) -> bool:
        """Whether a word says no: nobody consents by ``no start``.

        Args:
            words: of the text.
            language: of its keyword; words no to English ones are understood in any.
        """
        among = () if language in (_EVERYBODYS, ANY_LANGUAGE) else (_EVERYBODYS, language)
        return any(self._concepts.means(word, NEGATION, among) for word in folded(words))

    def reread(
        self, what: Said, found: Found, *, respelt: bool
    ) -> tuple[Found, Support, str, float | None]:
        """What comes of a finding, by which weak wording, and reasons and score where it changes.

        The score is in log odds: of the model that knows the new intent, else of an opt-out.
        """
        shown = passages(what.heard, self._concepts)
        after, by, reasons, score = self._weighed(what, found, shown, respelt=respelt)
        if after[0] is Intent.OPT_OUT and self._everything.score(shown.passages[0]) >= EVERYTHING:
            after = Intent.OPT_OUT_ALL, after[1]
        return after, by, reasons, score

    def _weighed(
        self, what: Said, found: Found, shown: Shown, *, respelt: bool
    ) -> tuple[Found, Support, str, float | None]:
        whole = shown.passages[0]
        score, likest = self._likest(shown.passages)
        if found[0].stops and not respelt and score > OBJECTS:
            return found, NOTHING, "", None
        scores = self._scores(score, whole, found, shown)
        if weighed(*found, scores, ROW, respelt=respelt) == found:
            # no weaker support would change it either
            return found, NOTHING, "", None
        by = support(what, self._phrases, shown)
        if by.strength < ROW and len(whole.words) > _LONG:
            by = NOTHING
        after = self._kept(found, weighed(*found, scores, by.strength, respelt=respelt))
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

    def _welcome(self, found: Found, shown: Shown) -> float:
        """How much it is like a wish to be texted again, where it speaks of starting or is sure."""
        score = self._starts.score(shown.passages[0])
        if found[0] is Intent.OPT_IN or found[1] == "stop_and_start":
            return score
        return score if score >= (STARTS if welcomes(shown) else _SURELY_STARTS) else -99.0

    def _scores(self, score: float, whole: Passage, found: Found, shown: Shown) -> Scores:
        """How much it is like what: surer where it sounds like talk among people we do not know."""
        asks, starts, wished = (
            self._asks.score(whole),
            self._welcome(found, shown),
            complains(shown),
        )
        if found[0].stops or (score < min(HOLDS) and asks < HELPS):
            return Scores(score, asks, starts, wished=wished)
        private = self._private.score(whole)
        if found[0] is not Intent.HELP:
            asks -= max(0.0, private - ASKED_PRIVATE)
        if score < min(HOLDS):
            return Scores(score, asks, starts, wished=wished)
        held = score - max(0.0, private - HELD_PRIVATE)
        return Scores(score - max(0.0, private - PRIVATE), asks, starts, held, wished)

    def _likest(self, shown: list[Passage]) -> tuple[float, Passage]:
        """The passage that is most like an opt-out, and how much."""
        scores = [self._stops.score(one) - (PART if at else 0) for at, one in enumerate(shown)]
        most = max(scores)
        length = len(shown[0].words)
        return most - EACH_WORD * max(0, length - SHORT), shown[scores.index(most)]
