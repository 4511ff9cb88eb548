"""From keyword sets to tables: everything that can be worked out beforehand."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import msgspec

from smsgate.classifier.keywords import Keyword, KeywordIndex, key_of
from smsgate.classifier.lexicon import parse_wordings, wording, wordings
from smsgate.classifier.normalize import fold, letters
from smsgate.classifier.sets.conflicts import contradictions, missing, unknown_classes
from smsgate.classifier.sets.keyword_sets import KeywordSets, Language, listed
from smsgate.classifier.sets.phrase_compiler import REAL, PhraseCompiler, spellings
from smsgate.classifier.sets.tables import TOPIC_CLASSES, CompiledTables, KeywordTables, join_words


class KeywordCompiler:
    """Indexes keywords by what people type; of two alike the certain one counts, else the first."""

    def __init__(self, sets: KeywordSets) -> None:
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
            for name in ("polite", "marks"):
                for words in wordings(language.classes.get(name, "")):
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
        shared: dict[int, list[int]] = {}
        for at, found in ((exact[key], found) for key, found in self._all.items()):
            intent = self._keywords[at].entry.intent
            alike = [self._keywords[one] for one in found]
            names = [one.language for one in alike if one.entry.intent == intent]
            if len(set(names)) > 1:
                shared[at] = [places[name] for name in dict.fromkeys(names)]
        return KeywordTables(
            entries=[msgspec.structs.replace(entry, words="") for entry in entries.values()],
            keywords=[
                (one.word, places[one.language], numbers[id(one.entry)]) for one in self._keywords
            ],
            exact=exact,
            tonal=[key for key in exact if key not in folded],
            folded={key: at for key, at in folded.items() if exact.get(key) != at},
            shared=shared,
            polite=list(self._polite),
            first=self._first,
            last=self._last,
            longest=self._longest,
        )

    def _add(self, keyword: Keyword, words: list[str], *, tones: bool) -> None:
        exact = key_of(words)
        if not exact:
            return
        self._longest = max(self._longest, len(letters(words)))
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
        readings = [words] if " " in key else [[key], letters([key])]
        for parts in readings:
            for table, edge in ((self._first, parts[0]), (self._last, parts[-1])):
                table[edge] = max(table.get(edge, 0), len(parts))


def _each(language: Language) -> Iterator[tuple[Keyword, list[str]]]:
    texts = [
        (entry, text) for entry in language.entries for text in spellings(entry.words, language)
    ]
    for (entry, text), read in zip(texts, parse_wordings([text for _, text in texts]), strict=True):
        written = list(listed(text))
        found = [words.split() for words in read]
        if len(found) != len(written):
            # a keyword without any word, or with a pause in it
            found = [wording(word) for word in written]
        for word, words in zip(entry.each(), found, strict=False):
            yield Keyword(word, language.language, entry), words


REACTIONS = "reactions"
"""The class with the frames that phones put around what somebody reacts to."""
_FOLDED = (
    REAL,
    "correct_to",
    "all",
    "everything",
    "name",
    "name_or_word",
    "echo_verb",
    "echo_first",
    "echo_end",
    *TOPIC_CLASSES.values(),
)
"""Classes that are asked for by name."""


def compiled(sets: KeywordSets) -> CompiledTables:
    """The tables of some keyword sets. Takes half a second for all languages."""
    # Nothing that is made here goes away again, so looking for what does is time lost.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _compiled(sets)
    finally:
        if collecting:
            gc.enable()


def _compiled(sets: KeywordSets) -> CompiledTables:
    names = list(sets.languages)
    places = {name: at for at, name in enumerate(names)}
    gathered = KeywordCompiler(sets)
    keywords = gathered.tables(places)
    compiling = PhraseCompiler(sets)
    words = {
        name: join_words(fold(word.casefold()) for word in sets.words(name)) for name in _FOLDED
    }
    return CompiledTables(
        version=sets.version,
        languages=names,
        contradictions=[*contradictions(sets, gathered.shared()), *unknown_classes(sets)],
        missing=list(missing(sets, KeywordIndex(keywords, names))),
        words=words | {REACTIONS: join_words(sets.words(REACTIONS))},
        everyday=join_words(compiling.symbols.everyday()),
        unspaced=join_words(compiling.symbols.unspaced),
        keywords=keywords,
        lexicon=compiling.symbols.index.tables(),
        phrases=compiling.tables(places),
        as_shipped=not any(own.classes or own.phrases for own in sets.own.values()),
        own=join_words(own_keywords(sets)),
    )


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
