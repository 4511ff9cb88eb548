"""Words out of scripts that are written without spaces between them, or with few.

Chinese, Japanese, Thai, Lao, Khmer and Burmese have none; Korean has them, but people leave them
out. There, a word is the longest entry of the keyword sets that begins at a place, and every
other character stands alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9f"
)
"""The scripts concerned, as the inside of a character class."""

has_unspaced = re.compile(f"[{UNSPACED}]").search
_RUN = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")


def letters(words: list[str]) -> list[str]:
    """The words, with those of unspaced scripts as one character each."""
    if not has_unspaced("".join(words)):
        return words
    found: list[str] = []
    for word in words:
        if len(word) == 1 or word.isascii() or not has_unspaced(word):
            found.append(word)
            continue
        for part in _RUN.findall(word):
            found += part if has_unspaced(part) else [part]
    return found


class Segmenter:
    """Cuts text of unspaced scripts into the words it was given."""

    __slots__ = ("_lengths", "_words")

    def __init__(self, words: Iterable[str]) -> None:
        """Keep the words, and by their first character how long they are, the longest first."""
        self._words = {word for word in words if len(word) > 1}
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for word in self._words:
            lengths[word[0]].add(len(word))
        self._lengths = {char: sorted(found, reverse=True) for char, found in lengths.items()}

    def cut(self, tokens: list[str]) -> list[str]:
        """The tokens, with those of unspaced scripts joined where they touch and then cut."""
        cut: list[str] = []
        run: list[str] = []
        for token in tokens:
            if has_unspaced(token):
                run.append(token)
                continue
            self._flush(run, cut)
            cut.append(token)
        self._flush(run, cut)
        return cut

    def _flush(self, run: list[str], cut: list[str]) -> None:
        if run:
            for part in _RUN.findall("".join(run)):
                if has_unspaced(part):
                    self._cut_run(part, cut)
                else:
                    cut.append(part)
            run.clear()

    def _cut_run(self, text: str, cut: list[str]) -> None:
        at = 0
        while at < len(text):
            word = self._longest(text, at)
            cut.append(word)
            at += len(word)

    def _longest(self, text: str, at: int) -> str:
        for length in self._lengths.get(text[at], ()):
            word = text[at : at + length]
            if word in self._words:
                return word
        return text[at]
