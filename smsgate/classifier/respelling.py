"""Words inside short sentences as they were meant: letters apart, look-alikes, slips.

Tried only where the rules found nothing. A word that is known in any language stays as it is; what
replaces one is always a word of the keyword sets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from smsgate.classifier.normalize import END, PUNCTUATION
from smsgate.classifier.typos import alike, one_slip, unleeted

if TYPE_CHECKING:
    from smsgate.classifier.phrases import Phrases

_LONGEST = 8
"""Words of a text that is tried."""
_SHORTEST = 4
"""Letters of a word that may be a slip."""
_SHORTEST_JOINED = 6
"""Letters of two words that are written together."""
_LONGEST_JOINED = 40
"""Letters beyond which a word is not parted: no two words are so long, and each part is a look."""
_EVERYWHERE = ("en",)
"""Whose words people use in all languages."""
_LANGUAGES = 3
"""How many languages, the likeliest first, slips are looked for in."""
_APART = 3
"""Single letters in a row that are read as one word."""


class Respeller:
    """Knows the words of the keyword sets by their edges: one slip leaves one of them alone."""

    __slots__ = ("_edges", "_phrases")

    def __init__(self, phrases: Phrases) -> None:
        """Take the wordings; a language is read when the first text needs it."""
        self._phrases = phrases
        self._edges: dict[str, dict[str, list[str]]] = {}

    def respelt(self, tokens: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
        """The tokens as they may have been meant, and what was done; the same where nothing was."""
        if sum(len(token) > 1 for token in tokens) > _LONGEST or len(tokens) > 4 * _LONGEST:
            return list(tokens), ()
        steps: dict[str, None] = {}
        found = self._joined(tokens)
        if found != list(tokens):
            steps["spaced letters"] = None
        parted = [part for word in found for part in self._parted(word)]
        if len(parted) > len(found):
            found = parted
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
        for step, other in self._spelt(word):
            if other != word and self._phrases.known(other, languages):
                return step, other
        slip = self._slip(word, languages)
        return ("typo", slip) if slip else ("", word)

    def _spelt(self, word: str) -> Iterator[tuple[str, str]]:
        if not word.isdigit():
            yield "letters for digits", unleeted(word)
        for latin in alike(word):
            yield "look-alikes", latin

    def _slip(self, word: str, languages: Iterable[str]) -> str:
        if not correctable(word):
            return ""
        return next((found for name in languages if (found := self._near(word, name))), "")

    def _near(self, word: str, language: str) -> str:
        known = self._edges.get(language)
        if known is None:
            known = self._edges[language] = _by_edges(self._phrases.vocabulary(language))
        near = {
            other
            for edge in _edges(word)
            for other in known.get(edge, ())
            if abs(len(word) - len(other)) <= 1 and one_slip(word, other)
        }
        # few people miss the first letter: "pease" is "please", and not "cease"
        return min(near, default="", key=lambda other: (other[0] != word[0], other))

    def _parted(self, word: str) -> list[str]:
        """``leaveme``: two words of one language that were written together."""
        if not _SHORTEST_JOINED <= len(word) <= _LONGEST_JOINED or not word.isascii():
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
    """Whether others may be slips of the word."""
    return len(word) >= _SHORTEST and word.isalpha()


def _by_edges(words: Iterable[str]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        for edge in _edges(word):
            found[edge].append(word)
    return dict(found)


def _edges(word: str) -> tuple[str, str, str]:
    return f"{word[:2]}-", f"-{word[-2:]}", f"{word[0]}-{word[-1]}"
