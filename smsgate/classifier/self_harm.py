"""Texts in which somebody speaks of ending their life: a person has to see them.

They are looked for in every shipped language, whatever keyword sets a program names: nobody picks
the language of a cry for help by the language of a newsletter.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import product
from typing import NamedTuple

from smsgate.classifier.normalize import clean, folded, has_unspaced, tokens

_BRACES = re.compile("[{}]")


class SelfHarmWording(NamedTuple):
    """One way to say it."""

    language: str
    written: str
    order: bool = False
    """Whether it is none where it is the whole text: ``stop everything``."""


class _Wording(NamedTuple):
    """A wording as it is looked up."""

    found: SelfHarmWording
    text: str
    """Its words with the blanks around them; of scripts without blanks, without."""
    other_senses: list[str]
    """Longer wordings around it that mean something else: ``end my life insurance``."""
    of_life: bool
    """Whether it is of life alone; else it is of messages where the text speaks of them."""


_UNSPACED = ""
"""In place of a word: the wordings of scripts without blanks."""


def self_harm(words: list[str]) -> SelfHarmWording | None:
    """The wording by which a text speaks of ending one's life, or nothing.

    Args:
        words: of the text, without its marks, in small letters.
    """
    wordings = _wordings()
    plain = folded(words)
    joined = "".join(plain)
    there = {*plain, _UNSPACED} if not joined.isascii() and has_unspaced(joined) else set(plain)
    for word in sorted(wordings.keys() & there):
        near = wordings[word]
        text = f" {' '.join(plain)} " if word else joined
        for one in (one for second in sorted(near.keys() & there) for one in near[second]):
            if one.text in text:
                own = text
                for other in one.other_senses:
                    own = own.replace(other, " ")
                if one.text in own and (one.of_life or not _speaks_of_messages(text)):
                    return one.found
    return None


def _speaks_of_messages(text: str) -> bool:
    return any(word in text for word in _message_words())


@cache
def _message_words() -> frozenset[str]:
    return frozenset(_text(one.written) for one in written_out(_tables()["messages"]))


def _tables() -> dict[str, dict[str, str]]:
    """The shipped wordings (``self_harm.toml`` beside this file)."""
    text = resources.files(__package__ or "").joinpath("self_harm.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _wordings() -> dict[str, dict[str, list[_Wording]]]:
    """The wordings by the two words that the fewest have, so that few are looked for in a text."""
    tables = _tables()
    others = [_text(one.written) for one in written_out(tables["other_senses"])]
    other_words = {_UNSPACED, *(word for other in others for word in other.split())}
    written = {
        _text(one.written): (one._replace(order=kind == "orders"), kind == "life")
        for kind in ("orders", "everything", "life")
        for one in written_out(tables[kind])
    }
    often = Counter(word for there in written for word in _whole_words(there))
    wordings: dict[str, dict[str, list[_Wording]]] = {}
    for there, (one, of_life) in written.items():
        rarest = second = _UNSPACED
        if not has_unspaced(there):
            # "everything" is in many of these, and in fewer texts than what is beside it
            rank = often.__getitem__ if of_life else lambda word: -len(word)
            ranked = sorted(_whole_words(there), key=lambda word: (rank(word), word))
            rarest, second = (ranked * 2)[:2]
        # most have none, and looking for them takes half of the time
        meant = [other for other in others if there in other] if rarest in other_words else []
        found = _Wording(one, there, meant, of_life)
        wordings.setdefault(rarest, {}).setdefault(second, []).append(found)
    return wordings


def _whole_words(wording: str) -> list[str]:
    """The words of a wording, without a last one that may have any ending."""
    return wording.split() if wording.endswith(" ") else wording.split()[:-1]


def _text(written: str) -> str:
    """A wording as it is looked up: in plain letters, with blanks where words end."""
    words = folded(tokens(clean(written.rstrip("*"))[0]))
    if has_unspaced("".join(words)):
        return "".join(words)
    return f" {' '.join(words)}" + ("" if written.endswith("*") else " ")


def written_out(languages: dict[str, str]) -> Iterator[SelfHarmWording]:
    """Each wording of some languages by itself: ``{a|b} c`` is two."""
    for language, wordings in languages.items():
        for written in wordings.split(","):
            for parts in product(*(part.split("|") for part in _BRACES.split(written.strip()))):
                yield SelfHarmWording(language, "".join(parts))
