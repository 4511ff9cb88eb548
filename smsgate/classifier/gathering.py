"""Keywords while they are gathered from their sets: see ``keywords.py``."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from smsgate.classifier.keywords import Keyword, key_of
from smsgate.classifier.lexicon import spelt, wording, wordings
from smsgate.classifier.normalize import fold
from smsgate.classifier.patterns import spellings
from smsgate.classifier.segments import letters
from smsgate.classifier.sets.keyword_sets import KeywordSets, Language, listed
from smsgate.classifier.sets.tables import KeywordTables


class Gathering:
    """The keywords of some sets, by what people type."""

    __slots__ = ("_all", "_exact", "_first", "_folded", "_keywords", "_last", "_longest", "_polite")

    def __init__(self, sets: KeywordSets) -> None:
        """Index every keyword; of two for one word the certain one counts, then the first."""
        self._keywords: list[Keyword] = []
        self._exact: dict[str, int] = {}
        self._folded: dict[str, int] = {}
        self._all: dict[str, list[int]] = {}
        self._polite: dict[str, None] = {}
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._longest = 0
        for language in sets.languages.values():
            for keyword, words in _each(language):
                self._add(keyword, words, tones=language.tones)
            for words in wordings(language.classes.get("polite", "")):
                self._add_politeness([fold(word) for word in words])

    def shared(self) -> Iterator[list[Keyword]]:
        """Keywords that are typed alike."""
        for found in self._all.values():
            if len(found) > 1:
                yield [self._keywords[at] for at in found]

    def tables(self, places: dict[str, int]) -> KeywordTables:
        """What was gathered; languages are named by their places."""
        entries = {id(one.entry): one.entry for one in self._keywords}
        numbers = {found: at for at, found in enumerate(entries)}
        exact, folded = self._exact, self._folded
        return KeywordTables(
            entries=[msgspec.structs.replace(entry, words="") for entry in entries.values()],
            keywords=[
                (one.word, places[one.language], numbers[id(one.entry)]) for one in self._keywords
            ],
            exact=exact,
            tonal=[key for key in exact if key not in folded],
            folded={key: at for key, at in folded.items() if exact.get(key) != at},
            polite=list(self._polite),
            first=self._first,
            last=self._last,
            longest=self._longest,
        )

    def _add(self, keyword: Keyword, words: list[str], *, tones: bool) -> None:
        exact = key_of(words)
        if not exact:
            return
        self._longest = max(self._longest, len(words), len("".join(words)) // 4)
        at = len(self._keywords)
        self._keywords.append(keyword)
        self._all.setdefault(exact, []).append(at)
        folded = exact if exact.isascii() else key_of([fold(word) for word in words])
        self._put(self._exact, exact, at)
        if not tones:
            self._put(self._exact, folded, at)
            self._put(self._folded, folded, at)
        elif len(words) > 1 and folded not in self._exact:
            self._exact[folded] = at

    def _put(self, table: dict[str, int], key: str, at: int) -> None:
        there = table.get(key)
        if there is None or (self._keywords[at].certain and not self._keywords[there].certain):
            table[key] = at

    def _add_politeness(self, words: list[str]) -> None:
        key = key_of(words)
        self._polite[key] = None
        spelt = words
        if " " not in key:
            words, spelt = [key], letters([key])
        for parts in (words, spelt):
            for table, edge in ((self._first, parts[0]), (self._last, parts[-1])):
                table[edge] = max(table.get(edge, 0), len(parts))


def _each(language: Language) -> Iterator[tuple[Keyword, list[str]]]:
    texts = [
        (entry, text) for entry in language.entries for text in spellings(entry.words, language)
    ]
    for (entry, text), read in zip(texts, spelt([text for _, text in texts]), strict=True):
        written = list(listed(text))
        found = [words.split() for words in read]
        if len(found) != len(written):
            # a keyword without any word, or with a pause in it
            found = [wording(word) for word in written]
        for word, words in zip(entry.each(), found, strict=False):
            yield Keyword(word, language.language, entry), words
