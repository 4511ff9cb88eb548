"""Texts in which somebody speaks of ending their life: a person has to see them.

They are looked for in every shipped language, whatever keyword sets a program names: nobody picks
the language of a cry for help by the language of a newsletter.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

from smsgate.optout.normalise import PUNCTUATION, clean, folded, tokens
from smsgate.optout.segments import has_unspaced

_BEGINNING = 4
"""Letters by which the longest word of a wording is looked up in a text."""


class SelfHarmWording(NamedTuple):
    """One way to say it."""

    language: str
    written: str


class _Wordings(NamedTuple):
    by_beginning: dict[str, list[tuple[str, SelfHarmWording]]]
    """Wordings with the blanks around their words, by the first letters of the longest one."""
    unspaced: list[tuple[str, SelfHarmWording]]


def self_harm(words: Sequence[str]) -> SelfHarmWording | None:
    """The wording by which a text speaks of ending one's life, or nothing.

    Args:
        words: of the text, with or without its marks, in small letters.
    """
    wordings = _wordings()
    plain = [word for word in folded(list(words)) if word not in PUNCTUATION]
    begun = {word[:_BEGINNING] for word in plain} & wordings.by_beginning.keys()
    text = f" {' '.join(plain)} " if begun else ""
    for beginning in sorted(begun):
        for wording, found in wordings.by_beginning[beginning]:
            if wording in text:
                return found
    joined = "".join(plain)
    if joined.isascii() or not has_unspaced(joined):
        return None
    return next((found for wording, found in wordings.unspaced if wording in joined), None)


@cache
def _wordings() -> _Wordings:
    """The shipped wordings, read once: ``self_harm.toml`` beside this file."""
    text = resources.files("smsgate.optout").joinpath("self_harm.toml").read_text("utf-8")
    wordings = _Wordings({}, [])
    for one in _written(tomllib.loads(text)):
        words = folded(tokens(clean(one.written.rstrip("*"))[0]))
        if has_unspaced("".join(words)):
            wordings.unspaced.append(("".join(words), one))
            continue
        end = "" if one.written.endswith("*") else " "
        longest = max(words, key=len)[:_BEGINNING]
        same = wordings.by_beginning.setdefault(longest, [])
        same.append((f" {' '.join(words)}{end}", one))
    return wordings


def _written(languages: dict[str, str]) -> Iterator[SelfHarmWording]:
    for language, wordings in languages.items():
        for written in wordings.split(","):
            yield SelfHarmWording(language, written.strip())
