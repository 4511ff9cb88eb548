"""Short texts as keywords: polite, repeated, misspelt, or an echo of our instruction.

Echoes (stop2end, quit to end, txt STOP 2 unsub) are the most frequent form of all in real replies;
people type them from memory, with typos.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from smsgate.classifier.keywords import Keyword, KeywordIndex, key_of
from smsgate.classifier.lexicon import wording
from smsgate.classifier.normalize import fold, folded
from smsgate.classifier.sets.tables import CompiledTables
from smsgate.classifier.typos import (
    DOUBLED,
    Corrector,
    is_one_edit,
    replace_leet,
    variants,
)

_PARTS = re.compile(r"[a-z]+|[0-9]+")
_LINKS = frozenset({"2", "to", "too", "two", "for", "4", "3", "1", "and", "n", "or"})
_MOST = 7


class Echoes:
    """Knows the words that instructions are made of, as data says them."""

    def __init__(self, tables: CompiledTables) -> None:
        self._verbs = tuple(tables.each("echo_verb"))
        self._first = tuple(tables.each("echo_first"))
        self._ends = tuple(tables.each("echo_end"))

    def found(self, words: Sequence[str]) -> str:
        """The echo as it would be printed, or nothing where the words are none."""
        if len(words) > _MOST:
            return ""
        parts = [part for word in words for part in _PARTS.findall(fold(word))]
        while parts and parts[0] in self._verbs:
            parts.pop(0)
        if len(parts) < 3 or parts[1] not in _LINKS:
            return ""
        first, last = _meant(parts[0], self._first), _meant("".join(parts[2:]), self._ends)
        return f"{first} {parts[1]} {last}" if first and last else ""


def _meant(word: str, known: Sequence[str]) -> str:
    if word in known:
        return word
    return next(
        (end for end in known if len(end) > 2 and len(word) > 2 and is_one_edit(word, end)), ""
    )


Found = tuple[Keyword, str, tuple[str, ...]]
"""The keyword, the rule that found it, and what had to be done to the text."""

_Candidate = tuple[str, tuple[str, ...], list[str]]
_CORRECTED = 3
"""Words up to which typos are corrected."""
_WRITTEN_AGAIN = re.compile(r"([^\W\d]{4,8}?)\1{1,9}")
"""A word written several times without blanks: ``stopstopstop``."""
EVERYTHING = "everything"
"""The step that takes an ``all`` from behind a keyword."""
_LONGEST_ALL = 3
"""Words of the longest word for all."""
_LONG_ENOUGH = 6
"""Letters from which the keywords of all languages are corrected to; the named ones from four."""


class KeywordVariants:
    """Reads a short text as a keyword."""

    def __init__(self, tables: CompiledTables, keywords: KeywordIndex) -> None:
        self._keywords = keywords
        real = {key for key, found in keywords if not found.entry.opts_out}
        real.update(tables.each("not_typos"))
        single = (word for word in tables.each("all") if " " not in word)
        self._all = frozenset([*single, *tables.each("everything")])
        named = tables.each("correct_to")
        self._plainest = frozenset(named)
        long = (
            key
            for key, keyword in keywords
            if keyword.stops and key.isalpha() and len(key) >= _LONG_ENOUGH
        )
        self._corrector = Corrector([*named, *long], named, real)

    def found(self, words: list[str]) -> Found | None:
        """The keyword that the words of a short text are, if they are one."""
        for rule, steps, candidate in self._candidates(words):
            keyword = self._keywords.find(candidate)
            if keyword is not None and (keyword.entry.match != "whole" or not steps):
                return keyword, rule, steps
        return None

    def _candidates(self, words: list[str]) -> Iterator[_Candidate]:
        if len(words) > 1 and all(len(word) == 1 for word in words):
            # before politeness goes, of which some is a single letter
            yield "keyword_spelt", ("spaced letters",), ["".join(words)]
        bare = self._keywords.strip_politeness(words)
        if not bare:
            yield from self._repeated(words)
            yield from self._among(words)
            return
        if len(bare) < len(words):
            yield from self._without_politeness(words, bare)
        for length in range(1, min(_LONGEST_ALL, len(bare) - 1) + 1):
            if key_of(folded(bare[-length:])) in self._all:
                yield "keyword_politely", (EVERYTHING,), bare[:-length]
        yield from self._repeated(bare)
        for name, other in self._spelt(bare):
            yield "keyword_spelt", (name,), other
            yield "keyword_spelt", (name, "politeness"), self._keywords.strip_politeness(other)
        yield from self._typo_candidates(bare)

    def _spelt(self, words: list[str]) -> Iterator[tuple[str, list[str]]]:
        """Other readings; of double letters only as one of the plainest keywords."""
        for name, other in variants(words):
            if name != DOUBLED or " ".join(other) in self._plainest:
                yield name, other

    def _among(self, words: list[str]) -> Iterator[_Candidate]:
        """A word that is politeness in another language: ``ÇIK lütfen``, where ``cik`` is Miss.

        And the yes of an answer, which is politeness beside other keywords: ``sí por favor``.
        """
        found = [(word, self._keywords.find([word])) for word in words]
        stops = (word for word, keyword in found if keyword is not None and keyword.stops)
        answers = (word for word, keyword in found if keyword is not None and keyword.entry.ask)
        for word in (*stops, *answers):
            yield "keyword_politely", ("politeness",), [word]

    def _typo_candidates(self, words: list[str]) -> Iterator[_Candidate]:
        text = " ".join(words)
        for plain in (replace_leet(text).split(), replace_leet(text.replace("1", "i")).split()):
            if plain == words or len("".join(plain)) == 1:
                continue
            yield "keyword_spelt", ("letters for digits",), plain
            for name, other in self._spelt(plain):
                yield "keyword_spelt", ("letters for digits", name), other
        if len(words) <= _CORRECTED:
            yield from self._corrected(words)

    def _without_politeness(self, words: list[str], bare: list[str]) -> Iterator[_Candidate]:
        """Without the politeness behind, before, or on both sides: ``no more`` is none."""
        first, last = self._keywords.politeness_bounds(words)
        for end in range(len(words) - 1, last - 1, -1):
            yield "keyword_politely", ("politeness",), words[:end]
        for start in range(1, first + 1):
            yield "keyword_politely", ("politeness",), words[start:]
        yield "keyword_politely", ("politeness",), bare

    def _repeated(self, words: list[str]) -> Iterator[_Candidate]:
        if len(set(words)) == 1:
            yield "keyword_repeated", ("repetition",), words[:1]
        half = len(words) // 2
        if words[:half] == words[half:]:
            yield "keyword_repeated", ("repetition",), words[:half]
        written = _WRITTEN_AGAIN.fullmatch(words[0]) if len(words) == 1 else None
        if written:
            yield "keyword_repeated", ("repetition",), [written[1]]

    def _correct(self, word: str) -> str:
        """A word without its typo; accents that the keyword has not are no second one."""
        plain = fold(word)
        found = self._corrector.correct(plain)
        accented = plain.isascii() and not word.isascii() and "ı" not in word
        return word if not found or (accented and found.isascii() and found != plain) else found

    def _corrected(self, words: Sequence[str]) -> Iterator[_Candidate]:
        corrected = [self._correct(word) for word in words]
        if corrected != list(words):
            yield "keyword_typo", ("typo",), corrected
            yield "keyword_typo", ("typo", "politeness"), self._keywords.strip_politeness(corrected)
        if len(words) > 1:
            joined = self._corrector.correct(fold("".join(words)))
            if joined:
                yield "keyword_typo", ("joined words", "typo"), wording(joined)
