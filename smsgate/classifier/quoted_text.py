"""Texts whose words are not the subscriber's own: reactions, quotes, forwarded texts, our texts.

They are detected before invisible characters go: Google Messages marks its reactions with them. A
reaction is a complete envelope only: a few words of a known kind, and one quotation up to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from smsgate.classifier.normalize import clean, folded, tokens

OPENING = '“"„«「『‹‟”'
CLOSING = '”"“»」』›‟'
_SPACES = (
    " \t\u00a0\u2009\u200a\u202f\u200b\u200c\u200d\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069"
)
_QUOTED = re.compile(f"[{OPENING}]([^{OPENING}{CLOSING}]{{1,2500}})[{CLOSING}]")
_QUOTED_LINE = re.compile(r"(?m)^[ \t]*>.*$")
_LONGEST_FRAME = 60
_WORDS_OF_A_QUOTE = 3
"""A quotation of fewer words may be how somebody marks their own word: "STOP"."""


class Reactions:
    """The frames that phones put around what somebody reacts to."""

    def __init__(self, frames: Iterable[str]) -> None:
        self._before: set[str] = set()
        self._after: set[str] = set()
        self._full: set[tuple[str, str]] = set()
        for frame in frames:
            before, _, after = (_plain(part) for part in frame.partition("…"))
            if before and after:
                self._full.add((before, after))
                # or the emoji stands in the middle: Reagerade med 😂 på “…”
                self._before.add(f"{before} {after}")
            elif after:
                self._after.add(after)
            else:
                self._before.add(before)

    def quoted(self, text: str) -> str | None:
        """What a reaction quotes, or nothing where the text is none."""
        stripped = text.strip(_SPACES + "\n")
        if "‘" in stripped and stripped.endswith("’"):
            stripped = f"{stripped[:-1].replace('‘', '“')}”"
        first = min((at for char in OPENING if (at := stripped.find(char)) >= 0), default=-1)
        if first < 0 or first > _LONGEST_FRAME:
            return None
        ends = [at for at, char in enumerate(stripped) if char in CLOSING and at > first]
        # the first and the outermost quotation marks, then ones that leave some after the frame
        for end in ends[:1] + ends[-4:][::-1]:
            before, after = _plain(stripped[:first]), _plain(stripped[end + 1 :])
            if self._known(before, after, stripped[:first]):
                return stripped[first + 1 : end]
        return None

    def _known(self, before: str, after: str, raw: str) -> bool:
        if after:
            return (before, after) in self._full or (not before and after in self._after)
        return self._begins(before) or _is_emoji_to(before, raw)

    def _begins(self, before: str) -> bool:
        """Whether it is a frame, perhaps after a name: ``Dana liked``."""
        if before in self._before:
            return True
        _, _, rest = before.partition(" ")
        return rest in self._before or rest.partition(" ")[2] in self._before


def _is_emoji_to(before: str, raw: str) -> bool:
    """``👍 to “…”``: an emoji and one short word, as Google Messages writes it."""
    words = before.split()
    return (
        len(words) <= 1
        and not raw[:1].isalnum()
        and any(ord(char) > 0x2000 for char in raw if char not in _SPACES)
    )


def _plain(text: str) -> str:
    """A frame in small letters, without symbols and quotation marks."""
    kept = (char if char.isalnum() or char in "'\u0301" else " " for char in text.casefold())
    return " ".join("".join(kept).split())


def strip_quotations(text: str) -> tuple[str, bool]:
    """The text without longer quotations and quoted lines, and whether there were any."""
    if ">" in text and _QUOTED_LINE.search(text):
        return _QUOTED_LINE.sub(" ", text), True
    if not any(char in text for char in OPENING):
        return text, False
    if _QUOTED.fullmatch(text.strip(_SPACES + "\n.!")):
        return text, False  # so somebody marks their own words
    found = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal found
        if len(match[1].split()) < _WORDS_OF_A_QUOTE:
            return match[0]
        found = True
        return " , "

    return _QUOTED.sub(replaced, text), found


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
