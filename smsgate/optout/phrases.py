"""Wordings inside sentences: compiled from the keyword sets, found in linear time.

A pattern is a row of elements. An element is a literal wording (``lose my number``), or one of
the classes of its language (``{stop|quit}``); ``~3`` before an element lets up to three words
stand in between. Patterns of the shared grammar are made for every language: there each class
means the words of that language or of the set for all languages, and at least one element must
be of the language itself.

Nothing here backtracks without bound: the occurrences of a sign in one sentence are capped, and
so is the length of a sentence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smsgate.optout.keywords import ANY_LANGUAGE, KeywordSets, Language, Phrase, listed
from smsgate.optout.lexicon import Lexicon, wording
from smsgate.optout.normalise import fold

ALARMING = frozenset(
    {
        *("stop", "laststop", "forbid", "msg", "remove", "lastremove", "unsub", "dont", "wrong"),
        *("away", "start", "who", "sub", "contact", "shoo", "list", "notwish", "get", "wantnot"),
        *("back", "unsure", "machine", "dontlast", "unsubnot"),
    }
)
"""Classes of which one must occur in a text for any pattern to matter; the others are so common
that every text would have to be looked at."""
_OCCURRENCES = 12
_WIDER = 3
"""A gap of one word is this many characters where words are not parted."""

Span = tuple[int, int]


class Element(NamedTuple):
    """One element of a pattern: any of the signs, after at most ``gap`` other words."""

    signs: tuple[int, ...]
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


class Match(NamedTuple):
    """A pattern that was found, and the words that it covers."""

    pattern: Pattern
    start: int
    end: int


class Phrases:
    """All patterns of some keyword sets."""

    __slots__ = ("_by_anchor", "_signs", "lexicon", "signs_of_class", "unspaced")

    def __init__(self, sets: KeywordSets) -> None:
        """Compile the classes and phrases of every language, and the grammar for each."""
        self.lexicon = Lexicon()
        self.unspaced: set[str] = set()
        self._signs: dict[tuple[str, str], int] = {}
        self._by_anchor: defaultdict[int, list[Pattern]] = defaultdict(list)
        self.signs_of_class: defaultdict[str, set[int]] = defaultdict(set)
        for language in sets.languages.values():
            self._add_classes(language)
        for language in sets.languages.values():
            for phrase in language.phrases:
                self._add_phrase(phrase, language, anchors=(0,))
            for phrase in sets.grammar:
                self._add_rule(phrase, language)

    def _add_classes(self, language: Language) -> None:
        for name, words in language.classes.items():
            sign = self._sign(language.language, name)
            self.signs_of_class[name].add(sign)
            for word in spellings(listed(words), language):
                self._add_wording(word, sign, language, alarm=name in ALARMING)

    def _add_wording(self, word: str, sign: int, language: Language, *, alarm: bool) -> None:
        parts = wording(word)
        if not language.spaced:
            parts = ["".join(parts)]
            self.unspaced.add(fold(parts[0]))
        if parts and parts[0]:
            self.lexicon.add(parts, sign, tones=language.tones, alarm=alarm)

    def _sign(self, language: str, name: str) -> int:
        return self._signs.setdefault((language, name), len(self._signs))

    def _add_phrase(self, phrase: Phrase, language: Language, anchors: Iterable[int]) -> None:
        for written in listed(phrase.any):
            elements = self._elements(written, language)
            pattern = _pattern(phrase.means, written, language.language, elements)
            self._index(pattern, anchors)

    def _index(self, pattern: Pattern, anchors: Iterable[int]) -> None:
        for anchor in anchors:
            for sign in pattern.elements[anchor].signs:
                self._by_anchor[sign].append(pattern)

    def _elements(self, written: str, language: Language) -> tuple[Element, ...]:
        parts = _parts(written)
        alarmed = any(part[0] == "{" and ALARMING & _names(part) for part, _ in parts)
        found = []
        for part, gap in parts:
            signs = self._signs_of(part, language, alarm=not alarmed)
            found.append(Element(signs, gap if language.spaced else gap * _WIDER))
        return tuple(found)

    def _signs_of(self, part: str, language: Language, *, alarm: bool) -> tuple[int, ...]:
        if part[0] != "{":
            sign = self._sign(language.language, f"={part}")
            for spelling in spellings([part], language):
                self._add_wording(spelling, sign, language, alarm=alarm)
            return (sign,)
        return tuple(
            self._signs[place, name]
            for name in sorted(_names(part))
            for place in dict.fromkeys((language.language, ANY_LANGUAGE))
            if (place, name) in self._signs
        )

    def _add_rule(self, phrase: Phrase, language: Language) -> None:
        """One pattern of the grammar for one language, once for each element that is its own."""
        for written in listed(phrase.any):
            parts = _parts(written)
            for own in range(len(parts)):
                elements = tuple(
                    Element(
                        self._class_signs(part, language, own=at == own, shared=at < own),
                        gap if language.spaced else gap * _WIDER,
                    )
                    for at, (part, gap) in enumerate(parts)
                )
                if all(element.signs for element in elements):
                    self._index(
                        _pattern(phrase.means, written, language.language, elements), (own,)
                    )

    def _class_signs(
        self, part: str, language: Language, *, own: bool, shared: bool
    ) -> tuple[int, ...]:
        places = [] if shared else [language.language]
        if not own and language.language != ANY_LANGUAGE:
            places.append(ANY_LANGUAGE)
        return tuple(
            self._signs[place, name]
            for name in sorted(_names(part))
            for place in places
            if (place, name) in self._signs
        )

    def matches(self, seen: Mapping[int, list[Span]]) -> list[Match]:
        """Every pattern found in one sentence, given its signs; in no particular order."""
        found: set[Match] = set()
        for sign in seen:
            for pattern in self._by_anchor.get(sign, ()):
                found.update(_joined(pattern, seen))
        return list(found)

    def occurrences(self, exact: list[str], folded: list[str]) -> dict[int, list[Span]]:
        """Where each sign occurs in a sentence."""
        seen: dict[int, list[Span]] = {}
        starts = self.lexicon.starts
        for at, word in enumerate(exact):
            for sign, rest, accents in starts[word]:
                end = at + 1
                if rest and not _follows(exact if accents else folded, end, rest):
                    continue
                spans = seen.setdefault(sign, [])
                if len(spans) < _OCCURRENCES:
                    spans.append((at, end + len(rest)))
        return seen


def _follows(words: list[str], at: int, rest: tuple[str, ...]) -> bool:
    if at + len(rest) > len(words):
        return False
    for offset, wanted in enumerate(rest):
        word = words[at + offset]
        if word != wanted and not (wanted[-1] == "*" and word.startswith(wanted[:-1])):
            return False
    return True


def _joined(pattern: Pattern, seen: Mapping[int, list[Span]]) -> list[Match]:
    elements = pattern.elements
    found = []
    for sign in elements[0].signs:
        for start, end in seen.get(sign, ()):
            last = _rest(elements, 1, end, seen)
            if last >= 0:
                found.append(Match(pattern, start, last))
    return found


def _rest(elements: tuple[Element, ...], at: int, end: int, seen: Mapping[int, list[Span]]) -> int:
    """The end of the whole match or -1; each element takes the nearest occurrence that leads on."""
    if at == len(elements):
        return end
    limit = end + elements[at].gap
    spans = sorted(
        span
        for sign in elements[at].signs
        for span in seen.get(sign, ())
        if end <= span[0] <= limit
    )
    for _, stop in spans:
        last = _rest(elements, at + 1, stop, seen)
        if last >= 0:
            return last
    return -1


def _pattern(means: str, written: str, language: str, elements: tuple[Element, ...]) -> Pattern:
    return Pattern(
        means, written, language, elements, written.startswith("^"), written.endswith("$")
    )


def _parts(written: str) -> list[tuple[str, int]]:
    """The elements of a written pattern with the gap before each; literal words stay together."""
    parts: list[tuple[str, int]] = []
    gap = 0
    literal = False
    for piece in written.strip("^$ ").split():
        if piece.startswith("~"):
            gap, literal = int(piece[1:]), False
        elif piece.startswith("{"):
            parts.append((piece, gap))
            gap, literal = 0, False
        elif literal:
            parts[-1] = (f"{parts[-1][0]} {piece}", parts[-1][1])
        else:
            parts.append((piece, gap))
            gap, literal = 0, True
    return parts


def _names(part: str) -> frozenset[str]:
    return frozenset(part.strip("{}").split("|"))


def spellings(words: Iterable[str], language: Language) -> list[str]:
    """The words, and each with the language's other spellings (``ü`` as ``ue``)."""
    found = []
    for word in words:
        found.append(word)
        other = word
        for letter, written in language.other_spellings.items():
            other = other.replace(letter, written).replace(letter.upper(), written.upper())
        if other != word and fold(other) != fold(word):
            found.append(other)
    return found
