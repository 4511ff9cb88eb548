"""The operator's own keywords, which the shipped weights do not know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smsgate.classifier.arbiter import Rereader
from smsgate.classifier.lexicon import wordings
from smsgate.classifier.normalize import fold
from smsgate.classifier.patterns import spellings
from smsgate.classifier.phrases import Phrases
from smsgate.classifier.sets.keyword_sets import KeywordSets


def own_keywords(sets: KeywordSets) -> list[str]:
    """The keywords that the operator's sets bring, without accents."""
    found = {
        fold(" ".join(words).casefold())
        for name, own in sets.own.items()
        for entry in own.entries
        for text in spellings(entry.words, sets.languages[name])
        for words in wordings(text)
    }
    return sorted(found)


def only_adds_keywords(sets: KeywordSets) -> bool:
    """Whether the operator's sets bring no wordings, so that the shipped weights know them all."""
    return not any(own.classes or own.phrases for own in sets.own.values())


class OwnRereader(Rereader):
    """A rereader that passes over no text with all the words of an own keyword."""

    __slots__ = ("_own",)

    def __init__(self, phrases: Phrases, own: Iterable[str], *, as_shipped: bool) -> None:
        """Take the own keywords."""
        super().__init__(phrases, as_shipped=as_shipped)
        self._own = [frozenset(keyword.split()) for keyword in own]

    def dismissed(self, words: Sequence[str]) -> bool:
        """Whether a glance is enough."""
        if not super().dismissed(words):
            return False
        there = {fold(word) for word in words}
        return not any(keyword <= there for keyword in self._own)
