"""The patterns of some keyword sets while they are made: see ``phrases.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from smsgate.classifier.patterns import (
    CONDITION,
    LEAD,
    ONE_CLASS,
    TWO_CLASSES,
    Element,
    Part,
    Rule,
    names_in,
    packed,
    rules_of,
)
from smsgate.classifier.respelling import correctable
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE, KeywordSets, Language
from smsgate.classifier.sets.tables import PhraseTables, joined, sign_of
from smsgate.classifier.signs import Signs

_SILENT = frozenset({"none", "never", "mention", "doubt"})
"""What matters only beside something else, so that no text need be looked at for it."""
_QUIETLY = frozenset({*_SILENT, "weak"})
"""What is looked for only in texts that something else has woken, or that are short."""
_ALWAYS = frozenset({"all", "notall", "laugh", CONDITION})
"""Classes that are asked for by name."""
Own = Mapping[str, list[Rule]]
"""The wordings of each language."""


class Compiling:
    """All patterns of some keyword sets, as they are made."""

    __slots__ = ("_loud", "_rules", "_shared", "_silent", "_support", "_woken", "signs")

    def __init__(self, sets: KeywordSets) -> None:
        """Compile the classes and phrases of every language, and the grammar for each."""
        self.signs = Signs(sets)
        self._woken: set[int] = set()
        self._loud: dict[int, list[str]] = {}
        self._silent: dict[int, list[str]] = {}
        self._rules: dict[tuple[str, str, bool], int] = {}
        self._support: list[tuple[int, str, str, list[list[int]]]] = []
        self._shared = rules_of(sets.grammar)
        own = {name: rules_of(language.phrases) for name, language in sets.languages.items()}
        for name, language in sets.languages.items():
            self._add_classes(language, own[name])
        for name, language in sets.languages.items():
            self._add_rules(language, own[name])

    def tables(self, places: Mapping[str, int]) -> PhraseTables:
        """What was compiled; languages are named by their places."""
        signs = self.signs
        named = {name: each for name, each in signs.named.items() if _asked_for(name)}
        return PhraseTables(
            signs="".join(sign_of(places[name]) for name in signs.languages),
            named=named,
            rules=list(self._rules),
            loud={sign: "\n".join(lines) for sign, lines in self._loud.items()},
            silent={sign: "\n".join(lines) for sign, lines in self._silent.items()},
            support=self._support,
            vocabulary=self._vocabulary(),
        )

    def _vocabulary(self) -> dict[str, str]:
        used: dict[str, set[int]] = {}
        for _, _, language, elements in self._support:
            used.setdefault(language, set()).update(sign for each in elements for sign in each)
        return {
            language: joined(sorted(filter(correctable, self.signs.words_of(signs))))
            for language, signs in used.items()
        }

    def _add_classes(self, language: Language, own: list[Rule]) -> None:
        used = names_in(self._shared) | names_in(own) | _ALWAYS
        classes = {name: text for name, text in language.classes.items() if name in used}
        literals = {f"={part.literal}": part.literal for rule in own for part in rule.parts}
        self.signs.read(classes | literals, language)
        for name in classes:
            self.signs.add(name, language)
        for entry in language.entries:
            if entry.match == "lead":
                self.signs.add(LEAD, language)
                self.signs.wake_words(entry.words, LEAD, language)

    def _add_rules(self, language: Language, own: Iterable[Rule]) -> None:
        for rule in own:
            if rule.anywhere:
                self._add_support(rule, language)
            else:
                self._add(rule, language, [self._of(part, language) for part in rule.parts])
        for rule in self._shared:
            if rule.anywhere:
                self._add_support(rule, language)
            else:
                self._add_rule(rule, language)

    def _of(self, part: Part, language: Language) -> Element:
        if part.literal:
            signs: tuple[int, ...] = (self.signs.add(f"={part.literal}", language),)
        else:
            signs = self._class_signs(part, (language.language, ANY_LANGUAGE))
        return Element(signs, part.gap_in(language))

    def _class_signs(self, part: Part, places: Iterable[str]) -> tuple[int, ...]:
        named = self.signs.named
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
            if not self._class_signs(there, (code,)):
                continue
            elements = [
                Element(self._class_signs(part, _places(code, at - own)), part.gap_in(language))
                for at, part in enumerate(rule.parts)
            ]
            if all(element.signs for element in elements):
                self._add(rule, language, elements)

    def _add_support(self, rule: Rule, language: Language) -> None:
        """A hint: its elements anywhere in a text, in any order."""
        places = (language.language, ANY_LANGUAGE)
        elements = [list(self._class_signs(part, places)) for part in rule.parts]
        if all(elements):
            strength = ONE_CLASS if len(elements) == 1 else TWO_CLASSES
            self._support.append((strength, rule.written, language.language, elements))

    def _add(self, rule: Rule, language: Language, elements: list[Element]) -> None:
        """Index a pattern by the element that is met least often."""
        key = rule.means, rule.written, rule.firm
        line = packed(self._rules.setdefault(key, len(self._rules)), elements)
        anchor = min(elements, key=lambda element: self.signs.often(element.signs))
        index = self._silent if rule.means in _SILENT else self._loud
        for sign in anchor.signs:
            index.setdefault(sign, []).append(f"{language.language} {line}")
            if rule.means not in _QUIETLY and sign not in self._woken:
                self._woken.add(sign)
                self.signs.wake(sign)


def _asked_for(name: str) -> bool:
    """Whether it is a class, or the sign of keywords: not a wording of its own."""
    return name == LEAD or not name.startswith("=")


def _places(language: str, offset: int) -> tuple[str, ...]:
    """Whose words count: before its own element those for all languages, after it both."""
    if language == ANY_LANGUAGE or offset == 0:
        return (language,)
    return (ANY_LANGUAGE,) if offset < 0 else (language, ANY_LANGUAGE)
