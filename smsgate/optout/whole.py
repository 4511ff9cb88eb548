"""Whole texts that are keywords: as they stand, politely wrapped, spelt out, repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from smsgate.optout.keywords import Entry, KeywordSets, Language, listed
from smsgate.optout.lexicon import wording, wordings
from smsgate.optout.normalise import PUNCTUATION, fold
from smsgate.optout.patterns import spellings
from smsgate.optout.segments import has_unspaced, letters


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

    __slots__ = ("_all", "_exact", "_first", "_folded", "_last", "_polite", "longest")

    def __init__(self, sets: KeywordSets) -> None:
        """Index every keyword; of two for one word the certain one counts, then the first."""
        self._exact: dict[str, Keyword] = {}
        self._folded: dict[str, Keyword] = {}
        self._all: dict[str, list[Keyword]] = {}
        self._polite: set[str] = set()
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self.longest = 0
        """Words of the longest keyword; characters where words are not parted."""
        for language in sets.languages.values():
            for keyword, words in _each(language):
                self._add(keyword, words, tones=language.tones)
            for words in wordings(language.classes.get("polite", "")):
                self._add_politeness([fold(word) for word in words])

    def _add(self, keyword: Keyword, words: list[str], *, tones: bool) -> None:
        exact = key_of(words)
        if not exact:
            return
        self.longest = max(self.longest, len(words), len("".join(words)) // 4)
        self._all.setdefault(exact, []).append(keyword)
        folded = exact if exact.isascii() else key_of([fold(word) for word in words])
        _put(self._exact, exact, keyword)
        if not tones:
            _put(self._exact, folded, keyword)
            _put(self._folded, folded, keyword)
        elif len(words) > 1 and folded not in self._exact:
            self._exact[folded] = keyword

    def shared(self) -> Iterator[tuple[str, list[Keyword]]]:
        """What people type and more than one keyword stands for."""
        return ((key, found) for key, found in self._all.items() if len(found) > 1)

    def _add_politeness(self, words: list[str]) -> None:
        key = key_of(words)
        self._polite.add(key)
        spelt = words
        if " " not in key:
            words, spelt = [key], letters([key])
        for parts in (words, spelt):
            for table, edge in ((self._first, parts[0]), (self._last, parts[-1])):
                table[edge] = max(table.get(edge, 0), len(parts))

    def find(self, words: Sequence[str]) -> Keyword | None:
        """The keyword that these words are, with or without their accents."""
        key = key_of(words)
        found = self._exact.get(key)
        if found is None and not key.isascii():
            found = self._folded.get(fold(key))
        return found

    def bared(self, words: Sequence[str]) -> list[str]:
        """The words without the politeness before and after them."""
        first, last = self.bounds(words)
        return list(words[first:last])

    def bounds(self, words: Sequence[str]) -> tuple[int, int]:
        """Where the words begin and end that are no politeness."""
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
        return first, last

    def polite(self, words: Sequence[str]) -> bool:
        """Whether the words are nothing but politeness."""
        return not self.bared(words)

    def _politeness(self, words: Sequence[str], *, leading: bool) -> int:
        edge = fold(words[0] if leading else words[-1])
        longest = (self._first if leading else self._last).get(edge, 0)
        for length in range(min(longest, len(words)), 0, -1):
            part = words[:length] if leading else words[-length:]
            if key_of([fold(word) for word in part]) in self._polite:
                return length
        return 0

    def unspaced(self) -> Iterator[str]:
        """The politeness of scripts without spaces."""
        return (key for key in self._polite if has_unspaced(key))

    def __iter__(self) -> Iterator[tuple[str, Keyword]]:
        """What people type, and the keyword that it is."""
        return iter(self._exact.items())


def _each(language: Language) -> Iterator[tuple[Keyword, list[str]]]:
    for entry in language.entries:
        for text in spellings(entry.words, language):
            written = list(listed(text))
            found = wordings(text)
            if len(found) != len(written):
                # a keyword without any word, or with a pause in it
                found = [wording(word) for word in written]
            for word, words in zip(entry.each(), found, strict=False):
                yield Keyword(word, language.language, entry), words


def _put(table: dict[str, Keyword], key: str, keyword: Keyword) -> None:
    there = table.get(key)
    if there is None or (keyword.certain and not there.certain):
        table[key] = keyword


def key_of(words: Iterable[str]) -> str:
    """Words as one key: parted by blanks, or joined in scripts that have none."""
    key = " ".join(word for word in words if word not in PUNCTUATION)
    return key.replace(" ", "") if not key.isascii() and has_unspaced(key) else key
