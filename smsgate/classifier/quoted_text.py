"""Words that are not the subscriber's own: quotations, forwarded texts, our texts.

Phones write a reaction as a few words and a quotation: ``Liked “Reply STOP to opt out”``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from smsgate.classifier.normalize import clean, folded, tokens

_OPENING = '“"„«「『‹‟”'
_CLOSING = '”"“»」』›‟'
_SPACES = (
    " \t\u00a0\u2009\u200a\u202f\u200b\u200c\u200d\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069"
)
_QUOTED = re.compile(f"[{_OPENING}]([^{_OPENING}{_CLOSING}]{{1,2500}})[{_CLOSING}]")
_QUOTED_LINE = re.compile(r"(?m)^[ \t]*>.*$")
_WORDS_OF_A_QUOTE = 3
"""A quotation of fewer words may be how somebody marks their own word: "STOP"."""


def strip_quotations(text: str) -> str:
    """The text without longer quotations and quoted lines; the same one where there are none."""
    if ">" in text and _QUOTED_LINE.search(text):
        return _QUOTED_LINE.sub(" ", text)
    marked = text
    if "‘" in text and text.endswith("’"):
        marked = f"{text[:-1].replace('‘', '“')}”"
    if not any(char in marked for char in _OPENING):
        return text
    if _QUOTED.fullmatch(marked.strip(_SPACES + "\n.!")):
        return text  # so somebody marks their own words
    own = _QUOTED.sub(_without_long, marked)
    return text if own == marked else own


def _without_long(quotation: re.Match[str]) -> str:
    return quotation[0] if len(quotation[1].split()) < _WORDS_OF_A_QUOTE else " , "


_PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>|%s")
_SHORTEST = 4
"""Words in a row that must be ours; fewer may be the subscriber's own."""


class Templates:
    """The fixed parts of what a program sends; ``{name}`` in a template stands for what changes."""

    def __init__(self, templates: Iterable[str]) -> None:
        found = (part for template in templates for part in _PLACEHOLDER.split(template))
        words = (folded(tokens(clean(part)[0])) for part in found)
        self._parts = [part for part in words if len(part) >= _SHORTEST]

    def without(self, words: list[str]) -> list[str]:
        """The words without those of ours; the same list where there are none."""
        for part in self._parts:
            plain = folded(words)
            for at in range(len(plain) - len(part) + 1):
                if plain[at] == part[0] and plain[at : at + len(part)] == part:
                    words = [*words[:at], ",", *words[at + len(part) :]]
                    break
        return words
