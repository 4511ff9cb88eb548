"""One text, read: its words, the keywords that stand alone in it, and what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import Passage
from smsgate.classifier.keywords import Keyword, KeywordIndex
from smsgate.classifier.normalize import ASK, END, PAUSE, folded
from smsgate.classifier.sets import ANY_LANGUAGE

_WORDS = 240
"""Words of a text that are looked at, of the beginning and of the end together."""
_PARTS = 12
"""Parts of a text between two pauses that are tried as keywords."""
_OPENING = 3
"""Words, or characters of scripts without blanks, of the longest keyword that a text may begin with
before it goes on."""

_CAPITALS = re.compile(r"(?<![\w-])STOP(?![\w-])")


def passage_of(
    cleaned: str, tokens: Sequence[str], concepts: Concepts, keywords: KeywordIndex
) -> Passage:
    """What the model is shown of a text; ``tokens`` are letters in scripts without blanks."""
    half = _WORDS // 2
    exact = [*tokens] if len(tokens) <= _WORDS else [*tokens[:half], *tokens[-half:]]
    words = folded(exact)
    language, places = concepts.found(words, exact)
    alone = list(_alone(exact, keywords))
    if "STOP" in cleaned and not cleaned.isupper() and _CAPITALS.search(cleaned):
        alone.append("STOP")
    return Passage(words, places, alone, language)


def _alone(tokens: Sequence[str], keywords: KeywordIndex) -> Iterator[str]:
    """The intents of the keywords that stand by themselves between two pauses.

    With a mark for those that act without a person, for questions, and for the first and last part.
    """
    parts = list(parted(tokens))
    if len(parts) > _PARTS:
        parts = [*parts[: _PARTS // 2], *parts[-_PARTS // 2 :]]
    for at, (part, mark) in enumerate(parts):
        keyword = keywords.find(part) or keywords.find(keywords.bare(part))
        if keyword is not None and keyword.entry.intent != "none":
            name = f"{_named(keyword)}{mark}"
            yield name
            if at in (0, len(parts) - 1):
                yield f"{'^' if at == 0 else '$'}{name}"
        elif at == 0:
            yield from _begun(part, keywords)


def _begun(part: Sequence[str], keywords: KeywordIndex) -> Iterator[str]:
    """The intent of the keyword that a text begins with, and goes on: ``Abmelden 5 € sind …``."""
    for length in range(min(_OPENING, len(part) - 1), 0, -1):
        keyword = keywords.find(part[:length])
        if keyword is not None and keyword.entry.intent != "none":
            yield f"|{_named(keyword)}"
            return


def _named(keyword: Keyword) -> str:
    sure = "!!" if keyword.language == ANY_LANGUAGE else "!" if keyword.certain else ""
    return f"{keyword.entry.intent}{sure}"


def parted(tokens: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """The parts of a text between two pauses, and a mark behind those that ask."""
    part: list[str] = []
    for token in (*tokens, END):
        if token in (END, PAUSE, ASK):
            if part:
                yield part, "?" if token == ASK else ""
            part = []
        else:
            part.append(token)
