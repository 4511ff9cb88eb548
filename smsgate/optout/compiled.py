"""The patterns of some keyword sets while they are made: see ``phrases.py``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from smsgate.optout.keywords import ANY_LANGUAGE, KeywordSets, Language
from smsgate.optout.patterns import (
    Element,
    Part,
    Pattern,
    Rule,
    Support,
    rules_of,
)
from smsgate.optout.signs import Signs

LEAD = "=lead"
"""The sign of keywords that may stand alone in a part of a sentence."""
_SILENT = frozenset({"none", "never", "mention", "doubt"})
"""What matters only beside something else, so that no text need be looked at for it."""
Index = dict[int, dict[str, list[Pattern]]]
"""Patterns by the sign that is met least often, and by their language."""
_QUIETLY = frozenset({*_SILENT, "weak"})
"""What is looked for only in texts that something else has woken, or that are short."""
_ALWAYS = frozenset({"all", "notall", "laugh"})
"""Classes that are asked for by name."""


class Compiled:
    """All patterns of some keyword sets, as they are made."""

    __slots__ = ("_by_anchor", "_loud", "_signs", "_silent", "_support", "everywhere", "lexicon")

    def __init__(self, sets: KeywordSets) -> None:
        """Compile the classes and phrases of every language, and the grammar for each."""
        self._signs = Signs(sets)
        self.everywhere = frozenset(sets.languages)
        """All languages."""
        self.lexicon = self._signs.lexicon
        self._loud: set[int] = set()
        self._by_anchor: Index = {}
        self._silent: Index = {}
        self._support: defaultdict[str, list[tuple[Support, list[frozenset[int]]]]]
        self._support = defaultdict(list)
        shared = rules_of(sets.grammar)
        own = {name: rules_of(language.phrases) for name, language in sets.languages.items()}
        for name, language in sets.languages.items():
            self._add_classes(language, _names(shared) | _names(own[name]) | _ALWAYS)
        for name, language in sets.languages.items():
            for rule in own[name]:
                if rule.anywhere:
                    self._add_support(rule, language)
                    continue
                self._add(rule, language, [self._of(part, language) for part in rule.parts])
            for rule in shared:
                if rule.anywhere:
                    self._add_support(rule, language)
                else:
                    self._add_rule(rule, language)

    def _add_classes(self, language: Language, used: frozenset[str]) -> None:
        for name, words in language.classes.items():
            if name in used:
                self._signs.add(name, words, language)
        for entry in language.entries:
            if entry.match == "lead":
                self._signs.add(LEAD, "", language)
                self._signs.wake_words(entry.words, LEAD, language)

    def _of(self, part: Part, language: Language) -> Element:
        if part.literal:
            signs: tuple[int, ...] = (self._signs.add(f"={part.literal}", part.literal, language),)
        else:
            signs = self._class_signs(part, (language.language, ANY_LANGUAGE))
        return Element(signs, part.gap_in(language))

    def _class_signs(self, part: Part, places: Iterable[str]) -> tuple[int, ...]:
        named = self._signs.named
        return tuple(
            named[name][place]
            for name in part.names
            for place in dict.fromkeys(places)
            if place in named[name]
        )

    def _add_rule(self, rule: Rule, language: Language) -> None:
        """One pattern of the grammar for one language, once for each element that is its own."""
        for own in range(len(rule.parts)):
            elements = [
                Element(
                    self._class_signs(part, _places(language.language, at - own)),
                    part.gap_in(language),
                )
                for at, part in enumerate(rule.parts)
            ]
            if all(element.signs for element in elements):
                self._add(rule, language, elements)

    def _add_support(self, rule: Rule, language: Language) -> None:
        """A hint: its elements anywhere in a text, in any order."""
        places = (language.language, ANY_LANGUAGE)
        elements = [frozenset(self._class_signs(part, places)) for part in rule.parts]
        if all(elements):
            support = Support(min(2, len(elements)), rule.written, language.language)
            self._support[language.language].append((support, elements))

    def _add(self, rule: Rule, language: Language, elements: list[Element]) -> None:
        """Index a pattern by the element that is met least often."""
        pattern = rule.compiled(language.language, tuple(elements))
        anchor = min(elements, key=lambda element: self._signs.often(element.signs))
        index = self._silent if rule.means in _SILENT else self._by_anchor
        for sign in anchor.signs:
            index.setdefault(sign, {}).setdefault(pattern.language, []).append(pattern)
            if rule.means not in _QUIETLY and sign not in self._loud:
                self._loud.add(sign)
                self._signs.wake(sign)


def _names(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules for part in rule.parts for name in part.names)


def _places(language: str, offset: int) -> tuple[str, ...]:
    """Whose words count: before its own element those for all languages, after it both."""
    if language == ANY_LANGUAGE or offset == 0:
        return (language,)
    return (ANY_LANGUAGE,) if offset < 0 else (language, ANY_LANGUAGE)
