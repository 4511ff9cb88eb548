"""Wordings inside sentences: all that the keyword sets know, found in linear time.

Patterns of the shared grammar are made for every language: there each class means the words of
that language or of the set for all languages, and at least one element must be of the language
itself. Nothing backtracks without bound: the occurrences of a sign in one sentence are capped,
and so is the length of a sentence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from smsgate.optout.keywords import ANY_LANGUAGE
from smsgate.optout.lexicon import Begun, Lexicon, Remembering
from smsgate.optout.normalise import fold
from smsgate.optout.patterns import (
    NOTHING,
    Match,
    Pattern,
    Span,
    Support,
    follows,
    matches_of,
    patterns_in,
)
from smsgate.optout.reading import Sentence
from smsgate.optout.tables import Tables, parted, places_of

_OCCURRENCES = 8
_FEW = 2
_NO_SIGNS: dict[str, int] = {}
_LIKELY = 0.7
"""Languages that know fewer of the words than this share of the best are looked at later."""


class Phrases:
    """All patterns of some keyword sets, as texts are asked for them."""

    __slots__ = (
        "_classes",
        "_everyday",
        "_languages",
        "_loud",
        "_named",
        "_silent",
        "_support",
        "_vocabulary",
        "everywhere",
        "lexicon",
    )

    def __init__(self, tables: Tables) -> None:
        """Take what was compiled."""
        names, phrases = tables.languages, tables.phrases
        self.everywhere = frozenset(names)
        """All languages."""
        self._languages = [names[place] for place in places_of(phrases.signs)]
        self._named = phrases.named
        self._classes = [""] * len(self._languages)
        for name, signs in phrases.named.items():
            for sign in signs.values():
                self._classes[sign] = "" if name.startswith("=") else name
        self.lexicon = Lexicon(tables.lexicon, names, self._languages)
        self._everyday = frozenset(parted(tables.everyday))
        self._loud = _Index(phrases.loud, phrases.rules)
        self._silent = _Index(phrases.silent, phrases.rules)
        self._vocabulary = phrases.vocabulary
        self._support: defaultdict[str, list[tuple[Support, list[frozenset[int]]]]]
        self._support = defaultdict(list)
        for strength, written, language, elements in phrases.support:
            support = Support(strength, written, language)
            self._support[language].append((support, list(map(frozenset, elements))))

    def known(self, word: str, languages: Iterable[str]) -> bool:
        """Whether it is an everyday word, or one of the keyword sets of some languages."""
        return word in self._everyday or not self.lexicon.starts[word].keys().isdisjoint(languages)

    def languages_of(self, word: str) -> Iterable[str]:
        """The languages whose keyword sets have wordings that begin with the word."""
        return self.lexicon.starts[word].keys()

    def everyday(self, word: str) -> bool:
        """Whether it is one of the everyday words."""
        return word in self._everyday

    def pair(self, one: str, two: str) -> bool:
        """Whether a wording of more than one word begins with these two."""
        return any(two in begun.followed for begun in self.lexicon.starts[one].values())

    def vocabulary(self, language: str) -> Iterable[str]:
        """The words of the classes that a language's weak wordings are made of."""
        return parted(self._vocabulary.get(language, ""))

    def signs(self, name: str) -> dict[str, int]:
        """The signs of a class, by language."""
        return self._named.get(name, _NO_SIGNS)

    def languages(self, seen: Iterable[int]) -> Iterable[str]:
        """The languages of some signs, each as often as it has one."""
        return (self._languages[sign] for sign in seen)

    def support(self, seen: Collection[int]) -> Support:
        """The strongest hint whose signs are all seen."""
        found = [
            support
            for language in {self._languages[sign] for sign in seen}
            for support, elements in self._support.get(language, ())
            if not any(signs.isdisjoint(seen) for signs in elements)
        ]
        return max(found, default=NOTHING)

    def classes(self, heard: Sequence[Mapping[int, list[Span]]]) -> list[list[tuple[int, str]]]:
        """The classes in some sentences and where they begin, in the language that says most."""
        names, languages = self._classes, self._languages
        weight: Counter[str] = Counter()
        for seen in heard:
            for sign, spans in seen.items():
                if names[sign]:
                    weight[languages[sign]] += sum(end - start for start, end in spans)
        del weight[ANY_LANGUAGE]
        main = max(weight, key=weight.__getitem__, default=ANY_LANGUAGE)
        return [self._in_order(seen, main) for seen in heard]

    def _in_order(self, seen: Mapping[int, list[Span]], main: str) -> list[tuple[int, str]]:
        names, languages = self._classes, self._languages
        found = [
            (start, -end, names[sign])
            for sign, spans in seen.items()
            if names[sign] and languages[sign] in (main, ANY_LANGUAGE)
            for start, end in spans
        ]
        found.sort()
        return [(start, name) for start, _, name in found]

    def awake(self, words: list[str]) -> frozenset[str]:
        """The languages in which a text of these words must be looked at; mostly none."""
        alarms = self.lexicon.alarms
        found: set[str] = set()
        loud = [(at, alarm) for at, word in enumerate(words) if (alarm := alarms[word])]
        for at, (languages, neighbours) in loud:
            found |= languages
            if neighbours and at + 1 < len(words):
                found |= neighbours.get(fold(words[at + 1]), frozenset())
        return frozenset({*found, ANY_LANGUAGE}) if found else frozenset()

    def likely(self, sentences: Iterable[Sentence], awake: frozenset[str]) -> frozenset[str]:
        """Of the languages that are awake those that know the most words."""
        if len(awake) <= _FEW:
            return awake
        starts = self.lexicon.starts
        votes: Counter[str] = Counter()
        for sentence in sentences:
            for word in sentence.exact:
                votes.update(starts[word].keys() & awake)
        most = max(votes.values(), default=0)
        kept = {name for name, count in votes.items() if count > _LIKELY * most}
        return frozenset({*kept, ANY_LANGUAGE})

    def occurrences(
        self, exact: list[str], folded: list[str], awake: frozenset[str]
    ) -> dict[int, list[Span]]:
        """Where each sign of some languages occurs in a sentence."""
        seen: dict[int, list[Span]] = {}
        starts = self.lexicon.starts
        for at, word in enumerate(exact):
            for language, found in starts[word].items():
                if language in awake:
                    _note(at, found, exact, folded, seen)
        return seen

    def matches(self, seen: Mapping[int, list[Span]]) -> list[Match]:
        """Every pattern in one sentence that says something, given its signs."""
        return self._found(self._loud, seen)

    def silent(self, seen: Mapping[int, list[Span]]) -> list[Match]:
        """Every pattern that only bears on what others say."""
        return self._found(self._silent, seen)

    def _found(self, index: _Index, seen: Mapping[int, list[Span]]) -> list[Match]:
        """The patterns of the languages that have a sign in the sentence."""
        names = self._languages
        present = {names[sign] for sign in seen}
        found: dict[Match, None] = {}
        for sign in seen:
            for language, patterns in index[sign].items():
                if language in present:
                    for pattern in patterns:
                        if _possible(pattern, seen):
                            found.update(dict.fromkeys(matches_of(pattern, seen)))
        return list(found)


class _Index(Remembering[int, Mapping[str, list[Pattern]]]):
    """By the sign that is met least often and by language, the patterns; unpacked when met."""

    def __init__(self, packed: Mapping[int, str], rules: Sequence[tuple[str, str, bool]]) -> None:
        super().__init__(lambda sign: patterns_in(packed[sign], rules) if sign in packed else {})


def _possible(pattern: Pattern, seen: Mapping[int, list[Span]]) -> bool:
    """Whether each element has a sign in the sentence, wherever it stands."""
    for element in pattern.elements:
        for sign in element.signs:
            if sign in seen:
                break
        else:
            return False
    return True


def _note(
    at: int, begun: Begun, exact: list[str], folded: list[str], seen: dict[int, list[Span]]
) -> None:
    """Add the signs that begin with the word at a place."""
    end = at + 1
    for sign in begun.alone:
        _mark(sign, (at, end), seen)
    if end == len(exact) or not (begun.followed or begun.others):
        return
    for sign, rest, accents in (*begun.followed.get(folded[end], ()), *begun.others):
        if follows(exact if accents else folded, end, rest):
            _mark(sign, (at, end + len(rest)), seen)


def _mark(sign: int, span: Span, seen: dict[int, list[Span]]) -> None:
    spans = seen.get(sign)
    if spans is None:
        seen[sign] = [span]
    elif len(spans) < _OCCURRENCES:
        spans.append(span)
