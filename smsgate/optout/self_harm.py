"""Texts in which somebody speaks of ending their life: a person has to see them.

They are looked for in every shipped language, whatever keyword sets a program names: nobody picks
the language of a cry for help by the language of a newsletter.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import product
from typing import NamedTuple

from smsgate.optout.normalise import PUNCTUATION, clean, folded, tokens
from smsgate.optout.segments import has_unspaced

_BRACES = re.compile("[{}]")
_BEGINNING = 4
"""Letters by which the longest word of a wording is looked up in a text."""


class SelfHarmWording(NamedTuple):
    """One way to say it."""

    language: str
    written: str


class _Wording(NamedTuple):
    """A wording as it is looked up."""

    found: SelfHarmWording
    text: str
    """Its words with the blanks around them; of scripts without blanks, without."""
    other_senses: list[str]
    """Longer wordings around it that mean something else: ``end my life insurance``."""

    def stands_in(self, text: str) -> bool:
        """Whether a text has it anywhere in its own sense."""
        if self.text not in text:
            return False
        for other in self.other_senses:
            text = text.replace(other, " ")
        return self.text in text


class _Wordings(NamedTuple):
    by_beginning: dict[str, list[_Wording]]
    """By the first letters of the longest word."""
    unspaced: list[_Wording]


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
        for wording in wordings.by_beginning[beginning]:
            if wording.stands_in(text):
                return wording.found
    joined = "".join(plain)
    if joined.isascii() or not has_unspaced(joined):
        return None
    return next((one.found for one in wordings.unspaced if one.stands_in(joined)), None)


@cache
def _wordings() -> _Wordings:
    """The shipped wordings, read once: ``self_harm.toml`` beside this file."""
    text = resources.files("smsgate.optout").joinpath("self_harm.toml").read_text("utf-8")
    languages = tomllib.loads(text)
    others = [_text(one.written) for one in _written(languages.pop("other_senses"))]
    wordings = _Wordings({}, [])
    for one in _written(languages):
        there = _text(one.written)
        wording = _Wording(one, there, [other for other in others if there in other])
        if has_unspaced(there):
            wordings.unspaced.append(wording)
            continue
        longest = max(there.split(), key=len)[:_BEGINNING]
        wordings.by_beginning.setdefault(longest, []).append(wording)
    return wordings


def _text(written: str) -> str:
    """A wording as it is looked up: in plain letters, with blanks where words end."""
    words = folded(tokens(clean(written.rstrip("*"))[0]))
    if has_unspaced("".join(words)):
        return "".join(words)
    return f" {' '.join(words)}" + ("" if written.endswith("*") else " ")


def _written(languages: dict[str, str]) -> Iterator[SelfHarmWording]:
    for language, wordings in languages.items():
        for written in wordings.split(","):
            for parts in product(*(part.split("|") for part in _BRACES.split(written.strip()))):
                yield SelfHarmWording(language, "".join(parts))
