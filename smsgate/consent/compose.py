"""A text that is about to be sent, with the opt-out line that its program owes."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from smsgate.domain.gsm import SegmentCount, count

if TYPE_CHECKING:
    from smsgate.settings import Program

FALLBACK = "en"
_SPACE = re.compile(r"\s+")
_OPTIONAL = re.compile(r"\[([^\]]*)\]")
_LETTER = "[A-Za-zÀ-ɏͰ-ӿ]"
"""Of a script that puts spaces between its words; in others a word may touch its neighbours."""
_BETWEEN = r"[\s\"'“”„‘’«»*:()=-]{0,3}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed(SegmentCount):
    """A text with everything that its program owes, and what it costs."""

    text: str
    line: str = ""
    """The opt-out line that was appended; empty where none is owed or the text has one."""

    def __str__(self) -> str:
        """The text, so that it can be handed to a provider's SDK as it is."""
        return self.text


def compose(text: str, program: Program, *, language: str = "") -> Composed:
    """Append the opt-out line that a program owes, and count the segments.

    Marketing owes one in every text (CTIA Messaging Principles 5.1.3 asks for instructions that
    are easy to find; 47 CFR 64.1200 for an opt-out that is no trouble). A service program owes one
    where its settings have an ``opt_out_line``. A text that already says how to stop gets none.

    Args:
        text: what is to be said.
        program: a program of the settings.
        language: BCP 47 tag of the text; without one the program's first language.
    """
    line = _line(program, language)
    body = text.rstrip()
    if not line or says_how_to_stop(body, line, program.opt_out_words):
        line = ""
    whole = f"{body}\n{line}" if body and line else line or text
    counted = count(whole)
    return Composed(
        text=whole,
        encoding=counted.encoding,
        units=counted.units,
        segments=counted.segments,
        foreign=counted.foreign,
        line=line,
    )


def says_how_to_stop(text: str, line: str = "", opt_out_words: Sequence[str] = ()) -> bool:
    """Whether a text tells how to opt out: by ``line``, or as in "Reply STOP to end".

    The word alone is not enough: "Don't STOP now!" tells nobody how. ``opt_out_words``
    are those that the program takes for an opt-out beside the keywords.
    """
    if line and _plain(line) in _plain(text):
        return True
    return _instruction(tuple(opt_out_words)).search(_SPACE.sub(" ", text)) is not None


def _line(program: Program, language: str) -> str:
    """The program's own line, else the shipped one where the program owes any."""
    parts = language.split("-")
    asked = ["-".join(parts[:size]) for size in range(len(parts), 0, -1)]
    shipped = _lines() if program.kind == "marketing" else {}
    for candidate in dict.fromkeys([*asked, *program.replies, *program.keywords, FALLBACK]):
        own = program.replies.get(candidate, {}).get("opt_out_line", "")
        if line := own or str(shipped.get(candidate, {}).get("line", "")):
            line = _OPTIONAL.sub(r"\1" if program.contact else "", line)
            line = line.replace("{program}", program.title or program.name)
            return line.replace("{contact}", program.contact)
    return ""


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).casefold()


@functools.cache
def _lines() -> Mapping[str, Mapping[str, str | list[str]]]:
    """By language the line, its word, and what stands before and after such a word."""
    text = resources.files("smsgate.consent").joinpath("opt_out_lines.toml").read_text("utf-8")
    return tomllib.loads(text)


@functools.lru_cache(maxsize=64)
def _instruction(opt_out_words: tuple[str, ...]) -> re.Pattern[str]:
    """A word that stops with a verb before it or a purpose behind it, in any language of ours.

    The word counts in capitals only, as the carriers ask for it: one line too many costs less
    than one that is missing because of "Reply, stop by and …".
    """
    tables = _lines().values()
    own = [word for text in opt_out_words for word in (text, text.upper())]
    words = _any(["STOP", *own, *(str(table["word"]) for table in tables)])
    before = _any(text for table in tables for text in table.get("before", ()))
    after = _any(text for table in tables for text in table.get("after", ()))
    return re.compile(
        rf"(?<!{_LETTER})(?i:{before}){_BETWEEN}{words}(?!{_LETTER})"
        rf"|(?<!{_LETTER}){words}{_BETWEEN}(?i:{after})"
    )


def _any(texts: Iterable[str]) -> str:
    """One of the texts, the longest first, as a pattern."""
    return "(?:" + "|".join(re.escape(one) for one in sorted(set(texts), key=len)[::-1]) + ")"
