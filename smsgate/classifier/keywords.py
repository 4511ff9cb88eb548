"""Keywords: what people type as a whole text, and the courtesy that may stand around it.

Some words mean something only in some countries. ``T`` and ``TD`` are Chinese for unsubscribe,
elsewhere a stray letter. ``START 0`` and ``START DND`` are what people in India send to 1909 to
block advertising, and ``STOP DND`` what unblocks it (TCCCPR 2018).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from smsgate.classifier.normalize import (
    ASK,
    END,
    PAUSE,
    PUNCTUATION,
    clean,
    fold,
    has_unspaced,
    letters,
    tokens,
)
from smsgate.classifier.sets import ANY_LANGUAGE, KeywordEntry, KeywordSets, Language, listed
from smsgate.domain.messages import Intent

_NO_ACCENTS = frozenset("ıß") | {chr(code) for code in range(0x300, 0x370)}
"""What is no accented letter: the Turkish i without its dot, and marks that are drawn over any."""
_CALLING = {"CN": "+86", "HK": "+852", "MO": "+853", "TW": "+886", "IN": "+91", "NG": "+234"}
_RARE_SCRIPTS = (
    "\u0530-\u058f \u0700-\u074f \u0780-\u07bf \u0a80-\u0aff \u0b00-\u0b7f \u0c80-\u0cff "
    "\u0d00-\u0d7f \u0d80-\u0dff \u0e80-\u0eff \u0f00-\u0fff \u1000-\u109f \u10a0-\u10ff "
    "\u1200-\u139f \u13a0-\u13ff \u1780-\u17ff \u1800-\u18af"
)
"""Scripts that the model may know nothing of, where no set of a program is written in them."""
_BETWEEN = " # "
"""Separates texts that are tokenized in one call, which takes a tenth of the time."""
_PARTS = 12
"""Parts of a text between two pauses that are tried as keywords."""
_OPENING = 3
"""Words, or characters of scripts without blanks, of the longest keyword that a text may begin with
before it goes on."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of one language, with the entry that it stands in."""

    word: str
    language: str
    entry: KeywordEntry
    shared: tuple[str, ...] = ()
    """The languages where it means the same, where there are several."""

    @property
    def certain(self) -> bool:
        """Whether it may act without a person."""
        return self.entry.risk != "high"

    @property
    def stops(self) -> bool:
        """Whether it is an opt-out anywhere, whatever stands around it."""
        return self.certain and self.entry.opts_out and not self.entry.countries

    def intent(self, number: str, region: str) -> Intent | None:
        """What it asks for from a subscriber's number; nothing where it means nothing there.

        A high risk asks for a person. Where the entry is bound to countries, the number decides,
        and without a number the region of the program. Elsewhere an opt-out asks for a person, and
        anything else means nothing.
        """
        entry = self.entry
        if not entry.countries:
            return Intent.REVIEW if not self.certain and entry.opts_out else Intent(entry.intent)
        if (number or _CALLING.get(region, "")).startswith(entry.countries):
            return Intent(entry.intent)
        if not number and entry.unless_known:
            return Intent(entry.intent)
        return Intent.REVIEW if entry.opts_out else None


class KeywordIndex:
    """The keywords of some sets, by what people type, and the other words that their sets list."""

    def __init__(self, sets: KeywordSets) -> None:
        self.sets = sets
        self.typed: dict[str, Keyword] = {}
        """By what is typed, with or without accents; of two the certain one."""
        self.alike: defaultdict[str, list[Keyword]] = defaultdict(list)
        """All keywords that are typed so, with their accents."""
        self.anywhere: list[tuple[str, Keyword]] = []
        self.longest = 0
        """Words of the longest keyword; characters where words are not parted."""
        self._folded: dict[str, Keyword] = {}
        self._words: defaultdict[str, list[str]] = defaultdict(list)
        self._polite: set[str] = set()
        self._first: defaultdict[str, int] = defaultdict(int)
        self._last: defaultdict[str, int] = defaultdict(int)
        for language in sets.languages.values():
            self._add_keywords(language)
            for name, text in language.words.items():
                self._words[name] += listed(text)
        for words in read_words(self._words["courtesy"]):
            self._add_courtesy([fold(word) for word in words])
        for key, found in self.alike.items():
            if len(found) > 1:
                self._share(key, found)
        self.names = frozenset([*self.each("names"), *self.each("names_or_words")])
        written = "".join({*"".join(self.typed)})
        unread = [one for one in _RARE_SCRIPTS.split() if not re.search(f"[{one}]", written)]
        self.unread = re.compile(f"[{''.join(unread)}]{{3}}") if unread else None
        """Three letters in a row of a script in which no keyword is written."""

    def _add_keywords(self, language: Language) -> None:
        every = [(entry, word) for entry in language.entries for word in entry.each()]
        read = read_words([word for _, word in every])
        for (entry, word), words in zip(every, read, strict=True):
            exact = key_of(words)
            if not exact:
                continue
            keyword = Keyword(word, language.language, entry)
            self.alike[exact].append(keyword)
            self.longest = max(self.longest, len(letters(words)))
            folded = exact if exact.isascii() else key_of([fold(one) for one in words])
            _put(self.typed, exact, keyword)
            if not language.tones:
                _put(self.typed, folded, keyword)
                _put(self._folded, folded, keyword)
            elif len(words) > 1:
                self.typed.setdefault(folded, keyword)
            if entry.match == "anywhere":
                plain = [fold(one) for one in letters(words)]
                self.anywhere.append((f" {' '.join(plain)} ", keyword))

    def _share(self, key: str, found: Sequence[Keyword]) -> None:
        """Note in which languages a keyword means the same."""
        kept = self.typed[key]
        names = [one.language for one in found if one.entry.intent == kept.entry.intent]
        if len(set(names)) > 1:
            shared = Keyword(kept.word, kept.language, kept.entry, tuple(dict.fromkeys(names)))
            for table in (self.typed, self._folded):
                table.update(
                    {typed: shared for typed in (key, fold(key)) if table.get(typed) is kept}
                )

    def _add_courtesy(self, words: list[str]) -> None:
        key = key_of(words)
        self._polite.add(key)
        for parts in [words] if " " in key else [[key], letters([key])]:
            for table, edge in ((self._first, parts[0]), (self._last, parts[-1])):
                table[edge] = max(table[edge], len(parts))

    def __iter__(self) -> Iterator[tuple[str, Keyword]]:
        """What people type, and the keyword that it is."""
        return iter(self.typed.items())

    def each(self, name: str) -> Iterator[str]:
        """The words of one of the lists of the sets, in plain letters."""
        return (fold(word.casefold()) for word in self._words[name])

    def find(self, words: Sequence[str]) -> Keyword | None:
        """The keyword that these words are, with or without their accents."""
        key = key_of(words)
        found = self.typed.get(key)
        if found is None and not key.isascii():
            plain = fold(key)
            found = self._folded.get(plain)
            # accents make other words of some: Polish "stóp" is feet
            accents = (char > "\x7f" and char not in _NO_ACCENTS for char in key)
            if found and found.word.isascii() and plain.isascii() and any(accents):
                return None
        return found

    def stop(self, words: Sequence[str]) -> Keyword | None:
        """The keyword that these words are, if it is an opt-out whatever stands around it."""
        found = self.find(words)
        return found if found is not None and found.stops else None

    def within(self, plain: Sequence[str]) -> Keyword | None:
        """The first keyword that counts anywhere in a text; the words are without accents."""
        text = f" {' '.join(plain)} " if self.anywhere else ""
        return next((keyword for words, keyword in self.anywhere if words in text), None)

    def courtesy(self, words: Sequence[str]) -> tuple[int, int]:
        """Start and end of the words that are left without courtesy words around them."""
        first, last = 0, len(words)
        while first < last and (longest := self._first.get(fold(words[first]))):
            ends = range(min(last, first + longest), first, -1)
            end = next((end for end in ends if self._is_polite(words[first:end])), 0)
            if not end:
                break
            first = end
        while first < last and (longest := self._last.get(fold(words[last - 1]))):
            starts = range(max(first, last - longest), last)
            start = next((start for start in starts if self._is_polite(words[start:last])), -1)
            if start < 0:
                break
            last = start
        return first, last

    def bare(self, words: Sequence[str]) -> list[str]:
        """The words without the courtesy before and after them."""
        return [*words[slice(*self.courtesy(words))]]

    def alone(self, tokens: Sequence[str]) -> Iterator[str]:
        """The intents of the keywords that stand by themselves between two pauses.

        With a mark for those that act without a person, for questions, and for the first and last
        part; and that of the keyword that a text begins with: ``Abmelden 5 € sind …``.
        """
        parts = list(parted(tokens))
        if len(parts) > _PARTS:
            parts = [*parts[: _PARTS // 2], *parts[-_PARTS // 2 :]]
        for at, (part, mark) in enumerate(parts):
            if name := _mark(self.find(part) or self.find(self.bare(part))):
                yield name + mark
                if at in (0, len(parts) - 1):
                    yield f"{'^' if at == 0 else '$'}{name}{mark}"
            elif at == 0:
                lengths = range(min(_OPENING, len(part) - 1), 0, -1)
                begun = (_mark(self.find(part[:length])) for length in lengths)
                yield from (f"|{one}" for one in islice(filter(None, begun), 1))

    def _is_polite(self, words: Sequence[str]) -> bool:
        return key_of([fold(word) for word in words]) in self._polite


def _mark(keyword: Keyword | None) -> str:
    """How the model is told of a keyword; nothing where there is none."""
    if keyword is None or keyword.entry.intent == "none":
        return ""
    sure = "!!" if keyword.language == ANY_LANGUAGE else "!" if keyword.certain else ""
    return f"{keyword.entry.intent}{sure}"


def parted(tokens: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """The parts of a text between two pauses, and a mark behind those that ask."""
    part: list[str] = []
    for token in (*tokens, END):
        if token not in (END, PAUSE, ASK):
            part.append(token)
        elif part:
            yield part, "?" if token == ASK else ""
            part = []


def _put(table: dict[str, Keyword], key: str, keyword: Keyword) -> None:
    there = table.get(key)
    if there is None or (keyword.certain and not there.certain):
        table[key] = keyword


def key_of(words: Iterable[str]) -> str:
    """Words as one key: parted by blanks, or joined in scripts that have none."""
    key = " ".join([word for word in words if word not in PUNCTUATION])
    return key.replace(" ", "") if not key.isascii() and has_unspaced(key) else key


def read_words(written: Sequence[str]) -> list[list[str]]:
    """The words of each of some expressions."""
    cleaned, _ = clean(_BETWEEN.join(written), whole=True)
    found = " ".join(tokens(cleaned)).split(_BETWEEN.strip())
    if len(found) != len(written):  # one of them has the mark itself
        return [tokens(clean(one)[0]) for one in written]
    return [one.split() for one in found]
