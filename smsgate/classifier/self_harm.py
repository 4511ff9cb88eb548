"""Texts by somebody who speaks of ending their life, or is in danger: a person has to see them.

They are looked for in every shipped language, whatever keyword sets a program names: nobody picks
the language of a cry for help by the language of a newsletter.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
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
    kind: str
    """``life`` or ``danger``; else where the text speaks of messages it is of those:
    ``everything``, or ``orders``, which are also keywords where they are the whole text (stop
    everything)."""


def self_harm(words: list[str]) -> SelfHarmWording | None:
    """The wording by which a text speaks of ending one's life or of danger, or nothing.

    Args:
        words: of the text, without its marks, in small letters.
    """
    plain = folded(words)
    joined, text = "".join(plain), f" {' '.join(plain)} "
    there = {*plain}
    if not joined.isascii() and has_unspaced(joined):
        there |= _pairs(joined)
    wordings = _wordings()
    for word in sorted(wordings.keys() & there):
        for sought, found in wordings[word]:
            read = text if sought[0] == " " else joined
            if sought not in read or sought not in _without_other_senses(read):
                continue
            if found.kind in ("life", "danger") or not any(
                one in read for one in _texts("messages")
            ):
                return found
    return None


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _without_other_senses(text: str) -> str:
    """The text without what only sounds like it: ``end my life insurance``."""
    for other in _texts("other_senses"):
        text = text.replace(other, " ")
    return text


@cache
def _tables() -> dict[str, dict[str, str]]:
    """The shipped wordings (``self_harm.toml`` beside this file)."""
    text = resources.files(__package__ or "").joinpath("self_harm.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _texts(kind: str) -> tuple[str, ...]:
    return tuple(_text(written) for _, written in written_out(_tables()[kind]))


@cache
def _wordings() -> dict[str, list[tuple[str, SelfHarmWording]]]:
    """The wordings by their longest word, which the fewest texts have.

    By their first two characters in scripts without blanks.
    """
    found: defaultdict[str, list[tuple[str, SelfHarmWording]]] = defaultdict(list)
    for kind in ("life", "danger", "everything", "orders"):
        for language, written in written_out(_tables()[kind]):
            sought = _text(written)
            # a last word with any ending is no word of a text
            whole = sought.split() if sought.endswith(" ") else sought.split()[:-1]
            key = max(whole, key=len) if sought[0] == " " else sought[:2]
            found[key].append((sought, SelfHarmWording(language, written, kind)))
    return dict(found)


def _text(written: str) -> str:
    """A wording as it is looked up: in plain letters, with blanks where words end."""
    words = folded(tokens(clean(written.rstrip("*"))[0]))
    if has_unspaced("".join(words)):
        return "".join(words)
    return f" {' '.join(words)}" + ("" if written.endswith("*") else " ")


def written_out(languages: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each wording of some languages by itself: ``{a|b} c`` is two."""
    for language, wordings in languages.items():
        for written in wordings.split(","):
            for parts in product(*(part.split("|") for part in _BRACES.split(written.strip()))):
                yield language, "".join(parts)
