"""The lexicon while it is made: see ``lexicon.py``."""

from __future__ import annotations

from collections.abc import Iterable

from smsgate.classifier.normalize import fold
from smsgate.classifier.sets.keyword_sets import Language
from smsgate.classifier.sets.tables import LexiconTables, in_buckets, sign_of


class Indexing:
    """Collects what words stand for."""

    __slots__ = (
        "_alarm_stems",
        "_alarms",
        "_exact",
        "_folded",
        "_marks",
        "_pairs",
        "_plain",
        "_stems",
        "_tonal",
    )

    def __init__(self, languages: Iterable[str]) -> None:
        """Start empty; languages are named by their places."""
        self._marks = {name: sign_of(place) for place, name in enumerate(languages)}
        self._tonal: set[str] = set()
        self._folded: dict[str, str] = {}
        self._exact: dict[str, str] = {}
        self._plain: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._alarms: dict[str, str] = {}
        self._alarm_stems: dict[str, str] = {}
        self._pairs: dict[str, dict[str, str]] = {}

    def tables(self) -> LexiconTables:
        """What was collected."""
        return LexiconTables(
            folded=in_buckets(self._folded),
            exact=self._exact,
            plain=self._plain,
            stems=self._stems,
            alarms=in_buckets(self._alarms),
            alarm_stems=self._alarm_stems,
            pairs=self._pairs,
        )

    def add(self, wordings: Iterable[str], sign: int, language: Language) -> None:
        """Let wordings (words, each perhaps ending in ``*``) stand for a sign.

        Where a language has tones, accents tell words apart, as in Vietnamese. Then a word written
        without any matches only as part of a longer wording.
        """
        if not language.tones:
            for wording in wordings:
                self._put(self._folded, wording, sign)
            return
        self._tonal.add(language.language)
        for wording in wordings:
            first, _, rest = wording.partition(" ")
            _append(self._exact, first, f"{sign} {rest}" if rest else f"{sign}")
            plain = fold(wording)
            if rest or plain == wording:
                self._put(self._plain, plain, sign)

    def _put(self, table: dict[str, str], plain: str, sign: int) -> None:
        first, _, rest = plain.partition(" ")
        if first.endswith("*"):
            table, first = self._stems, first[:-1]
        _append(table, first, f"{sign} {rest}" if rest else f"{sign}")

    def alarm(self, mark: str, language: str) -> None:
        """Have every text with a word, or with two neighbours, looked at in this language."""
        first, _, second = mark.partition(" ")
        sign = self._marks[language]
        if not second and first.endswith("*"):
            _join(self._alarm_stems, fold(first[:-1]), sign)
            return
        # without tones the wordings have come without accents
        spelt = {first, fold(first)} if second and language in self._tonal else {first}
        for spelling in spelt:
            if second:
                _join(self._pairs.setdefault(spelling, {}), fold(second), sign)
            else:
                _join(self._alarms, spelling, sign)


def _append(table: dict[str, str], word: str, line: str) -> None:
    there = table.get(word)
    table[word] = line if there is None else f"{there}\n{line}"


def _join(table: dict[str, str], word: str, sign: str) -> None:
    there = table.get(word, "")
    if sign not in there:
        table[word] = there + sign
