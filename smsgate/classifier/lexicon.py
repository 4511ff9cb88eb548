"""Which symbols a word may stand for.

A symbol is a number: one per language and class of words (``es`` ``stop``), and one per literal
wording of a phrase. The lexicon maps the words of a text to symbols, by whole word, by the
beginning of a word (``unsubscri*``), and for entries of several words by the first of them.
What a word stands for is worked out once and remembered.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from smsgate.classifier.memo import Memo
from smsgate.classifier.normalize import PAUSE, clean, fold, tokens
from smsgate.classifier.sets.keyword_sets import Language
from smsgate.classifier.sets.tables import (
    LexiconTables,
    in_bucket,
    in_buckets,
    mark_of,
    places_of,
)

Start = tuple[int, tuple[str, ...], bool]
"""A symbol, the words that must follow, and whether those are compared with their accents."""


class LexiconEntry(NamedTuple):
    """What a word may begin."""

    languages: Mapping[str, int]
    """The languages in which it begins something, with their places in the order."""
    alone: tuple[tuple[str, tuple[int, ...]], ...]
    """Symbols of the word itself, by language."""
    followed: Mapping[str, tuple[Start, ...]]
    """Longer wordings by their second word, without accents."""
    others: tuple[Start, ...]
    """Longer wordings whose second word has accents that count, or is the beginning of one."""

    def longer(self, second: str) -> tuple[Start, ...]:
        """Longer wordings that may go on with a word, which has no accents."""
        return self.followed.get(second, ()) + self.others


Alarm = tuple[frozenset[str], Mapping[str, frozenset[str]]]
"""Languages for a word whatever follows it, and languages by the word that follows."""

_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_JOINED = frozenset("\u05d5\u05e9\u0648\u0641")
"""Hebrew and Arabic letters that are written onto the next word: and, that, so."""
_JOINED_FROM = 3
_SHORTEST = 2
_STAR = "\u02ec"
_BETWEEN = " \u02ec\u02ec "
_PARTED = "**"
_NOTHING = LexiconEntry({}, (), {}, ())


class Lexicon:
    """Words to symbols."""

    def __init__(
        self, tables: LexiconTables, names: Sequence[str], languages: Sequence[str]
    ) -> None:
        """Take what words stand for.

        Args:
            tables: the words.
            names: all languages.
            languages: the language of each symbol.
        """
        self._tables = tables
        self._names = names
        self._languages = languages
        lengths = {len(stem) for table in (tables.stems, tables.alarm_stems) for stem in table}
        self._lengths = [size for size in sorted(lengths) if size >= _SHORTEST]
        self._known: dict[str, frozenset[str]] = {}
        self.starts = Memo(self.starts_of)
        self.alarms = Memo(self.alarms_of)

    def starts_of(self, word: str) -> LexiconEntry:
        """All symbols that a word may begin."""
        plain, tables = self._plain(word), self._tables
        found = [in_bucket(tables.folded, plain)]
        if len(plain) > _JOINED_FROM and plain[0] in _JOINED:
            found.append(in_bucket(tables.folded, plain[1:]))
        if word == plain:
            found.append(tables.plain.get(word, ""))
        found += [tables.stems.get(plain[:size], "") for size in self._sizes(plain)]
        starts = [start for text in found if text for start in _parsed(text, accents=False)]
        starts += _parsed(tables.exact.get(word, ""), accents=True)
        return self._begun(dict.fromkeys(starts)) if starts else _NOTHING

    def _begun(self, starts: Iterable[Start]) -> LexiconEntry:
        alone: dict[str, list[int]] = {}
        followed: defaultdict[str, list[Start]] = defaultdict(list)
        others: list[Start] = []
        for start in starts:
            symbol, rest, accents = start
            here = alone.setdefault(self._languages[symbol], [])
            if not rest:
                here.append(symbol)
            elif accents or rest[0].endswith("*"):
                others.append(start)
            else:
                followed[rest[0]].append(start)
        return LexiconEntry(
            {language: place for place, language in enumerate(alone)},
            tuple((language, tuple(symbols)) for language, symbols in alone.items() if symbols),
            {word: tuple(found) for word, found in followed.items()},
            tuple(others),
        )

    def alarms_of(self, word: str) -> Alarm | None:
        """The languages in which a text with this word must be looked at, and by neighbour.

        Nothing for most words, so that they cost one look each.
        """
        plain, tables = self._plain(word), self._tables
        found = in_bucket(tables.alarms, plain)
        if word != plain:
            found += in_bucket(tables.alarms, word)
        if len(plain) > _JOINED_FROM and plain[0] in _JOINED:
            found += in_bucket(tables.alarms, plain[1:])
        for size in self._sizes(plain):
            found += tables.alarm_stems.get(plain[:size], "")
        pairs = tables.pairs.get(plain)
        if pairs is None:
            return (self._named(found), {}) if found else None
        return self._named(found), {other: self._named(names) for other, names in pairs.items()}

    def _named(self, marks: str) -> frozenset[str]:
        """Languages as a set; the same set for the same ones."""
        known = self._known.get(marks)
        if known is None:
            known = frozenset(self._names[place] for place in places_of(marks))
            self._known[marks] = known
        return known

    def _plain(self, word: str) -> str:
        """A word without accents, and with drawn out letters as usual: ``stoppp``, ``pleeease``."""
        plain = fold(word)
        if len(plain) > 2 and _DRAWN_OUT.search(plain):
            tables = self._tables.folded, self._tables.alarms
            for shorter in (_DRAWN_OUT.sub(r"\1", plain), _DRAWN_OUT.sub(r"\1\1", plain)):
                if any(in_bucket(table, shorter) for table in tables):
                    return shorter
        return plain

    def _sizes(self, plain: str) -> Iterable[int]:
        return self._lengths[: bisect_right(self._lengths, len(plain))]


def _parsed(text: str, *, accents: bool) -> Iterable[Start]:
    """The starts that a text of the tables says, one a line."""
    for line in text.split("\n") if text else ():
        symbol, _, rest = line.partition(" ")
        yield int(symbol), tuple(rest.split()), accents


class LexiconBuilder:
    """Collects what words stand for."""

    def __init__(self, languages: Iterable[str]) -> None:
        self._marks = {name: mark_of(place) for place, name in enumerate(languages)}
        self._tonal: set[str] = set()
        self._folded: dict[str, str] = {}
        self._exact: dict[str, str] = {}
        self._plain: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._alarms: dict[str, str] = {}
        self._alarm_stems: dict[str, str] = {}
        self._pairs: dict[str, dict[str, str]] = {}

    def tables(self) -> LexiconTables:
        """What was collected."""
        folded, alarms = in_buckets(self._folded), in_buckets(self._alarms)
        exact, plain, stems = self._exact, self._plain, self._stems
        return LexiconTables(folded, exact, plain, stems, alarms, self._alarm_stems, self._pairs)

    def add(self, wordings: Iterable[str], symbol: int, language: Language) -> None:
        """Let wordings (words, each perhaps ending in ``*``) stand for a symbol.

        Where a language has tones, accents tell words apart, as in Vietnamese. Then a word written
        without any matches only as part of a longer wording.
        """
        if not language.tones:
            for wording in wordings:
                self._put(self._folded, wording, symbol)
            return
        self._tonal.add(language.language)
        for wording in wordings:
            first, _, rest = wording.partition(" ")
            _append(self._exact, first, f"{symbol} {rest}" if rest else f"{symbol}")
            plain = fold(wording)
            if rest or plain == wording:
                self._put(self._plain, plain, symbol)

    def _put(self, table: dict[str, str], plain: str, symbol: int) -> None:
        first, _, rest = plain.partition(" ")
        if first.endswith("*"):
            table, first = self._stems, first[:-1]
        _append(table, first, f"{symbol} {rest}" if rest else f"{symbol}")

    def alarm(self, mark: str, language: str) -> None:
        """Have every text with a word, or with two neighbours, looked at in this language."""
        first, _, second = mark.partition(" ")
        symbol = self._marks[language]
        if not second and first.endswith("*"):
            _join(self._alarm_stems, fold(first[:-1]), symbol)
            return
        # without tones the wordings have come without accents
        spellings = {first, fold(first)} if second and language in self._tonal else {first}
        for spelling in spellings:
            if second:
                _join(self._pairs.setdefault(spelling, {}), fold(second), symbol)
            else:
                _join(self._alarms, spelling, symbol)


def _append(table: dict[str, str], word: str, line: str) -> None:
    there = table.get(word)
    table[word] = line if there is None else f"{there}\n{line}"


def _join(table: dict[str, str], word: str, symbol: str) -> None:
    there = table.get(word, "")
    if symbol not in there:
        table[word] = there + symbol


def wording(text: str) -> list[str]:
    """A wording of a keyword set as words; a ``*`` at the end of one stays."""
    return [word for part in wordings(text) for word in part]


def wordings(text: str) -> list[list[str]]:
    """The wordings of a comma separated list, each as words."""
    return [words.split() for words in parse_wordings([text])[0]]


def parse_wordings(texts: Sequence[str], *, folded: bool = False) -> list[list[str]]:
    """The wordings of some comma separated lists, each with one blank between its words."""
    # letters that nobody writes stand in for the star, which is no part of a word, and part lists
    text = _BETWEEN.join(texts).replace("*", _STAR)
    if folded:
        text = fold(text.casefold())
    cleaned, _ = clean(text, whole=True)
    read = " ".join(tokens(cleaned)).replace(_STAR, "*").split(_PARTED)
    if len(read) != len(texts):  # a wording has two stars of its own
        if len(texts) != 1:
            return [one for text in texts for one in parse_wordings([text], folded=folded)]
        read = ["*".join(read)]
    return [[one for part in each.split(PAUSE) if (one := part.strip())] for each in read]
