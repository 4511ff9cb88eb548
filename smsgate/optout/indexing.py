"""The lexicon while it is made: see ``lexicon.py``."""

from __future__ import annotations

from collections.abc import Iterable

from smsgate.optout.keywords import Language
from smsgate.optout.normalise import fold
from smsgate.optout.tables import LexiconTables, sign_of


class Indexing:
    """Collects what words stand for."""

    __slots__ = ("_marks", "_tonal", "tables")

    def __init__(self, languages: Iterable[str]) -> None:
        """Start empty; languages are named by their places."""
        self._marks = {name: sign_of(place) for place, name in enumerate(languages)}
        self._tonal: set[str] = set()
        self.tables = LexiconTables({}, {}, {}, {}, {}, {}, {})

    def add(self, wordings: Iterable[str], sign: int, language: Language) -> None:
        """Let wordings (words, each perhaps ending in ``*``) stand for a sign.

        Where a language has tones, accents tell words apart, as in Vietnamese. Then a word written
        without any matches only as part of a longer wording.
        """
        tables = self.tables
        if not language.tones:
            for wording in wordings:
                self._put(tables.folded, wording, sign)
            return
        self._tonal.add(language.language)
        for wording in wordings:
            first, _, rest = wording.partition(" ")
            _append(tables.exact, first, f"{sign} {rest}" if rest else f"{sign}")
            plain = fold(wording)
            if rest or plain == wording:
                self._put(tables.plain, plain, sign)

    def _put(self, table: dict[str, str], plain: str, sign: int) -> None:
        first, _, rest = plain.partition(" ")
        if first.endswith("*"):
            table, first = self.tables.stems, first[:-1]
        _append(table, first, f"{sign} {rest}" if rest else f"{sign}")

    def alarm(self, mark: str, language: str) -> None:
        """Have every text with a word, or with two neighbours, looked at in this language."""
        first, _, second = mark.partition(" ")
        sign = self._marks[language]
        if not second and first.endswith("*"):
            _join(self.tables.alarm_stems, fold(first[:-1]), sign)
            return
        # without tones the wordings have come without accents
        spelt = {first, fold(first)} if second and language in self._tonal else {first}
        for spelling in spelt:
            if second:
                _join(self.tables.pairs.setdefault(spelling, {}), fold(second), sign)
            else:
                _join(self.tables.alarms, spelling, sign)


def _append(table: dict[str, str], word: str, line: str) -> None:
    there = table.get(word)
    table[word] = line if there is None else f"{there}\n{line}"


def _join(table: dict[str, str], word: str, sign: str) -> None:
    there = table.get(word, "")
    if sign not in there:
        table[word] = there + sign
