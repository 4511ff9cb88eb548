"""Wordings inside sentences: all that the keyword sets know, found in linear time.

Patterns of the shared grammar are made for every language: there each class means the words of
that language or of the set for all languages, and at least one element must be of the language
itself. Nothing backtracks without bound: the occurrences of a symbol in one sentence are capped,
and so is the length of a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from smsgate.classifier.lexicon import Lexicon
from smsgate.classifier.normalize import fold
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.sets.tables import CompiledTables, places_of, split_words
from smsgate.classifier.text import Sentence

CONDITION = "if"
"""The class of what turns a negation round: not stopping is what is complained of."""

LEAD = "=lead"
"""The symbol of keywords that may stand alone in a part of a sentence."""

Span = tuple[int, int]


class Element(NamedTuple):
    """One element of a pattern: any of the symbols, after at most ``gap`` other words."""

    symbols: tuple[int, ...]
    gap: int


class Pattern(NamedTuple):
    """A compiled wording."""

    means: str
    written: str
    language: str
    elements: tuple[Element, ...]
    first: bool = False
    """Nothing but politeness may stand before it in the sentence."""
    last: bool = False
    """Nothing but politeness may follow it in the sentence."""
    firm: bool = False
    """Only ``never`` takes it out of play."""


class Match(NamedTuple):
    """A pattern that was found, and the words that it covers."""

    pattern: Pattern
    start: int
    end: int


def overlap(span: Span, other: Match) -> bool:
    """Whether a match has a word of a span."""
    return span[0] < other.end and other.start < span[1]


def packed(rule: int, elements: Iterable[Element]) -> str:
    """A pattern as a text: its rule, then for each element its gap and its symbols."""
    shown = (f"{element.gap}:{','.join(map(str, element.symbols))}" for element in elements)
    return f"{rule} {' '.join(shown)}"


def patterns_in(text: str, rules: Sequence[tuple[str, str, bool]]) -> dict[str, list[Pattern]]:
    """The patterns of a text, by their language: each line is one, after its language."""
    found: dict[str, list[Pattern]] = {}
    for line in text.split("\n"):
        language, rule, *parts = line.split(" ")
        means, written, firm = rules[int(rule)]
        first, last = written.startswith("^"), written.endswith("$")
        elements = tuple(map(_element, parts))
        pattern = Pattern(means, written, language, elements, first, last, firm)
        found.setdefault(language, []).append(pattern)
    return found


def _element(text: str) -> Element:
    gap, _, symbols = text.partition(":")
    return Element(tuple(map(int, symbols.split(","))), int(gap))


def matches_of(pattern: Pattern, symbol_spans: Mapping[int, list[Span]]) -> Iterable[Match]:
    """Where a pattern stands, given where its symbols are; each first element at most once."""
    elements = pattern.elements
    for symbol in elements[0].symbols:
        for start, end in symbol_spans.get(symbol, ()):
            last = _rest(elements, 1, end, symbol_spans)
            if last >= 0:
                yield Match(pattern, start, last)


def _rest(
    elements: tuple[Element, ...], at: int, end: int, symbol_spans: Mapping[int, list[Span]]
) -> int:
    """The end of the whole match or -1; each element takes the nearest occurrence that leads on."""
    if at == len(elements):
        return end
    limit = end + elements[at].gap
    spans = [
        span
        for symbol in elements[at].symbols
        for span in symbol_spans.get(symbol, ())
        if end <= span[0] <= limit
    ]
    if len(spans) > 1:
        spans.sort()
    for _, stop in spans:
        last = _rest(elements, at + 1, stop, symbol_spans)
        if last >= 0:
            return last
    return -1


def follows(words: list[str], at: int, rest: tuple[str, ...]) -> bool:
    """Whether the rest of a wording stands at a place; a ``*`` ends a beginning."""
    if at + len(rest) > len(words):
        return False
    for wanted in rest:
        word = words[at]
        if word != wanted and not (wanted[-1] == "*" and word.startswith(wanted[:-1])):
            return False
        at += 1
    return True


_Candidate = tuple[Pattern, tuple[frozenset[int], ...]]
"""A pattern, and the symbols of its other elements: each must have one in the sentence."""


class PatternIndex:
    """Patterns by the symbol that is met least often; unpacked when it is first met."""

    def __init__(
        self,
        packed: Mapping[int, str],
        rules: Sequence[tuple[str, str, bool]],
        languages: Sequence[str],
    ) -> None:
        """Take the patterns as they were packed (see ``patterns_in``).

        Args:
            packed: by symbol.
            rules: what they mean and how they are written.
            languages: the language of each symbol.
        """
        self._packed = packed
        self._rules = rules
        self._languages = languages
        self._patterns: dict[Pattern, Pattern] = {}
        self._signs: dict[tuple[int, ...], frozenset[int]] = {}
        self._at: dict[int, list[tuple[str, list[_Candidate]]]] = {}

    def found(self, symbol_spans: Mapping[int, list[Span]]) -> list[Match]:
        """The patterns of the languages that have a symbol in the sentence, always in one order."""
        present = set(map(self._languages.__getitem__, symbol_spans))
        absent = set(symbol_spans).isdisjoint
        found: dict[tuple[int, int, int], Match] = {}
        for symbol in symbol_spans:
            for language, candidates in self._candidates(symbol):
                if language in present:
                    for pattern, others in candidates:
                        if not any(map(absent, others)):
                            for match in matches_of(pattern, symbol_spans):
                                found[id(pattern), match.start, match.end] = match
        return list(found.values())

    def _candidates(self, symbol: int) -> list[tuple[str, list[_Candidate]]]:
        """The patterns of a symbol by language, unpacked the first time."""
        if symbol not in self._packed:
            return []
        if symbol not in self._at:
            patterns = patterns_in(self._packed[symbol], self._rules)
            self._at[symbol] = [
                (language, [self._candidate(pattern, symbol) for pattern in found])
                for language, found in patterns.items()
            ]
        return self._at[symbol]

    def _candidate(self, pattern: Pattern, symbol: int) -> _Candidate:
        known, symbols = self._patterns, self._signs
        others = tuple(
            symbols.setdefault(element.symbols, frozenset(element.symbols))
            for element in pattern.elements
            if symbol not in element.symbols
        )
        return known.setdefault(pattern, pattern), others


_OCCURRENCES = 8
_NEGATIONS = ("no", "donot")
"""The classes of words that deny what follows."""
_FEW = 2
_Hit = tuple[str, tuple[int, ...], Span]
"""A language, its symbols, and where they stand."""
_NO_SIGNS: dict[str, int] = {}
_LIKELY = 0.5
"""Languages that know fewer of the words than this share of the best are not read."""


class Phrases:
    """All patterns of some keyword sets, as texts are asked for them."""

    def __init__(self, tables: CompiledTables) -> None:
        names, phrases = tables.languages, tables.phrases
        self._languages = [names[place] for place in places_of(phrases.symbols)]
        self._named = phrases.named
        self.laughter = frozenset(self.symbols("laugh").values())
        self.leads = frozenset(self.symbols(LEAD).values())
        """Symbols of keywords in sentences."""
        self.lexicon = Lexicon(tables.lexicon, names, self._languages)
        self._everyday = frozenset(split_words(tables.everyday))
        self.loud = PatternIndex(phrases.loud, phrases.rules, self._languages)
        """Patterns that say something."""
        self.silent = PatternIndex(phrases.silent, phrases.rules, self._languages)
        """Patterns that only bear on what others say."""
        self._vocabulary = phrases.vocabulary

    def known(self, word: str, languages: Iterable[str]) -> bool:
        """Whether it is an everyday word, or one of the keyword sets of some languages."""
        return word in self._everyday or not self.lexicon.starts[word].languages.keys().isdisjoint(
            languages
        )

    def languages_of(self, word: str) -> Iterable[str]:
        """The languages whose keyword sets have wordings that begin with the word."""
        return self.lexicon.starts[word].languages

    def everyday(self, word: str) -> bool:
        """Whether it is one of the everyday words."""
        return word in self._everyday

    def pair(self, one: str, two: str) -> bool:
        """Whether a wording of more than one word begins with these two.

        What was found is not remembered: most of what is asked for are halves of words.
        """
        return two in self.lexicon.starts_of(one).followed

    def vocabulary(self, language: str) -> Iterable[str]:
        """The words of a language that others may be typos of."""
        return split_words(self._vocabulary.get(language, ""))

    def symbols(self, name: str) -> dict[str, int]:
        """The symbols of a class, by language."""
        return self._named.get(name, _NO_SIGNS)

    def negates(self, word: str, language: str) -> bool:
        """Whether a language denies with this word what follows: ``not``, which is no ``no``."""
        symbols = {self.symbols(name).get(language) for name in _NEGATIONS}
        return any(
            name == language and not symbols.isdisjoint(found)
            for name, found in self.lexicon.starts[word].alone
        )

    def languages(self, symbol_spans: Iterable[int]) -> Iterable[str]:
        """The languages of some symbols, each as often as it has one."""
        return map(self._languages.__getitem__, symbol_spans)

    def active_languages(self, words: list[str]) -> frozenset[str]:
        """The languages in which a text of these words must be looked at; mostly none."""
        alarms = self.lexicon.alarms
        found: set[str] = set()
        loud = [(at, alarm) for at, word in enumerate(words) if (alarm := alarms[word])]
        for at, (languages, neighbours) in loud:
            found |= languages
            if neighbours and at + 1 < len(words):
                found |= neighbours.get(fold(words[at + 1]), frozenset())
        return frozenset({*found, ANY_LANGUAGE}) if found else frozenset()

    def likely(
        self, sentences: Iterable[Sentence], active_languages: frozenset[str]
    ) -> frozenset[str]:
        """Of the languages that are active those that know the most words."""
        if len(active_languages) <= _FEW:
            return active_languages
        starts = self.lexicon.starts
        known = (starts[word].languages for sentence in sentences for word in sentence.exact)
        votes = Counter(filter(active_languages.__contains__, chain.from_iterable(known)))
        most = max(votes.values(), default=0)
        kept = {name for name, count in votes.items() if count >= _LIKELY * most}
        return frozenset({*kept, ANY_LANGUAGE})

    def occurrences(
        self, exact: list[str], folded: list[str], active_languages: frozenset[str]
    ) -> dict[int, list[Span]]:
        """Where each symbol of some languages occurs in a sentence."""
        symbol_spans: dict[int, list[Span]] = {}
        starts = self.lexicon.starts
        for at, word in enumerate(exact):
            begun = starts[word]
            if active_languages.isdisjoint(begun.languages):
                continue
            here = (at, at + 1)
            hits = [
                (name, symbols, here) for name, symbols in begun.alone if name in active_languages
            ]
            if at + 1 < len(exact):
                longer: list[_Hit] = [
                    (name, (symbol,), (at, at + 1 + len(rest)))
                    for symbol, rest, accents in begun.longer(folded[at + 1])
                    if (name := self._languages[symbol]) in active_languages
                    and follows(exact if accents else folded, at + 1, rest)
                ]
                if longer:
                    # language by language, as if there were no others
                    hits = sorted(hits + longer, key=lambda hit: begun.languages[hit[0]])
            for _, symbols, span in hits:
                _mark(symbols, span, symbol_spans)
        return symbol_spans


def _mark(symbols: Iterable[int], span: Span, symbol_spans: dict[int, list[Span]]) -> None:
    for symbol in symbols:
        spans = symbol_spans.get(symbol)
        if spans is None:
            symbol_spans[symbol] = [span]
        elif len(spans) < _OCCURRENCES:
            spans.append(span)
