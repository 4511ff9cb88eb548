"""What some keyword sets know: shared by all programs that have the same ones."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from weakref import WeakValueDictionary

from smsgate.classifier.keywords import KeywordIndex
from smsgate.classifier.model import Model, shipped_model
from smsgate.classifier.near import NearKeywords
from smsgate.classifier.sets import KeywordSets

_RARE_SCRIPTS = (
    "\u0530-\u058f\u0700-\u074f\u0780-\u07bf\u0a80-\u0aff\u0b00-\u0b7f\u0c80-\u0cff\u0d00-\u0d7f"
    "\u0d80-\u0dff\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u10a0-\u10ff\u1200-\u139f\u13a0-\u13ff"
    "\u1780-\u17ff\u1800-\u18af"
)
"""Scripts that the model may know nothing of, where no set of a program is written in them."""


class Vocabulary:
    """The keywords, the model, and what stands around both."""

    def __init__(self, sets: KeywordSets, model: Model | None = None) -> None:
        self.sets = sets
        self.version = sets.version
        self.model = model or shipped_model()
        self.keywords = KeywordIndex(sets.languages)
        self.near = NearKeywords(self.keywords)
        self.names = frozenset(
            [*self.keywords.each("names"), *self.keywords.each("names_or_words")]
        )
        chars = sorted(set("".join(self.keywords.typed)))
        unread = [
            f"{first}-{last}"
            for first, last in re.findall("(.)-(.)", _RARE_SCRIPTS)
            if bisect_left(chars, first) == bisect_right(chars, last)
        ]
        self.unread = re.compile(f"[{''.join(unread)}]{{3}}") if unread else None


_in_use: WeakValueDictionary[str, Vocabulary] = WeakValueDictionary()
"""By the version of sets: a configuration shares what they know with the one before."""


def vocabulary_of(sets: KeywordSets) -> Vocabulary:
    """What some sets know, once for all that use them at a time."""
    known = _in_use.get(sets.version)
    if known is None:
        known = _in_use[sets.version] = Vocabulary(sets)
    return known
