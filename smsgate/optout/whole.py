"""Whole texts that are keywords: as they stand, politely wrapped, spelt out, repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from smsgate.optout.keywords import Entry, KeywordSets, Language, listed
from smsgate.optout.lexicon import wording
from smsgate.optout.normalise import PUNCTUATION, fold
from smsgate.optout.phrases import spellings
from smsgate.optout.segments import has_unspaced

_LONGEST_POLITENESS = 4
"""Words in a polite wording."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of one language, with the entry that it stands in."""

    word: str
    language: str
    entry: Entry

    @property
    def certain(self) -> bool:
        """Whether it may act without a person."""
        return self.entry.risk != "high"


class Keywords:
    """The keywords of some sets, by what people type."""

    __slots__ = ("_exact", "_folded", "_polite")

    def __init__(self, sets: KeywordSets) -> None:
        """Index every keyword; of two for one word the certain one counts, then the first."""
        self._exact: dict[str, Keyword] = {}
        self._folded: dict[str, Keyword] = {}
        self._polite: set[str] = set()
        for language in sets.languages.values():
            for keyword, spelling in _each(language):
                self._add(keyword, spelling, tones=language.tones)
            for word in listed(language.classes.get("polite", "")):
                self._polite.add(key_of([fold(part) for part in wording(word)]))

    def _add(self, keyword: Keyword, spelling: str, *, tones: bool) -> None:
        words = wording(spelling)
        exact, folded = key_of(words), key_of([fold(word) for word in words])
        _put(self._exact, exact, keyword)
        if not tones:
            _put(self._exact, folded, keyword)
            _put(self._folded, folded, keyword)
        elif len(words) > 1 and folded not in self._exact:
            self._exact[folded] = keyword

    def find(self, words: Sequence[str]) -> Keyword | None:
        """The keyword that these words are, with or without their accents."""
        key = key_of(words)
        found = self._exact.get(key)
        if found is None and not key.isascii():
            found = self._folded.get(fold(key))
        return found

    def bared(self, words: Sequence[str]) -> list[str]:
        """The words without the politeness before and after them."""
        first, last = 0, len(words)
        while first < last:
            length = self._politeness(words[first:last], leading=True)
            if not length:
                break
            first += length
        while first < last:
            length = self._politeness(words[first:last], leading=False)
            if not length:
                break
            last -= length
        return list(words[first:last])

    def polite(self, words: Sequence[str]) -> bool:
        """Whether the words are nothing but politeness."""
        return not self.bared(words)

    def _politeness(self, words: Sequence[str], *, leading: bool) -> int:
        for length in range(min(_LONGEST_POLITENESS, len(words)), 0, -1):
            part = words[:length] if leading else words[-length:]
            if key_of([fold(word) for word in part]) in self._polite:
                return length
        return 0

    def of(self, intents: Iterable[str]) -> Iterator[Keyword]:
        """Every keyword of the given intents, once."""
        wanted = frozenset(intents)
        return (
            found for found in dict.fromkeys(self._exact.values()) if found.entry.intent in wanted
        )

    def unspaced(self) -> Iterator[str]:
        """The keywords and the politeness of scripts without spaces."""
        return (key for key in (*self._exact, *self._polite) if has_unspaced(key))

    def __iter__(self) -> Iterator[tuple[str, Keyword]]:
        """What people type, and the keyword that it is."""
        return iter(self._exact.items())


def _each(language: Language) -> Iterator[tuple[Keyword, str]]:
    for entry in language.entries:
        for word in entry.each():
            keyword = Keyword(word, language.language, entry)
            for spelling in spellings([word], language):
                yield keyword, spelling


def _put(table: dict[str, Keyword], key: str, keyword: Keyword) -> None:
    there = table.get(key)
    if there is None or (keyword.certain and not there.certain):
        table[key] = keyword


def key_of(words: Iterable[str]) -> str:
    """Words as one key: parted by blanks, or joined in scripts that have none."""
    key = " ".join(word for word in words if word not in PUNCTUATION)
    return key.replace(" ", "") if not key.isascii() and has_unspaced(key) else key
