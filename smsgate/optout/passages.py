"""The passages of a text that the second reader is shown: the whole, and parts of long texts.

In a long text the request is one sentence among many, and the others would drown it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smsgate.optout.hearing import Heard
from smsgate.optout.phrases import Phrases

_LONG = 26
"""Words from which parts of a text are looked at by themselves."""
_WINDOW = 18
_STEP = 9
_MOST = 8
"""Parts from the beginning that are looked at, and as many from the end."""


class Passage(NamedTuple):
    """Words without their accents, and the classes of the keyword sets among them."""

    words: list[str]
    classes: list[str]


def passages(heard: Sequence[Heard], phrases: Phrases) -> list[Passage]:
    """The whole text, and where it is long its sentences or parts of those."""
    classes = phrases.classes([one.seen for one in heard])
    whole = Passage([], [])
    for one, found in zip(heard, classes, strict=True):
        if whole.words:
            whole.words.append(".")
        whole.words.extend(one.sentence.folded)
        if one.sentence.asked:
            whole.words.append("?")
        whole.classes.extend(name for _, name in found)
    if len(whole.words) <= _LONG:
        return [whole]
    parts = [
        part
        for one, found in zip(heard, classes, strict=True)
        for part in _parts(one.sentence.folded, found)
    ]
    return [whole, *(parts if len(parts) <= 2 * _MOST else parts[:_MOST] + parts[-_MOST:])]


def _parts(words: list[str], classes: Sequence[tuple[int, str]]) -> Iterator[Passage]:
    for at in range(0, max(1, len(words) - _STEP), _STEP):
        here = [name for start, name in classes if at <= start < at + _WINDOW]
        if here:
            yield Passage(words[at : at + _WINDOW], here)
