"""Short texts that are a keyword in other words: polite, repeated, misspelt, or an echo of ours.

Echoes of our instruction (stop2end, quit to end, txt STOP 2 unsub) are the most frequent form in
real replies; people type them from memory, with typos. Whole texts of one to three words are
corrected towards keywords, but never towards END, NO, YES or START: one edit away from those lie
``and``, ``send`` and ``smart``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from weakref import WeakValueDictionary

from smsgate.classifier.keywords import Keyword, KeywordIndex, key_of, read_words
from smsgate.classifier.normalize import fold, folded, has_unspaced
from smsgate.classifier.sets import KeywordSets

_LOOKALIKE = str.maketrans(
    "авеёкмнорстухіјѕԁԛԝһпрοαερτνικυχγω",
    "abeekmhopctyxijsdqwhnpoaeptvikuxyw",
)
_TO_CYRILLIC = str.maketrans("abcehkmoptxyi", "авсенкмортхуі")
_TO_GREEK = str.maketrans("abehikmnoptuxyz", "αβεηικμνορτυχυζ")
_KEYS = str.maketrans(
    "йцукенгшщзфывапролдячсмитьςερτυθιοπασδφγηξκλζχψωβνμקראטוןםפשדגכעיחלךזסבהנמצ",
    "qwertyuiopasdfghjklzxcvbnmwertyuiopasdfghjklzxcvbnmertyuiopasdfghjklzxcvbnm",
)
"""Letters of Russian, Greek and Hebrew keyboards as the Latin ones on the same keys."""
_ALPHABETS = (
    ("look-alikes", _LOOKALIKE),
    ("look-alikes", _TO_CYRILLIC),
    ("look-alikes", _TO_GREEK),
    ("keyboard layout", _KEYS),
)
_DIGITS = str.maketrans("0134578", "oleastb")
_DOUBLE, _TRIPLE = re.compile(r"(.)\1+"), re.compile(r"(.)\1{2,}")
_PARTS = re.compile(r"[a-z]+|[0-9]+")
_LINKS = frozenset({"2", "to", "too", "two", "for", "4", "3", "1", "and", "n", "or"})
_WRITTEN_AGAIN = re.compile(r"([^\W\d]{4,8}?)\1{1,9}")
"""A word written several times without blanks: ``stopstopstop``."""
EVERYTHING = "everything"
"""The step that takes an ``all`` from behind a keyword."""
_MOST_ECHOED, _LONGEST_ALL, _CORRECTED, _JOINED = 7, 3, 3, 3
"""Words of the longest echo, of the longest ``all``, of a text with typos, of one torn apart."""
_LONG_ENOUGH, _LONGEST = 6, 16
"""Letters from which the keywords of all languages are corrected to (the named ones from four), and
of the longest word that is."""
_REMEMBERED = 20_000
_Candidate = tuple[tuple[str, ...], list[str]]


class NearKeywords:
    """Reads a short text as a keyword."""

    def __init__(self, keywords: KeywordIndex) -> None:
        self.keywords = keywords
        self._all = {key_of(folded(words)) for words in read_words([*keywords.each(EVERYTHING)])}
        self._verbs = frozenset(keywords.each("echo_verb"))
        self._first, self._ends = (
            Corrector(keywords.each(name)) for name in ("echo_first", "echo_end")
        )
        self._named = tuple(keywords.each("correct_to"))
        real = {key for key, found in keywords.typed.items() if not found.entry.opts_out}
        real.update(keywords.each("not_typos"))
        long = (
            key
            for key, keyword in keywords.typed.items()
            if keyword.stops and key.isalpha() and len(key) >= _LONG_ENOUGH
        )
        self._corrector = Corrector([*self._named, *long], real)

    def echo(self, words: Sequence[str]) -> str:
        """An instruction as it would be printed, or nothing where the words are none."""
        if len(words) > _MOST_ECHOED:
            return ""
        parts = [part for word in words for part in _PARTS.findall(fold(word))]
        while parts and parts[0] in self._verbs:
            parts.pop(0)
        if len(parts) < 3 or parts[1] not in _LINKS:
            return ""
        first, last = self._first.meant(parts[0]), self._ends.meant("".join(parts[2:]))
        return f"{first} {parts[1]} {last}" if first and last else ""

    def found(self, words: list[str]) -> tuple[Keyword, tuple[str, ...]] | None:
        """The keyword that the words of a short text are, and what had to be done to them."""
        for steps, candidate in self._candidates(words):
            keyword = self.keywords.find(candidate)
            if keyword is not None and not (len(keyword.word) == 1 and keyword.word.isalnum()):
                return keyword, steps
        return None

    def _candidates(self, words: list[str]) -> Iterator[_Candidate]:
        joined = "".join(words)
        if 1 < len(words) == len(joined) and not has_unspaced(joined):
            # before courtesy goes, of which some is a single letter
            yield ("spaced letters",), [joined]
            yield ("spaced letters", "letters for digits"), [joined.translate(_DIGITS)]
        first, last = self.keywords.courtesy(words)
        bare = words[first:last]
        if not bare:
            yield from self._repeated(words)
            yield from self._among(words)
            return
        # without the courtesy behind, before, or on both sides: ``no more`` is none
        behind = [words[:end] for end in range(len(words) - 1, last - 1, -1)]
        before = [words[start:] for start in range(1, first + 1)]
        both = [bare] if len(bare) < len(words) else []
        for polite in (*behind, *before, *both):
            yield ("politeness",), polite
        longest = _LONGEST_ALL if bare[-1].isascii() else len(bare) - 1
        for length in range(1, min(longest, len(bare) - 1) + 1):
            if key_of(folded(bare[-length:])) in self._all:
                yield (EVERYTHING,), bare[:-length]
        yield from self._repeated(bare)
        yield from self._misspelt(bare)

    def _misspelt(self, words: list[str]) -> Iterator[_Candidate]:
        text = " ".join(words)
        readings: list[_Candidate] = [((), words)]
        for letters in (text, text.replace("1", "i")):
            plain = letters.translate(_DIGITS).split()
            if plain != words and len("".join(plain)) > 1:
                readings.append((("letters for digits",), plain))
        for steps, reading in readings:
            if steps:
                yield steps, reading
            for step, other in self._spelt(reading):
                yield (*steps, step), other
                yield (*steps, step, "politeness"), self.keywords.bare(other)
        if len(words) <= _CORRECTED:
            yield from self._corrected(words)

    def _spelt(self, words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        """Other readings; of some only those that are one of the plainest keywords."""
        text = " ".join(words)
        if len(words) > 1 and "🛑" in words:
            yield "letters for signs", ["".join(words).replace("🛑", "o")]
        if 1 < len(words) <= _JOINED and any(len(word) < _JOINED for word in words):
            yield "joined words", ["".join(words)]
        if _TRIPLE.search(text):
            yield "repeated letters", _TRIPLE.sub(r"\1", text).split()
            yield "repeated letters", _TRIPLE.sub(r"\1\1", text).split()
        others = [("doubled letters", _DOUBLE.sub(r"\1", text))]
        if not (text.isascii() and len(text) < len(_ALPHABETS)):
            others += [(name, text.translate(letters)) for name, letters in _ALPHABETS]
        for name, other in others:
            if other != text and (name == "look-alikes" or other in self._named):
                yield name, other.split()

    def _among(self, words: list[str]) -> Iterator[_Candidate]:
        """A word that is courtesy in another language: ``ÇIK lütfen``, where ``cik`` is Miss.

        And the yes of an answer, which is courtesy beside other keywords: ``sí por favor``.
        """
        found = [(word, one) for word in words if (one := self.keywords.find([word]))]
        stops = (word for word, keyword in found if keyword.stops)
        answers = (word for word, keyword in found if keyword.entry.ask)
        for word in (*stops, *answers):
            yield ("politeness",), [word]

    def _repeated(self, words: list[str]) -> Iterator[_Candidate]:
        if len(set(words)) == 1:
            yield ("repetition",), words[:1]
        half = len(words) // 2
        if words[:half] == words[half:]:
            yield ("repetition",), words[:half]
        written = _WRITTEN_AGAIN.fullmatch(words[0]) if len(words) == 1 else None
        if written:
            yield ("repetition",), [written[1]]

    def _corrected(self, words: Sequence[str]) -> Iterator[_Candidate]:
        corrected = [self._correct(word) for word in words]
        if corrected != list(words):
            yield ("typo",), corrected
            yield ("typo", "politeness"), self.keywords.bare(corrected)
        if len(words) > 1:
            joined = self._corrector.correct(fold("".join(words)))
            if joined:
                yield ("joined words", "typo"), [joined]

    def _correct(self, word: str) -> str:
        """A word without its typo; accents that the keyword has not are no second one."""
        plain = fold(word)
        found = self._corrector.correct(plain)
        accented = plain.isascii() and not word.isascii() and "ı" not in word
        return word if not found or (accented and found.isascii() and found != plain) else found


_shared: WeakValueDictionary[str, NearKeywords] = WeakValueDictionary()
"""By the version of sets: a configuration shares what they know with the one before."""


def near_keywords(sets: KeywordSets) -> NearKeywords:
    """The keywords of some sets, once for all programs that have the same ones."""
    known = _shared.get(sets.version)
    if known is None:
        known = _shared[sets.version] = NearKeywords(KeywordIndex(sets))
    return known


class Corrector:
    """Finds the one keyword that a word is a typo of."""

    def __init__(self, targets: Iterable[str], real_words: Iterable[str] = ()) -> None:
        """Index the words to correct to, the likeliest first; real words are never corrected."""
        self._places = {target: at for at, target in enumerate(dict.fromkeys(targets))}
        self._by_edge: defaultdict[str, list[str]] = defaultdict(list)
        for target in self._places:
            for edge in _edges(target):
                self._by_edge[edge].append(target)
        self._not = frozenset(real_words)
        self.correct = lru_cache(maxsize=_REMEMBERED)(self._correct)
        """The keyword that a word is one typo away from, or nothing."""

    def meant(self, word: str) -> str:
        """The keyword that a word is, or is a typo of, or nothing."""
        return word if word in self._places else self.correct(word)

    def _correct(self, word: str) -> str:
        if word in self._not or not word.isalpha() or not 3 <= len(word) <= _LONGEST:
            return ""
        found = {target for edge in _edges(word) for target in self._by_edge.get(edge, ())}
        near = [target for target in found if is_one_edit(word, target)]
        return min(near, key=self._places.__getitem__, default="")


def _edges(word: str) -> tuple[str, str, str]:
    """Beginning, end, and both: one typo in a word of four letters leaves one of these alike."""
    return f"{word[:2]}-", f"-{word[-2:]}", f"{word[0]}-{word[-1]}"


def is_one_edit(word: str, target: str) -> bool:
    """Whether one letter was changed, left out, doubled or added, or two were swapped."""
    shorter = min(len(word), len(target))
    alike = next((at for at in range(shorter) if word[at] != target[at]), shorter)
    rest, wanted = word[alike:], target[alike:]
    swapped = rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
    return swapped or rest[1:] in (wanted, wanted[1:]) or rest == wanted[1:]
