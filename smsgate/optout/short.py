"""Short texts as keywords: polite ones, repeated ones, ones with slips of the finger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smsgate.optout.keywords import KeywordSets, listed
from smsgate.optout.lexicon import wording
from smsgate.optout.normalise import fold
from smsgate.optout.reading import Reading
from smsgate.optout.typos import Corrector, unleeted, variants
from smsgate.optout.whole import Keyword, Keywords, key_of

Found = tuple[Keyword, str, tuple[str, ...]]
"""The keyword, the rule that found it, and what had to be done to the text."""

_CORRECTED = 3
"""Words up to which slips are corrected."""
_LONG_ENOUGH = 5
"""Letters from which the keywords of all languages are corrected to; the named ones from four."""


class Short:
    """Reads a short text as a keyword."""

    __slots__ = ("_corrector", "_keywords")

    def __init__(self, sets: KeywordSets, keywords: Keywords) -> None:
        """Take from the sets what may be corrected and what are words in their own right."""
        self._keywords = keywords
        real: set[str] = set()
        targets: list[str] = []
        for language in sets.languages.values():
            real |= {
                fold(word.casefold()) for word in listed(language.classes.get("not_typos", ""))
            }
            targets += listed(language.classes.get("correct_to", "").casefold())
        real |= {key for key, _ in keywords}
        targets += [key for key, keyword in keywords if _correctable(key, keyword)]
        self._corrector = Corrector(dict.fromkeys(fold(word) for word in targets), real)

    def found(self, reading: Reading) -> Found | None:
        """The keyword that a short text is, if it is one."""
        words = reading.words
        for rule, steps, candidate in self._candidates(words):
            keyword = self._keywords.find(candidate)
            if keyword is not None and (keyword.entry.match != "whole" or not steps):
                return keyword, rule, steps
        return None

    def _candidates(self, words: list[str]) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
        bared = self._keywords.bared(words)
        if not bared:
            yield from self._repeated(words)
            return
        if len(bared) < len(words):
            yield "keyword_politely", ("politeness",), bared
        if len(bared) > 1:
            yield from self._repeated(bared)
        for name, other in variants(bared):
            yield "keyword_spelt", (name,), other
            yield "keyword_spelt", (name, "politeness"), self._keywords.bared(other)
        plain = unleeted(" ".join(bared)).split()
        if plain != bared:
            yield "keyword_spelt", ("letters for digits",), plain
        if len(bared) <= _CORRECTED:
            yield from self._corrected(bared)

    def _repeated(self, words: list[str]) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
        if len(set(words)) == 1:
            yield "keyword_repeated", ("repetition",), words[:1]
        half = len(words) // 2
        if words[:half] == words[half:]:
            yield "keyword_repeated", ("repetition",), words[:half]

    def _corrected(self, words: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
        corrected = [self._corrector.correct(fold(word)) or word for word in words]
        if corrected != list(words):
            yield "keyword_typo", ("typo",), corrected
            yield "keyword_typo", ("typo", "politeness"), self._keywords.bared(corrected)
        if len(words) > 1:
            joined = self._corrector.correct(fold("".join(words)))
            if joined:
                yield "keyword_typo", ("joined words", "typo"), wording(joined)


def _correctable(key: str, keyword: Keyword) -> bool:
    entry = keyword.entry
    return (
        entry.intent in ("opt_out", "opt_out_all")
        and keyword.certain
        and entry.match != "whole"
        and not entry.countries
        and len(key_of([key])) >= _LONG_ENOUGH + (0 if key.isascii() else 1)
        and " " not in key
        and key.isalpha()
    )
