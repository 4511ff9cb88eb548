"""The lexicon and the patterns of keyword sets, compiled.

A wording is a row of elements. An element is a literal wording (``lose my number``), or one of the
classes of its language (``{stop|quit}``). ``~3`` before an element lets up to three words stand in
between; ``^`` asks for the beginning of the sentence, ``$`` for its end, where politeness may stand
outside.

Most texts are skipped after one look at each word. The classifier reads a text closely only in
the languages whose rarest words it holds: for each wording the word that is met least often, or
where all its words are everyday ones, the two neighbours that are.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smsgate.classifier.lexicon import LexiconBuilder, parse_wordings
from smsgate.classifier.normalize import PUNCTUATION, fold, has_unspaced, letters
from smsgate.classifier.phrases import CONDITION, LEAD, Element, packed
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE, KeywordSets, Language, Phrase, listed
from smsgate.classifier.sets.tables import (
    PhraseTables,
    join_words,
    mark_of,
)
from smsgate.classifier.typos import correctable

WIDER = 3
"""A gap of one word is this many characters where words are not parted."""


class PatternPart(NamedTuple):
    """An element as it is written: a literal, or names of classes."""

    literal: str
    names: tuple[str, ...]
    gap: int

    def gap_in(self, language: Language) -> int:
        """How many words, or characters of an unspaced script, may stand before it."""
        return self.gap if language.spaced else self.gap * WIDER


def parts_of(written: str) -> list[PatternPart]:
    """The elements of a written pattern; literal words stay together."""
    parts: list[PatternPart] = []
    gap = 0
    literal = False
    for piece in written.strip("^$ ").split():
        if piece.startswith("~"):
            gap, literal = int(piece[1:]), False
        elif piece.startswith("{"):
            parts.append(PatternPart("", tuple(sorted(piece.strip("{}").split("|"))), gap))
            gap, literal = 0, False
        elif literal:
            parts[-1] = parts[-1]._replace(literal=f"{parts[-1].literal} {piece}")
        else:
            parts.append(PatternPart(piece, (), gap))
            gap, literal = 0, True
    return parts


class Rule(NamedTuple):
    """A wording as it is written, before its classes have symbols."""

    means: str
    written: str
    firm: bool
    parts: list[PatternPart]


def rules_of(phrases: Iterable[Phrase]) -> list[Rule]:
    """The wordings of some phrases, one by one."""
    return [
        Rule(phrase.means, written, phrase.firm, parts_of(written))
        for phrase in phrases
        for written in listed(phrase.any)
    ]


def names_in(rules: Iterable[Rule]) -> frozenset[str]:
    """The classes that some wordings name."""
    return frozenset(name for rule in rules for part in rule.parts for name in part.names)


def spellings(text: str, language: Language) -> list[str]:
    """A text, and where the language has other spellings (``ü`` as ``ue``) with those as well."""
    other = text
    for letter, written in language.other_spellings.items():
        other = other.replace(letter, written).replace(letter.upper(), written.upper())
    return [text] if other == text or fold(other) == fold(text) else [text, other]


EVERYDAY = "quiet"
"""The class of everyday words, the most frequent first."""
REAL = "not_typos"
"""The class of words that are no typos."""
_RARELY = 1 / 5000
_TOGETHER = 3.0
"""Two words stand side by side more often than chance would have it, by about this much."""
_Mark = tuple[float, str]
"""How often a wording is met at most, and the word or the two that say so."""


class SymbolTable:
    """All symbols of some keyword sets."""

    def __init__(self, sets: KeywordSets) -> None:
        self.index = LexiconBuilder(list(sets.languages))
        self.unspaced: set[str] = set()
        """Words of scripts without spaces, for the segmenter."""
        self.languages: list[str] = []
        """The language of each symbol."""
        self.named: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By class, the symbol in each language."""
        self._ids: dict[tuple[str, str], int] = {}
        self._words: list[list[str]] = []
        self._read: dict[tuple[str, str], list[str]] = {}
        self._marks: list[list[_Mark]] = []
        self._often: list[float] = []
        """By symbol, how often it is met in ordinary texts, roughly."""
        self.real = [fold(word.casefold()) for word in sets.words(REAL)]
        """Words that are no typos."""
        self._everyday = {
            word: 1 / (place + 10)
            for language in sets.languages.values()
            for place, word in enumerate(listed(language.classes.get(EVERYDAY, "")))
        }

    def read(self, texts: Mapping[str, str], language: Language) -> None:
        """Read the words of all symbols that a language may need at one go, which is faster."""
        found = _wordings(list(texts.values()), language)
        code = language.language
        self._read |= {(code, name): words for name, words in zip(texts, found, strict=True)}

    def add(self, name: str, language: Language) -> int:
        """The symbol of a class or literal that was read, with its words the first time."""
        key = (language.language, name)
        symbol = self._ids.get(key)
        if symbol is not None:
            return symbol
        symbol = self._ids[key] = len(self.languages)
        self.languages.append(language.language)
        self.named[name][language.language] = symbol
        found = self._read.pop(key, [])
        self._words.append(found)
        self._marks.append([self._rarest(words) for words in found])
        self._often.append(sum(often for often, _ in self._marks[symbol]))
        self.index.add(found, symbol, language)
        if not language.spaced:
            self.unspaced.update(words.replace(" ", "") for words in found)
        return symbol

    def words_of(self, symbols: Iterable[int]) -> set[str]:
        """The single words of some symbols."""
        return {
            word for symbol in symbols for words in self._words[symbol] for word in words.split()
        }

    def everyday(self) -> Iterable[str]:
        """Everyday words, and those that are no typos."""
        return dict.fromkeys((*self._everyday, *self.real))

    def often(self, symbols: tuple[int, ...]) -> float:
        """How often any of the symbols is met in ordinary texts, roughly."""
        return sum(self._often[symbol] for symbol in symbols)

    def add_alarms(self, symbol: int) -> None:
        """Have every text that may hold the symbol looked at."""
        language = self.languages[symbol]
        for _, mark in self._marks[symbol]:
            self.index.alarm(mark, language)

    def add_keyword_alarms(self, words: str, name: str, language: Language) -> None:
        """Have every text with one of the keywords looked at, and mark them with a symbol."""
        (found,) = _wordings([words], language)
        self.index.add(found, self.named[name][language.language], language)
        for wording in found:
            self.index.alarm(self._rarest(wording)[1], language.language)

    def _rarest(self, wording: str) -> _Mark:
        quiet = self._everyday
        if " " not in wording:
            return quiet.get(wording, _RARELY), wording
        parts = wording.split()
        if not wording.isascii() and has_unspaced(parts[0]):
            return _RARELY, " ".join(parts[:2])
        worded = [word for word in parts if word not in PUNCTUATION] or parts
        rarest = min((quiet.get(word, _RARELY), -len(word), word) for word in worded)
        if rarest[0] <= _RARELY:
            return rarest[0], rarest[2]
        pairs = [
            (_TOGETHER * quiet.get(one, _RARELY) * quiet.get(two, _RARELY), (one, two))
            for one, two in itertools.pairwise(parts)
            if "*" not in one + two and PUNCTUATION.isdisjoint((one, two))
        ]
        often, mark = min([(rarest[0], (rarest[2],)), *pairs])
        return often, " ".join(mark)


def _wordings(texts: list[str], language: Language) -> list[list[str]]:
    """The wordings of some lists: without accents, except where those count."""
    counts, written = [], []
    for text in texts:
        spelled = spellings(text, language)
        counts.append(len(spelled))
        written += spelled
    found = iter(parse_wordings(written, folded=not language.tones))
    read = [[one for each in itertools.islice(found, count) for one in each] for count in counts]
    if language.spaced:
        return read
    return [[" ".join(letters([one.replace(" ", "")])) for one in each] for each in read]


_SILENT = frozenset({"none", "never", "mention", "doubt"})
"""What matters only beside something else, so that no text need be looked at for it."""
_ALWAYS = frozenset({"all", "notall", "laugh", "mailing", CONDITION})
"""Classes that are asked for by name."""


class PhraseCompiler:
    """All patterns of some keyword sets, as they are made."""

    def __init__(self, sets: KeywordSets) -> None:
        self.symbols = SymbolTable(sets)
        self._alarmed: set[int] = set()
        self._loud: dict[int, list[str]] = {}
        self._silent: dict[int, list[str]] = {}
        self._rules: dict[tuple[str, str, bool], int] = {}
        self._shared = rules_of(sets.grammar)
        own = {name: rules_of(language.phrases) for name, language in sets.languages.items()}
        for name, language in sets.languages.items():
            self._add_classes(language, own[name])
        for name, language in sets.languages.items():
            self._add_rules(language, own[name])

    def tables(self, places: Mapping[str, int]) -> PhraseTables:
        """What was compiled; languages are named by their places."""
        symbols = self.symbols
        # nobody asks for the symbols of literal wordings
        literal = {name for name in symbols.named if name.startswith("=")} - {LEAD}
        named = {name: each for name, each in symbols.named.items() if name not in literal}
        return PhraseTables(
            symbols="".join(mark_of(places[name]) for name in symbols.languages),
            named=named,
            rules=list(self._rules),
            loud={symbol: "\n".join(lines) for symbol, lines in self._loud.items()},
            silent={symbol: "\n".join(lines) for symbol, lines in self._silent.items()},
            vocabulary=self._vocabulary(),
        )

    def _vocabulary(self) -> dict[str, str]:
        """The words of the classes that the grammar's patterns are made of, by language."""
        names = names_in(rule for rule in self._shared if rule.means not in _SILENT)
        used: dict[str, set[int]] = {}
        for name in names:
            for language, symbol in self.symbols.named.get(name, {}).items():
                used.setdefault(language, set()).add(symbol)
        return {
            language: join_words(sorted(filter(correctable, self.symbols.words_of(symbols))))
            for language, symbols in used.items()
        }

    def _add_classes(self, language: Language, own: list[Rule]) -> None:
        used = names_in(self._shared) | names_in(own) | _ALWAYS
        classes = {name: text for name, text in language.classes.items() if name in used}
        literals = {f"={part.literal}": part.literal for rule in own for part in rule.parts}
        self.symbols.read(classes | literals, language)
        for name in classes:
            self.symbols.add(name, language)
        for entry in language.entries:
            if entry.match == "lead":
                self.symbols.add(LEAD, language)
                self.symbols.add_keyword_alarms(entry.words, LEAD, language)

    def _add_rules(self, language: Language, own: Iterable[Rule]) -> None:
        for rule in own:
            self._add(rule, language, [self._of(part, language) for part in rule.parts])
        for rule in self._shared:
            self._add_rule(rule, language)

    def _of(self, part: PatternPart, language: Language) -> Element:
        if part.literal:
            symbols: tuple[int, ...] = (self.symbols.add(f"={part.literal}", language),)
        else:
            symbols = self._class_symbols(part, (language.language, ANY_LANGUAGE))
        return Element(symbols, part.gap_in(language))

    def _class_symbols(self, part: PatternPart, places: Iterable[str]) -> tuple[int, ...]:
        named = self.symbols.named
        return tuple(
            named[name][place]
            for name in part.names
            if name in named
            for place in dict.fromkeys(places)
            if place in named[name]
        )

    def _add_rule(self, rule: Rule, language: Language) -> None:
        """One pattern of the grammar for one language, once for each element that is its own."""
        code = language.language
        for own, there in enumerate(rule.parts):
            if not self._class_symbols(there, (code,)):
                continue
            elements = [
                Element(self._class_symbols(part, _places(code, at - own)), part.gap_in(language))
                for at, part in enumerate(rule.parts)
            ]
            if all(element.symbols for element in elements):
                self._add(rule, language, elements)

    def _add(self, rule: Rule, language: Language, elements: list[Element]) -> None:
        """Index a pattern by the element that is met least often."""
        key = rule.means, rule.written, rule.firm
        line = packed(self._rules.setdefault(key, len(self._rules)), elements)
        anchor = min(elements, key=lambda element: self.symbols.often(element.symbols))
        index = self._silent if rule.means in _SILENT else self._loud
        for symbol in anchor.symbols:
            index.setdefault(symbol, []).append(f"{language.language} {line}")
            if rule.means not in _SILENT and symbol not in self._alarmed:
                self._alarmed.add(symbol)
                self.symbols.add_alarms(symbol)


def _places(language: str, offset: int) -> tuple[str, ...]:
    """Whose words count: before its own element those for all languages, after it both."""
    if language == ANY_LANGUAGE or offset == 0:
        return (language,)
    return (ANY_LANGUAGE,) if offset < 0 else (language, ANY_LANGUAGE)
