"""Texts that refuse calls and ask for texts: ``don't call, text me`` is no opt-out."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from functools import cache
from importlib import resources
from itertools import pairwise

from smsgate.classifier.normalize import PUNCTUATION, clean, folded, letters, tokens
from smsgate.classifier.self_harm import written_out

_REACH = 3
"""Words that may stand between a refusal and the pause behind it."""
_Parts = dict[str, dict[str, list[tuple[str, ...]]]]


def without_refused_calls(words: list[str]) -> list[str] | None:
    """The words without a refusal of calls and the wish for texts beside it; else nothing.

    The same words where texts are refused, too.

    Args:
        words: of the text, with its marks; those of scripts without blanks letter by letter.
    """
    plain = folded(words)
    refused, asked = _wordings("refused"), _wordings("asked")
    if refused.keys().isdisjoint(plain) or _beginnings().isdisjoint(
        [*plain, *map(" ".join, pairwise(plain))]
    ):
        return None  # nearly all texts
    for at, word in enumerate(plain):
        ends = [
            _end(plain, at + len(part), language, second)
            for first, second in ((refused, asked), (asked, refused))
            for language, parts in first.get(word, {}).items()
            for part in parts
            if follows(plain, at, part)
        ]
        if any(ends):
            return [*words[:at], *words[max(ends) :]] if max(ends) > 0 else words
    return None


def _end(words: list[str], start: int, language: str, wanted: _Parts) -> int:
    """The end of the other part behind a pause, or right here; less than 0 where it is denied."""
    places = [at for at in range(start, min(start + _REACH + 1, len(words))) if _pause(words[at])]
    if places:
        begin = next((at for at in range(places[0], len(words)) if not _pause(words[at])), None)
    else:
        # "别打电话发短信" without a pause may refuse both
        begin = None if language.startswith("zh") else start
    if begin is None or begin >= len(words):
        return 0
    parts = wanted.get(words[begin], {}).get(language, ())
    end = max((begin + len(part) for part in parts if follows(words, begin, part)), default=0)
    return -end if _denying().intersection(words[end : end + 2]) else end


def follows(words: list[str], at: int, rest: tuple[str, ...]) -> bool:
    """Whether the rest of a wording stands at a place; a ``*`` ends a beginning."""
    if at + len(rest) > len(words):
        return False
    return all(
        word == wanted or (wanted[-1] == "*" and word.startswith(wanted[:-1]))
        for word, wanted in zip(words[at:], rest, strict=False)
    )


def _pause(word: str) -> bool:
    return word in PUNCTUATION


@cache
def _beginnings() -> frozenset[str]:
    """The first two words of each refusal, or its only one."""
    refused = _wordings("refused").values()
    return frozenset(
        " ".join(part[:2]) for each in refused for parts in each.values() for part in parts
    )


def _tables() -> dict[str, dict[str, str]]:
    """The shipped wordings."""
    text = resources.files(__package__ or "").joinpath("other_channel.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _denying() -> frozenset[str]:
    """Words that deny a verb before them: ``skicka inte sms``, ``发短信也不要``."""
    return frozenset(_tables()["denying"]["any"].split())


@cache
def _wordings(kind: str) -> _Parts:
    """By their first word and their language, the wordings (``other_channel.toml``)."""
    found: _Parts = defaultdict(lambda: defaultdict(list))
    for language, written in written_out(_tables()[kind]):
        words = tuple(folded(letters(tokens(clean(written)[0]))))
        found[words[0]][language].append(words)
    return {word: dict(parts) for word, parts in found.items()}
