"""Keywords: whole texts, the politeness that may stand around them, and where they count.

Some words mean something only in some countries. ``T`` and ``TD`` are Chinese for unsubscribe,
elsewhere a stray letter. ``START 0`` and ``START DND`` are what people in India send to 1909 to
block advertising, and ``STOP DND`` what unblocks it (TCCCPR 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from smsgate.classifier.normalize import PUNCTUATION, fold, has_unspaced
from smsgate.classifier.sets.keyword_sets import KeywordEntry
from smsgate.classifier.sets.tables import KeywordTables
from smsgate.domain.messages import Intent

_NO_ACCENTS = frozenset("ıß") | {chr(code) for code in range(0x300, 0x370)}
"""What is no accented letter: the Turkish i without its dot, and marks that are drawn over any."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of one language, with the entry that it stands in."""

    word: str
    language: str
    entry: KeywordEntry
    shared: tuple[str, ...] = ()
    """The languages where it means the same, where there are several."""

    @property
    def stops(self) -> bool:
        """Whether it is an opt-out anywhere, with other words around it."""
        entry = self.entry
        if not self.certain or entry.match == "whole" or entry.countries:
            return False
        return entry.opts_out

    def denied(self, tokens: Sequence[str], negates: Callable[[str, str], bool]) -> bool:
        """Whether a word that is not its own denies it: ``no quiero cancelar``.

        Args:
            tokens: of the text, with its pauses: what stands before one is an answer of its own.
            negates: whether a word denies what follows in a language.
        """
        own = {fold(word) for word in self.word.casefold().split()}
        words = [fold(token) for token in tokens]
        written = not own.isdisjoint(words)
        for at, word in enumerate(words):
            if word in own or not negates(word, self.language):
                continue
            denied = list(takewhile(lambda token: token not in PUNCTUATION, words[at + 1 :]))
            if denied and not (written and own.isdisjoint(denied)):
                return True
        return False

    @property
    def certain(self) -> bool:
        """Whether it may act without a person."""
        return self.entry.risk != "high"


class KeywordIndex:
    """The keywords of some sets, by what people type."""

    def __init__(self, tables: KeywordTables, languages: Sequence[str]) -> None:
        entries = tables.entries
        every = [
            Keyword(
                word,
                languages[language],
                entries[entry],
                tuple(languages[other] for other in tables.shared.get(at, ())),
            )
            for at, (word, language, entry) in enumerate(tables.keywords)
        ]
        self._exact = {key: every[at] for key, at in tables.exact.items()}
        tonal = frozenset(tables.tonal)
        self._folded = {key: found for key, found in self._exact.items() if key not in tonal}
        self._folded |= {key: every[at] for key, at in tables.folded.items()}
        self._polite = frozenset(tables.polite)
        self._first = tables.first
        self._last = tables.last
        self.longest = tables.longest
        """Words of the longest keyword; characters where words are not parted."""

    def typed(self, key: str) -> Keyword | None:
        """The keyword that is typed exactly so."""
        return self._exact.get(key)

    def characters(self) -> set[str]:
        """The characters that keywords are written in."""
        return set("".join(self._exact))

    def find(self, words: Sequence[str]) -> Keyword | None:
        """The keyword that these words are, with or without their accents."""
        key = key_of(words)
        found = self._exact.get(key)
        if found is None and not key.isascii():
            plain = fold(key)
            found = self._folded.get(plain)
            # accents make other words of some: Polish "stóp" is feet
            accents = (char > "\x7f" and char not in _NO_ACCENTS for char in key)
            if found and found.word.isascii() and plain.isascii() and any(accents):
                return None
        return found

    def strip_politeness(self, words: Sequence[str]) -> list[str]:
        """The words without the politeness before and after them."""
        first, last = self.politeness_bounds(words)
        return list(words[first:last])

    def politeness_bounds(self, words: Sequence[str]) -> tuple[int, int]:
        """Where the words begin and end that are no politeness."""
        first, last = 0, len(words)
        while first < last and (longest := self._first.get(fold(words[first]))):
            for end in range(min(last, first + longest), first, -1):
                if self._is_polite(words[first:end]):
                    first = end
                    break
            else:
                break
        while first < last and (longest := self._last.get(fold(words[last - 1]))):
            for start in range(max(first, last - longest), last):
                if self._is_polite(words[start:last]):
                    last = start
                    break
            else:
                break
        return first, last

    def polite(self, words: Sequence[str]) -> bool:
        """Whether the words are nothing but politeness."""
        return not self.strip_politeness(words)

    def _is_polite(self, words: Sequence[str]) -> bool:
        return key_of([fold(word) for word in words]) in self._polite

    def unspaced(self) -> Iterator[str]:
        """The politeness of scripts without spaces."""
        return (key for key in self._polite if has_unspaced(key))

    def __iter__(self) -> Iterator[tuple[str, Keyword]]:
        """What people type, and the keyword that it is."""
        return iter(self._exact.items())


def key_of(words: Iterable[str]) -> str:
    """Words as one key: parted by blanks, or joined in scripts that have none."""
    key = " ".join([word for word in words if word not in PUNCTUATION])
    return key.replace(" ", "") if not key.isascii() and has_unspaced(key) else key


_CALLING = {"CN": "+86", "HK": "+852", "MO": "+853", "TW": "+886", "IN": "+91", "NG": "+234"}


def applies(entry: KeywordEntry, number: str, region: str) -> Intent | None:
    """The intent of a keyword for a subscriber's number.

    A high risk asks for a person. Where the entry is bound to countries, the number decides, and
    without a number the region of the program. Elsewhere an opt-out asks for a person, and anything
    else means nothing.
    """
    if not entry.countries:
        return Intent.REVIEW if entry.risk == "high" and entry.opts_out else Intent(entry.intent)
    where = number or _CALLING.get(region, "")
    if where.startswith(entry.countries):
        return Intent(entry.intent)
    if not number and entry.unless_known:
        return Intent(entry.intent)
    return Intent.REVIEW if entry.opts_out else None
