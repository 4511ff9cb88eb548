"""Typos: one edit, look-alike letters, letters spelt out.

Whole texts of one to three words are corrected towards keywords, but never towards END, NO, YES or
START: one edit away from those lie ``and``, ``send`` and ``smart``. Words inside short sentences
are corrected only where the rules found nothing. A word that is known in any language stays as it
is; what replaces one is always a word of the keyword sets.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from smsgate.classifier.memo import Memo
from smsgate.classifier.normalize import END, PUNCTUATION

if TYPE_CHECKING:
    from smsgate.classifier.phrases import Phrases


_LOOKALIKE = str.maketrans(
    "авеёкмнорстухіјѕԁԛԝһпрοαερτνικυχγω",
    "abeekmhopctyxijsdqwhnpoaeptvikuxyw",
)
_TO_CYRILLIC = str.maketrans("abcehkmoptxyi", "авсенкмортхуі")
_TO_GREEK = str.maketrans("abehikmnoptuxyz", "αβεηικμνορτυχυζ")
_ALPHABETS = (_LOOKALIKE, _TO_CYRILLIC, _TO_GREEK)
"""Letters that look alike, as those of one alphabet."""
_LEET = str.maketrans("0134578@$!|†", "oleastbasiit")
_LEET_SIGN = re.compile(r"[0-9@$!|†]")
_SIGN_AT_LETTER = re.compile(r"[$@|†][A-Za-z]|[A-Za-z][$@|†]")
DOUBLED = "doubled letters"
"""A reading that most words of double letters have too: ``reed``, ``missa``."""
_DOUBLE = re.compile(r"(.)\1+")
_TRIPLE = re.compile(r"(.)\1{2,}")
_SHORTEST_JOINED = 3
_LONG = 9
_LONGEST = 16


def variants(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Other readings of a few words, each with the name of what was done."""
    if len(words) > 1 and all(len(word) == 1 for word in words):
        yield "spaced letters", ["".join(words)]
    elif 1 < len(words) <= _SHORTEST_JOINED and any(len(word) < _SHORTEST_JOINED for word in words):
        yield "joined words", ["".join(words)]
    text = " ".join(words)
    if _TRIPLE.search(text):
        yield "repeated letters", _TRIPLE.sub(r"\1", text).split()
        yield "repeated letters", _TRIPLE.sub(r"\1\1", text).split()
    if _DOUBLE.search(text):
        yield DOUBLED, _DOUBLE.sub(r"\1", text).split()
    for alphabet in _ALPHABETS:
        changed = text.translate(alphabet)
        if changed != text:
            yield "look-alikes", changed.split()


def looks_leet(text: str) -> bool:
    """Whether a sign that may stand for a letter touches one."""
    return any(sign in text for sign in "$@|†") and bool(_SIGN_AT_LETTER.search(text))


def replace_leet(text: str) -> str:
    """Digits and signs that stand for letters as those letters: ``st0p``, ``5top``, ``$top``."""
    return text.translate(_LEET) if _LEET_SIGN.search(text) else text


class Corrector:
    """Finds the one keyword that a word is a typo of."""

    def __init__(
        self, targets: Iterable[str], long_targets: Iterable[str], real_words: Iterable[str]
    ) -> None:
        """Index the words to correct to.

        Args:
            targets: for one typo.
            long_targets: for two typos, where they have nine letters or more.
            real_words: what is never corrected.
        """
        self._places = {target: at for at, target in enumerate(dict.fromkeys(targets))}
        self._by_edge = _by_edges(self._places)
        self._long = [target for target in long_targets if len(target) >= _LONG]
        self._not = frozenset(real_words)
        self._found = Memo(self._search)

    def correct(self, word: str) -> str:
        """The keyword that the word is one typo away from, or nothing."""
        return self._found[word]

    def _search(self, word: str) -> str:
        if word in self._not or not word.isalpha() or not 3 <= len(word) <= _LONGEST:
            return ""
        near = {
            target
            for edge in (*edges(word), *_parts(word))
            for target in self._by_edge.get(edge, ())
            if is_one_edit(word, target)
        }
        if near:
            return min(near, key=lambda target: (_alike(word, target), self._places[target]))
        if len(word) < _LONG - 2:
            return ""
        return next((target for target in self._long if _is_two_edits(word, target)), "")


def edges(word: str) -> tuple[str, str, str]:
    """Beginning, end, and both: one typo in a word of four letters leaves one of these alike."""
    return f"{word[:2]}-", f"-{word[-2:]}", f"{word[0]}-{word[-1]}"


def _alike(word: str, target: str) -> int:
    """The first part of a word that the target has too: of two targets the earlier one counts."""
    parts = set(_parts(target))
    return next(at for at, part in enumerate(_parts(word)) if part in parts)


def _parts(word: str) -> list[str]:
    """The word, and the word without each of its letters: one typo leaves one of these alike."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def is_one_edit(word: str, target: str) -> bool:
    """Whether one letter was changed, left out, doubled or added, or two were swapped."""
    if word == target:
        return True
    size = len(word) - len(target)
    if abs(size) > 1:
        return False
    letters = zip(word, target, strict=False)
    alike = min(len(word), len(target))
    at = next((at for at, (left, right) in enumerate(letters) if left != right), alike)
    if size == 0:
        swapped = word[at : at + 2] == target[at : at + 2][::-1]
        return word[at + 1 :] == target[at + 1 :] or (
            swapped and word[at + 2 :] == target[at + 2 :]
        )
    if size < 0:
        return word[at:] == target[at + 1 :]
    return word[at + 1 :] == target[at:]


def _is_two_edits(word: str, target: str) -> bool:
    """Edit distance of at most two (Levenshtein), for long words."""
    if abs(len(word) - len(target)) > 2 or set(word[:3]).isdisjoint(target[:3]):
        return False
    third = len(target) // 3
    if not (target[:third] in word or target[third:-third] in word or target[-third:] in word):
        return False  # two edits leave one of three parts alone
    row = list(range(len(target) + 1))
    for at, left in enumerate(word, 1):
        before, row = row, [at]
        for place, right in enumerate(target, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (left != right)))
    return row[-1] <= 2


_LONGEST_SENTENCE = 8
"""Words of a text that is tried."""
_SHORTEST = 4
"""Letters of a word that may be a typo."""
_SHORTEST_JOINED_PAIR = 6
"""Letters of two words that are written together."""
_LONGEST_JOINED = 40
"""Letters beyond which a word is not parted: no two words are so long, and each part is a look."""
_EVERYWHERE = ("en",)
"""Whose words people use in all languages."""
_LANGUAGES = 3
"""How many languages, the likeliest first, typos are looked for in."""
_APART = 3
"""Single letters in a row that are read as one word."""


class SpellingCorrector:
    """Knows the words of the keyword sets by their edges: one typo leaves one of them alone."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases
        self._edges: dict[str, dict[str, list[str]]] = {}
        self._parts = Memo(self._parted)
        self._spellings = Memo(self._spelt)
        self._typos = Memo(self._near)

    def corrected(self, tokens: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
        """The tokens as they may have been meant, and what was done; the same where nothing was."""
        if (
            sum(len(token) > 1 for token in tokens) > _LONGEST_SENTENCE
            or len(tokens) > 4 * _LONGEST_SENTENCE
        ):
            return list(tokens), ()
        steps: dict[str, None] = {}
        found = self._joined(tokens)
        if found != list(tokens):
            steps["spaced letters"] = None
        split_words = [part for word in found for part in self._parts[word]]
        if len(split_words) > len(found):
            found = split_words
            steps["joined words"] = None
        votes = Counter(name for word in found for name in self._phrases.languages_of(word))
        likely = [name for name, _ in votes.most_common(_LANGUAGES)]
        languages = [*likely, *(name for name in _EVERYWHERE if name not in likely)]
        for at, word in enumerate(found):
            step, other = self._meant(word, languages)
            if step:
                found[at] = other
                steps[step] = None
        return found, tuple(steps)

    def _meant(self, word: str, languages: Sequence[str]) -> tuple[str, str]:
        if word in PUNCTUATION or self._phrases.known(word, languages):
            return "", word
        for step, other in self._spellings[word]:
            if self._phrases.known(other, languages):
                return step, other
        if correctable(word):
            for name in languages:
                typo = self._typos[f"{name} {word}"]
                if typo:
                    return "typo", typo
        return "", word

    def _spelt(self, word: str) -> list[tuple[str, str]]:
        """Other spellings of a word, each with the name of what was done."""
        found = [] if word.isdigit() else [("letters for digits", replace_leet(word))]
        if not word.isascii():
            found += [("look-alikes", word.translate(alphabet)) for alphabet in _ALPHABETS]
        return [(step, other) for step, other in found if other != word]

    def _near(self, language_and_word: str) -> str:
        """What a word is a typo of in a language, or nothing."""
        language, _, word = language_and_word.partition(" ")
        known = self._edges.get(language)
        if known is None:
            known = self._edges[language] = _by_edges(self._phrases.vocabulary(language))
        near = {
            other
            for edge in edges(word)
            for other in known.get(edge, ())
            if is_one_edit(word, other)
        }
        # few people miss the first letter: "pease" is "please", and not "cease"
        return min(near, default="", key=lambda other: (other[0] != word[0], other))

    def _parted(self, word: str) -> list[str]:
        """``leaveme``: two words of one language that were written together."""
        if not _SHORTEST_JOINED_PAIR <= len(word) <= _LONGEST_JOINED or not word.isascii():
            return [word]
        if self._phrases.languages_of(word) or self._phrases.everyday(word):
            return [word]
        for at in range(2, len(word) - 1):
            one, two = word[:at], word[at:]
            if self._phrases.pair(one, two):
                return [one, two]
        return [word]

    def _joined(self, tokens: Sequence[str]) -> list[str]:
        """``s . t . o . p texting`` and ``S T O P texting`` with the letters put together."""
        found: list[str] = []
        for run in _runs(tokens):
            letters = [token for token in run if token != END]
            word = "".join(letters)
            single = len(letters) >= _APART and all(len(token) == 1 for token in letters)
            found += [word] if single and self._phrases.languages_of(word) else run
        return found


def _runs(tokens: Iterable[str]) -> Iterator[list[str]]:
    """Single letters in a row together, with the full stops between them; else one by one."""
    run: list[str] = []
    for token in tokens:
        if len(token) == 1 and (token.isalpha() or (token == END and run)):
            run.append(token)
            continue
        if run:
            yield run
            run = []
        yield [token]
    if run:
        yield run


def correctable(word: str) -> bool:
    """Whether others may be typos of the word."""
    return len(word) >= _SHORTEST and word.isalpha()


def _by_edges(words: Iterable[str]) -> dict[str, list[str]]:
    """Words by what one typo leaves alike of them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        for edge in edges(word) if len(word) >= _SHORTEST else _parts(word):
            found[edge].append(word)
    return dict(found)
