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

from smsgate.classifier.keywords import Keyword, KeywordIndex, key_of, read_words
from smsgate.classifier.normalize import fold, folded, has_unspaced

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
Found = tuple[Keyword, str, tuple[str, ...]]
"""The keyword, the rule that found it, and what had to be done to the text."""
_Candidate = tuple[str, tuple[str, ...], list[str]]


class NearKeywords:
    """Reads a short text as a keyword."""

    def __init__(self, keywords: KeywordIndex) -> None:
        self._keywords = keywords
        self._all = {key_of(folded(words)) for words in read_words([*keywords.each(EVERYTHING)])}
        self._verbs, self._first, self._ends = (
            tuple(keywords.each(name)) for name in ("echo_verb", "echo_first", "echo_end")
        )
        self._named = tuple(dict.fromkeys(keywords.each("correct_to")))
        self._plainest = frozenset(self._named)
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
        first, last = _meant(parts[0], self._first), _meant("".join(parts[2:]), self._ends)
        return f"{first} {parts[1]} {last}" if first and last else ""

    def found(self, words: list[str]) -> Found | None:
        """The keyword that the words of a short text are, if they are one."""
        for rule, steps, candidate in self._candidates(words):
            keyword = self._keywords.find(candidate)
            if keyword is not None and not (
                steps and len(keyword.word) == 1 and keyword.word.isalnum()
            ):
                return keyword, rule, steps
        return None

    def _candidates(self, words: list[str]) -> Iterator[_Candidate]:
        spelt = "".join(words)
        if 1 < len(words) == len(spelt) and not has_unspaced(spelt):
            # before courtesy goes, of which some is a single letter
            yield "keyword_spelt", ("spaced letters",), [spelt]
            yield (
                "keyword_spelt",
                ("spaced letters", "letters for digits"),
                [spelt.translate(_DIGITS)],
            )
        first, last = self._keywords.courtesy(words)
        bare = words[first:last]
        if not bare:
            yield from self._repeated(words)
            yield from self._among(words)
            return
        # without the courtesy behind, before, or on both sides: ``no more`` is none
        for end in range(len(words) - 1, last - 1, -1):
            yield "keyword_politely", ("politeness",), words[:end]
        for start in range(1, first + 1):
            yield "keyword_politely", ("politeness",), words[start:]
        if len(bare) < len(words):
            yield "keyword_politely", ("politeness",), bare
        longest = _LONGEST_ALL if bare[-1].isascii() else len(bare) - 1
        for length in range(1, min(longest, len(bare) - 1) + 1):
            if key_of(folded(bare[-length:])) in self._all:
                yield "keyword_politely", (EVERYTHING,), bare[:-length]
        yield from self._repeated(bare)
        yield from self._misspelt(bare)

    def _misspelt(self, words: list[str]) -> Iterator[_Candidate]:
        for name, other in self._spelt(words):
            yield "keyword_spelt", (name,), other
            yield "keyword_spelt", (name, "politeness"), self._keywords.bare(other)
        text = " ".join(words)
        for letters in (text, text.replace("1", "i")):
            plain = letters.translate(_DIGITS).split()
            if plain != words and len("".join(plain)) > 1:
                yield "keyword_spelt", ("letters for digits",), plain
                for name, other in self._spelt(plain):
                    yield "keyword_spelt", ("letters for digits", name), other
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
        others = [("doubled letters", _DOUBLE.sub(r"\1", text))] if _DOUBLE.search(text) else []
        if not (text.isascii() and len(text) < len(_ALPHABETS)):
            others += [(name, text.translate(letters)) for name, letters in _ALPHABETS]
        for name, other in others:
            sure = name == "look-alikes" or other in self._plainest
            if other != text and sure:
                yield name, other.split()

    def _among(self, words: list[str]) -> Iterator[_Candidate]:
        """A word that is courtesy in another language: ``ÇIK lütfen``, where ``cik`` is Miss.

        And the yes of an answer, which is courtesy beside other keywords: ``sí por favor``.
        """
        found = [(word, self._keywords.find([word])) for word in words]
        stops = (word for word, keyword in found if keyword is not None and keyword.stops)
        answers = (word for word, keyword in found if keyword is not None and keyword.entry.ask)
        for word in (*stops, *answers):
            yield "keyword_politely", ("politeness",), [word]

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
            yield "keyword_typo", ("typo", "politeness"), self._keywords.bare(corrected)
        if len(words) > 1:
            joined = self._corrector.correct(fold("".join(words)))
            if joined:
                yield "keyword_typo", ("joined words", "typo"), [joined]


def _meant(word: str, known: Sequence[str]) -> str:
    if word in known:
        return word
    near = (one for one in known if len(one) > 2 and len(word) > 2 and is_one_edit(word, one))
    return next(near, "")


class Corrector:
    """Finds the one keyword that a word is a typo of."""

    def __init__(self, targets: Iterable[str], real_words: Iterable[str]) -> None:
        """Index the words to correct to, the likeliest first; real words are never corrected."""
        self._places = {target: at for at, target in enumerate(dict.fromkeys(targets))}
        self._by_edge: defaultdict[str, list[str]] = defaultdict(list)
        for target in self._places:
            for edge in _edges(target):
                self._by_edge[edge].append(target)
        self._not = frozenset(real_words)
        self.correct = lru_cache(maxsize=_REMEMBERED)(self._correct)
        """The keyword that a word is one typo away from, or nothing."""

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
    if word == target:
        return True
    size = len(word) - len(target)
    if abs(size) > 1:
        return False
    alike = min(len(word), len(target))
    at = next((at for at in range(alike) if word[at] != target[at]), alike)
    if size == 0:
        swapped = word[at : at + 2] == target[at : at + 2][::-1]
        return word[at + 1 :] == target[at + 1 :] or (
            swapped and word[at + 2 :] == target[at + 2 :]
        )
    return word[at:] == target[at + 1 :] if size < 0 else word[at + 1 :] == target[at:]
