"""How wordings inside sentences are written, and how one is found.

A pattern is a row of elements. An element is a literal wording (``lose my number``), or one of
the classes of its language (``{stop|quit}``). ``~3`` before an element lets up to three words
stand in between; ``^`` asks for the beginning of the sentence, ``$`` for its end, where politeness
may stand outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from smsgate.classifier.normalize import fold
from smsgate.classifier.sets.keyword_sets import Language, Phrase, listed

WIDER = 3
"""A gap of one word is this many characters where words are not parted."""

WITHOUT_EFFECT = ("weak", "hint")
"""Meanings of older releases that supported the model, which needs no support any more."""

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


def rules_of(phrases: Iterable[Phrase]) -> list[Rule]:
    """The wordings of some phrases, one by one."""
    return [
        Rule(phrase.means, written, phrase.firm, parts_of(written))
        for phrase in phrases
        if phrase.means not in WITHOUT_EFFECT
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
