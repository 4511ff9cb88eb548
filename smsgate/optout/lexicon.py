"""Which signs a word may stand for.

A sign is a number: one per language and class of words (``es`` ``stop``), and one per literal
wording of a phrase. The lexicon maps the words of a text to signs, by whole word, by the
beginning of a word (``unsubscri*``), and for entries of several words by the first of them.
What a word stands for is worked out once and remembered.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from smsgate.optout.normalise import PAUSE, clean, fold, tokens

Start = tuple[int, tuple[str, ...], bool]
"""A sign, the words that must follow, and whether those are compared with their accents."""


class Begun(NamedTuple):
    """What a word may begin in one language."""

    alone: tuple[int, ...]
    """Signs of the word itself."""
    followed: Mapping[str, tuple[Start, ...]]
    """Longer wordings by their second word, without accents."""
    others: tuple[Start, ...]
    """Longer wordings whose second word has accents that count, or is the beginning of one."""


Starts = Mapping[str, Begun]
"""By language, the signs that a word may begin."""

Alarm = tuple[frozenset[str], Mapping[str, frozenset[str]]]
"""Languages for a word whatever follows it, and languages by the word that follows."""

_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_JOINED = frozenset("\u05d5\u05e9\u0648\u0641")
"""Hebrew and Arabic letters that are written onto the next word: and, that, so."""
_JOINED_FROM = 3
_REMEMBERED = 50_000
_SHORTEST = 2
_Found = TypeVar("_Found")
_Table = defaultdict[str, list[tuple[str, Start]]]


class Lexicon:
    """Words to signs."""

    __slots__ = (
        "_alarm_stems",
        "_alarms",
        "_exact",
        "_folded",
        "_lengths",
        "_pairs",
        "_plain",
        "_stems",
        "_tonal",
        "alarms",
        "starts",
    )  # fmt: skip

    def __init__(self) -> None:
        """Start empty."""
        self._folded: _Table = defaultdict(list)
        self._exact: _Table = defaultdict(list)
        self._plain: _Table = defaultdict(list)
        self._stems: _Table = defaultdict(list)
        self._pairs: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self._lengths: set[int] = set()
        self._tonal: set[str] = set()
        self._alarms: defaultdict[str, set[str]] = defaultdict(set)
        self._alarm_stems: defaultdict[str, set[str]] = defaultdict(set)
        self.starts = _Remembering(self.starts_of)
        self.alarms = _Remembering(self.alarms_of)

    def add(self, wording: Sequence[str], sign: int, language: str, *, tones: bool) -> None:
        """Let a wording (words, each perhaps ending in ``*``) stand for a sign.

        Args:
            wording: the words, with their accents where ``tones``, else without.
            sign: what they stand for.
            language: whose wording it is.
            tones: whether accents tell words apart, as in Vietnamese. Then a word written
                without any matches only as part of a longer wording.
        """
        if not tones:
            self._put(self._folded, tuple(wording), sign, language)
            return
        plain = tuple(fold(word) for word in wording)
        self._tonal.add(language)
        self._exact[wording[0]].append((language, (sign, tuple(wording[1:]), True)))
        if len(wording) > 1 or plain == tuple(wording):
            self._put(self._plain, plain, sign, language)

    def _put(self, table: _Table, plain: tuple[str, ...], sign: int, language: str) -> None:
        first = plain[0]
        if first.endswith("*"):
            table = self._stems
            first = first[:-1]
            self._lengths.add(len(first))
        table[first].append((language, (sign, plain[1:], False)))

    def alarm(self, mark: tuple[str, ...], language: str) -> None:
        """Have every text with a word, or with two neighbours, looked at in this language."""
        first = mark[0]
        if len(mark) == 1 and first.endswith("*"):
            self._alarm_stems[fold(first[:-1])].add(language)
            self._lengths.add(len(fold(first)) - 1)
            return
        if language not in self._tonal:
            # its wordings have come without accents
            spelt = {first}
        else:
            spelt = {first} if len(mark) == 1 else {first, fold(first)}
        for spelling in spelt:
            if len(mark) == 1:
                self._alarms[spelling].add(language)
            else:
                self._pairs[spelling][fold(mark[1])].add(language)

    def starts_of(self, word: str) -> Starts:
        """By language, all signs that a word may begin."""
        plain = fold(word)
        if _DRAWN_OUT.search(plain):
            plain = self._shortened(plain)
        found = [*self._folded.get(plain, ()), *self._exact.get(word, ())]
        if len(plain) > _JOINED_FROM and plain[0] in _JOINED:
            found += self._folded.get(plain[1:], ())
        if word == plain:
            found += self._plain.get(word, ())
        for stem in self._stems_of(plain):
            found += self._stems.get(stem, ())
        by_language: defaultdict[str, list[Start]] = defaultdict(list)
        for language, start in dict.fromkeys(found):
            by_language[language].append(start)
        return {language: _begun(starts) for language, starts in by_language.items()}

    def alarms_of(self, word: str) -> Alarm | None:
        """The languages in which a text with this word must be looked at, and by neighbour.

        Nothing for most words, so that they cost one look each.
        """
        plain = fold(word)
        if _DRAWN_OUT.search(plain):
            plain = self._shortened(plain)
        found = {*self._alarms.get(plain, ()), *self._alarms.get(word, ())}
        if len(plain) > _JOINED_FROM and plain[0] in _JOINED:
            found.update(self._alarms.get(plain[1:], ()))
        for stem in self._stems_of(plain):
            found |= self._alarm_stems.get(stem, set())
        if plain not in self._pairs:
            return (frozenset(found), {}) if found else None
        neighbours = {other: frozenset(names) for other, names in self._pairs[plain].items()}
        return frozenset(found), neighbours

    def _shortened(self, plain: str) -> str:
        """A word with drawn out letters as it is usually written: ``stoppp``, ``pleeease``."""
        for shorter in (_DRAWN_OUT.sub(r"\1", plain), _DRAWN_OUT.sub(r"\1\1", plain)):
            if shorter in self._folded or shorter in self._alarms:
                return shorter
        return plain

    def _stems_of(self, plain: str) -> Iterable[str]:
        return (plain[:size] for size in self._lengths if _SHORTEST <= size <= len(plain))


def _begun(starts: Iterable[Start]) -> Begun:
    alone: list[int] = []
    followed: defaultdict[str, list[Start]] = defaultdict(list)
    others: list[Start] = []
    for start in starts:
        sign, rest, accents = start
        if not rest:
            alone.append(sign)
        elif accents or rest[0].endswith("*"):
            others.append(start)
        else:
            followed[rest[0]].append(start)
    by_second = {word: tuple(found) for word, found in followed.items()}
    return Begun(tuple(alone), by_second, tuple(others))


class _Remembering(dict[str, _Found]):
    def __init__(self, find: Callable[[str], _Found]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> _Found:
        if len(self) > _REMEMBERED:
            self.clear()
        self[word] = found = self._find(word)
        return found


def wording(text: str) -> list[str]:
    """A wording of a keyword set as words; a ``*`` at the end of one stays."""
    return [word for part in wordings(text) for word in part]


def wordings(text: str) -> list[list[str]]:
    """The wordings of a comma separated list, each as words."""
    # a letter that nobody writes stands in for the star, which is no part of a word
    cleaned, _ = clean(text.replace("*", "ˬ"), whole=True)
    found: list[list[str]] = [[]]
    for token in tokens(cleaned):
        if token == PAUSE:
            found.append([])
        else:
            found[-1].append(token.replace("ˬ", "*"))
    return [words for words in found if words]
