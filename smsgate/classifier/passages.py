"""The passages of a text that the second reader is shown: the whole, and parts of long texts.

In a long text the request is one sentence among many, and the others would drown it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import Passage
from smsgate.classifier.hearing import Heard

_LONG = 26
"""Words from which parts of a text are looked at by themselves."""
_WORDS = 240
"""Words of a text that are looked at, of the beginning and of the end together."""
_WINDOW = 18
_STEP = 9
_MOST = 8
"""Parts from the beginning that are looked at, and as many from the end."""


class Shown(NamedTuple):
    """What the second reader is shown of a text."""

    passages: list[Passage]
    """The whole, then parts."""
    language: str
    """Of the concepts."""
    heard: Sequence[Heard]
    """The sentences that were looked at: of a very long text the outer ones."""
    meant: list[list[tuple[int, list[str]]]]
    """By sentence the words that stand for something, by their places, and for what."""


def passages(heard: Sequence[Heard], concepts: Concepts) -> Shown:
    """The whole text, and where it is long its sentences or parts of those."""
    words: list[str] = []
    exact: list[str] = []
    begins = []
    heard = _outer(heard)
    for one in heard:
        if words:
            words.append(".")
            exact.append(".")
        begins.append(len(words))
        words.extend(one.sentence.folded)
        exact.extend(one.sentence.exact)
        if one.sentence.asked:
            words.append("?")
            exact.append("?")
    language, places = concepts.found(words, exact)
    meant = [
        _within(places, at, at + len(one.sentence.folded))
        for one, at in zip(heard, begins, strict=True)
    ]
    whole = Passage(words, [names for _, names in places])
    if len(words) <= _LONG:
        return Shown([whole], language, heard, meant)
    parts = [
        part
        for one, there in zip(heard, meant, strict=True)
        for part in _parts(one.sentence.folded, there)
    ]
    kept = parts if len(parts) <= 2 * _MOST else parts[:_MOST] + parts[-_MOST:]
    return Shown([whole, *kept], language, heard, meant)


def _outer(heard: Sequence[Heard]) -> Sequence[Heard]:
    """The sentences of the beginning and of the end, so that no text takes long."""
    if sum(len(one.sentence.folded) for one in heard) <= _WORDS:
        return heard
    half = _WORDS // 2
    first = _up_to(half, heard)
    last = _up_to(half, heard[:first:-1])
    return [*heard[:first], *heard[len(heard) - last :]]


def _up_to(limit: int, heard: Sequence[Heard]) -> int:
    """How many sentences hold together no more words than a limit; one at least."""
    total = 0
    for at, one in enumerate(heard):
        total += len(one.sentence.folded)
        if total > limit:
            return max(1, at)
    return len(heard)


def _within(
    places: Sequence[tuple[int, list[str]]], begin: int, end: int
) -> list[tuple[int, list[str]]]:
    return [(at - begin, names) for at, names in places if begin <= at < end]


def _parts(words: list[str], meant: Sequence[tuple[int, list[str]]]) -> Iterator[Passage]:
    for at in range(0, max(1, len(words) - _STEP), _STEP):
        end = min(at + _WINDOW, len(words))
        here = [names for start, names in meant if at <= start < end]
        if here:
            yield Passage(words[at:end], here)
