"""What is looked for before the model: a cry for help, and "don't call, text me".

Both are found by phrases of every shipped language (``self_harm.toml``, ``other_channel.toml``),
whatever keyword sets a program names: nobody picks the language of a cry for help by the language
of a newsletter.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib import resources
from itertools import pairwise, permutations, product
from typing import NamedTuple

from smsgate.classifier.keywords import read_words
from smsgate.classifier.normalize import folded, letters
from smsgate.classifier.sets import listed

_CRISIS, _CHANNEL = "self_harm.toml", "other_channel.toml"
_BRACES = re.compile("[{}]")
_PAUSE = r"(?:(?:[^ ,.?#]+ ){0,3}(?:[,.?#] )+)"
"""What may stand between a refusal and the wish beside it: a pause behind up to three words."""


class Phrase(NamedTuple):
    """One way to say something."""

    kind: str
    """The table that it stands in. Those of ``everything`` and ``orders`` are of messages where
    the text speaks of any; ``orders`` are keywords, too, where they are the whole text."""
    language: str
    text: str
    """In plain letters, each word between blanks; no blank behind one that may have any ending."""


def find_crisis(words: list[str]) -> tuple[Phrase, list[str]] | None:
    """The phrase by which a text speaks of ending one's life or of danger, and its own words.

    Args:
        words: of the text, without its marks, in small letters.
    """
    text, phrases = _phrases_in(_CRISIS, words)
    phrases = [one for one in phrases if one.kind not in ("messages", "other_senses")]
    if not phrases:
        return None
    own, of_messages = text, False
    for other in _phrases(_CRISIS):
        if other.kind == "other_senses":  # ``end my life insurance``
            own = own.replace(other.text, " ")
        elif other.kind == "messages":
            of_messages = of_messages or other.text in text
    for one in phrases:
        if one.text in own and (one.kind in ("life", "danger") or not of_messages):
            start = text.count(" ", 0, text.index(one.text))
            return one, words[start : start + len(one.text.split())]
    return None


def without_refused_calls(words: list[str]) -> list[str] | None:
    """The words without a refusal of calls and the wish for texts beside it; else nothing.

    The same words where texts are refused, too.

    Args:
        words: of the text, with its marks; those of scripts without blanks letter by letter.
    """
    text, phrases = _phrases_in(_CHANNEL, words)
    found = [
        (text.count(" ", 0, match.start()), text.count(" ", 0, match.end()))
        for one, other in permutations(phrases, 2)
        if one.language == other.language and one.kind != other.kind
        for match in _beside(one, other).finditer(text)
    ]
    if not found:
        return None
    first = min(start for start, _ in found)
    end = max(end for start, end in found if start == first)
    # ``skicka inte sms``, ``发短信也不要``
    denying = " ".join(one.text for one in _phrases(_CHANNEL) if one.kind == "denying").split()
    denied = {*denying} & {*text.split()[end : end + 2]}
    return words if denied else [*words[:first], *words[end:]]


def _beside(one: Phrase, other: Phrase) -> re.Pattern[str]:
    # "别打电话发短信" without a pause may refuse both
    pause = _PAUSE if one.language.startswith("zh") else f"{_PAUSE}?"
    return re.compile(f"{re.escape(one.text)}{pause}{re.escape(other.text.strip())}(?= )")


def _phrases_in(file: str, words: list[str]) -> tuple[str, list[Phrase]]:
    """A text as phrases are looked for in it, and those of a file that it has."""
    plain, index = folded(words), _index(file)
    text = f" {' '.join(plain)} "
    there = index.keys() & {*plain, *map(" ".join, pairwise(plain))}
    return text, [one for key in sorted(there) for one in index[key] if one.text in text]


@cache
def _index(file: str) -> dict[str, list[Phrase]]:
    """The phrases of a file by their first two words, or the only one whose end is known."""
    found: defaultdict[str, list[Phrase]] = defaultdict(list)
    for phrase in _phrases(file):
        # a last word with any ending is no word of a text
        whole = phrase.text[1 : phrase.text.rindex(" ")].split()
        found[" ".join(whole[:2])].append(phrase)
    return dict(found)


@cache
def _phrases(file: str) -> list[Phrase]:
    """The phrases of a file: ``{a|b} c`` is two, and ``*`` ends one whose last word goes on."""
    tables = tomllib.loads(resources.files(__package__ or "").joinpath(file).read_text("utf-8"))
    written = [
        (kind, language, [part.split("|") for part in _BRACES.split(one)], not one.endswith("*"))
        for kind, table in tables.items()
        for language, phrases in table.items()
        for one in listed(phrases)
    ]
    forms = list({form for *_, parts, _ in written for part in parts for form in part})
    plain = {
        form: f"{' '.join(folded(letters(words)))} " if words else ""
        for form, words in zip(forms, read_words(forms), strict=True)
    }
    return [
        Phrase(kind, language, f" {text}" if ends else f" {text[:-1]}")
        for kind, language, parts, ends in written
        for text in map("".join, product(*([plain[form] for form in part] for part in parts)))
    ]
