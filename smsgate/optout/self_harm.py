"""Texts in which somebody speaks of ending their life: a person has to see them.

They are looked for in every shipped language, whatever keyword sets a program names: nobody picks
the language of a cry for help by the language of a newsletter.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

from smsgate.optout.normalise import PUNCTUATION, clean, folded, tokens
from smsgate.optout.segments import has_unspaced

_BEGINNING = 4
"""Letters that a word is known by before a whole text is searched."""


class SelfHarmWording(NamedTuple):
    """One way to say it."""

    language: str
    written: str


class _Wordings(NamedTuple):
    beginnings: frozenset[str]
    """The first letters of the longest word of each wording."""
    spaced: re.Pattern[str]
    unspaced: re.Pattern[str]
    by_key: dict[str, SelfHarmWording]


def self_harm(words: Sequence[str]) -> SelfHarmWording | None:
    """The wording by which a text speaks of ending one's life, or nothing.

    Args:
        words: of the text, with or without its marks, in small letters.
    """
    wordings = _wordings()
    plain = [word for word in folded(list(words)) if word not in PUNCTUATION]
    if not wordings.beginnings.isdisjoint([word[:_BEGINNING] for word in plain]):
        found = wordings.spaced.search(f" {' '.join(plain)} ")
        if found:
            return _of(found[0], wordings)
    joined = "".join(plain)
    if not joined.isascii() and has_unspaced(joined):
        found = wordings.unspaced.search(joined)
        if found:
            return _of(found[0], wordings)
    return None


def _of(found: str, wordings: _Wordings) -> SelfHarmWording:
    key = found.strip()
    return wordings.by_key.get(key) or wordings.by_key[f"{key}*"]


@cache
def _wordings() -> _Wordings:
    """The shipped wordings, read once: ``self_harm.toml`` beside this file."""
    text = resources.files("smsgate.optout").joinpath("self_harm.toml").read_text("utf-8")
    spaced: dict[str, SelfHarmWording] = {}
    unspaced: dict[str, SelfHarmWording] = {}
    for one in _written(tomllib.loads(text)):
        key = " ".join(folded(tokens(clean(one.written.rstrip("*"))[0])))
        if has_unspaced(key):
            unspaced.setdefault(key.replace(" ", ""), one)
        else:
            spaced.setdefault(f"{key}*" if one.written.endswith("*") else key, one)
    longest = (max(key.rstrip("*").split(), key=len) for key in spaced)
    return _Wordings(
        frozenset(word[:_BEGINNING] for word in longest),
        re.compile(f" (?:{'|'.join(map(_ending, _longest_first(spaced)))})"),
        re.compile("|".join(map(re.escape, _longest_first(unspaced)))),
        spaced | unspaced,
    )


def _written(languages: dict[str, str]) -> Iterator[SelfHarmWording]:
    for language, wordings in languages.items():
        for written in wordings.split(","):
            yield SelfHarmWording(language, written.strip())


def _longest_first(keys: Iterable[str]) -> list[str]:
    return sorted(keys, key=len, reverse=True)


def _ending(key: str) -> str:
    return re.escape(key[:-1]) if key.endswith("*") else f"{re.escape(key)}(?= )"
