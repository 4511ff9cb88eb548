"""From keyword sets to tables: everything about them that can be worked out beforehand."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from smsgate.classifier.gathering import Gathering
from smsgate.classifier.keywords import Keywords
from smsgate.classifier.normalize import fold
from smsgate.classifier.own_words import only_adds_keywords, own_keywords
from smsgate.classifier.scope import KINDS
from smsgate.classifier.sets.conflicts import contradictions, missing, unknown_classes
from smsgate.classifier.sets.keyword_sets import KeywordSets, listed
from smsgate.classifier.sets.phrase_compiler import Compiling
from smsgate.classifier.sets.tables import Tables, joined
from smsgate.classifier.signs import REAL

REACTIONS = "reactions"
"""The class with the frames that phones put around what somebody reacts to."""
_FOLDED = (
    REAL,
    "correct_to",
    "marks",
    "all",
    "everything",
    "name",
    "name_or_word",
    "echo_verb",
    "echo_first",
    "echo_end",
    *KINDS.values(),
)
"""Classes that are asked for by name."""


def compiled(sets: KeywordSets) -> Tables:
    """The tables of some keyword sets. Takes half a second for all languages."""
    # Nothing that is made here goes away again, so looking for what does is time lost.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _compiled(sets)
    finally:
        if collecting:
            gc.enable()


def _compiled(sets: KeywordSets) -> Tables:
    names = list(sets.languages)
    places = {name: at for at, name in enumerate(names)}
    gathered = Gathering(sets)
    keywords = gathered.tables(places)
    compiling = Compiling(sets)
    words = {name: joined(map(_folded, _class(sets, name))) for name in _FOLDED}
    return Tables(
        version=sets.version,
        languages=names,
        contradictions=[*contradictions(sets, gathered.shared()), *unknown_classes(sets)],
        missing=list(missing(sets, Keywords(keywords, names))),
        words=words | {REACTIONS: joined(_class(sets, REACTIONS))},
        everyday=joined(compiling.signs.everyday()),
        unspaced=joined(compiling.signs.unspaced),
        keywords=keywords,
        lexicon=compiling.signs.index.tables(),
        phrases=compiling.tables(places),
        as_shipped=only_adds_keywords(sets),
        own=joined(own_keywords(sets)),
    )


def _folded(word: str) -> str:
    return fold(word.casefold())


def _class(sets: KeywordSets, name: str) -> Iterable[str]:
    for language in sets.languages.values():
        yield from listed(language.classes.get(name, ""))
