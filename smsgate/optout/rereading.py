"""The second reader asked about a text whose sentences have been read."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.messages import Intent
from smsgate.optout.passages import Passage, passages
from smsgate.optout.patterns import NOTHING, ROW, Support
from smsgate.optout.phrases import Phrases
from smsgate.optout.second_reader import SecondReader, shipped
from smsgate.optout.supporting import support
from smsgate.optout.verdict import Said
from smsgate.optout.weighing import OBJECTS, PART, Scores, weighed

_MOST = 40
"""Words of a text that may be passed over at a glance: in a longer one a request may hide."""
_UNLIKELY, _UNASKED = -12.0, -8.0
"""Scores by single words below which a text is neither a request to stop nor a question."""
_LONG = 15
"""Words beyond which mere hints, which stand anywhere in a text, support nothing."""
Found = tuple[Intent, str]
"""An intent, and the rule that it comes from."""


class Rereader:
    """Weighs what the rules found against what the second reader thinks."""

    __slots__ = ("_asks", "_glances", "_phrases", "_stops")

    def __init__(self, phrases: Phrases, *, glances: bool) -> None:
        """Take the shipped models; an operator's own wordings forbid mere glances."""
        self._glances = glances
        models = shipped()
        self._phrases = phrases
        self._stops = SecondReader(models["opt_out"])
        self._asks = SecondReader(models["help"])

    def dismissed(self, words: Sequence[str]) -> bool:
        """Whether a glance at the words of a text is enough: nothing in it is like a request."""
        if not self._glances or len(words) > _MOST or self._stops.glance(words) > _UNLIKELY:
            return False
        return self._asks.glance(words) < _UNASKED

    def reread(self, what: Said, found: Found, *, respelt: bool) -> tuple[Found, Support, str]:
        """What comes of a finding, by which weak wording, and the reasons where it changes."""
        shown = passages(what.heard, self._phrases)
        score, passage = self._likest(shown)
        if found[0].stops and not respelt and score > OBJECTS:
            return found, NOTHING, ""
        scores = Scores(score, self._asks.score(*shown[0]))
        if weighed(*found, scores, ROW, respelt=respelt) == found:
            # no weaker support would change it either
            return found, NOTHING, ""
        by = support(what, self._phrases)
        if by.strength < ROW and len(shown[0].words) > _LONG:
            by = NOTHING
        after = weighed(*found, scores, by.strength, respelt=respelt)
        if after == found:
            return found, by, ""
        asks = after[0] is Intent.HELP
        reasons = self._asks.reasons(*shown[0]) if asks else self._stops.reasons(*passage)
        return after, by, reasons

    def _likest(self, shown: list[Passage]) -> tuple[float, Passage]:
        """The passage that is most like an opt-out, and how much."""
        return max(
            (self._stops.score(*passage) - (PART if at else 0), passage)
            for at, passage in enumerate(shown)
        )
