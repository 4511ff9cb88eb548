"""The content of a process: keyword sets, compiled, and the wording of replies. One frozen value.

A request or a job uses the value that it began with; ``content_watch.py`` puts the next one in its
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from smsgate.classifier import Classifiers, KeywordSetCache, reply_text
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.settings import Programs, Settings


class SavedContent(msgspec.Struct, frozen=True):
    """What the console owns, as it was saved."""

    keyword_sets: dict[str, str] = {}
    """By name, TOML."""
    replies: dict[str, str] = {}
    """By program, TOML: a table for each language."""
    mark: int = 0
    """Grows with each saved version; 0 where nothing was ever saved."""


@dataclass(frozen=True, slots=True)
class Content:
    """What operators edit while smsgate runs, ready for use."""

    programs: Programs
    """With the wording of replies that is in force."""
    sets: OperatorSets
    """The operator's keyword sets: the files as the process read them, and the console's."""
    classifiers: Classifiers
    """By program; each is made when it is first needed."""
    keyword_versions: Mapping[str, str]
    """By program the hash of its keyword sets, which its decisions name."""
    version: str
    """Hash of all of it."""
    saved: SavedContent
    _wordings: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    """A program has few different replies."""

    def wording(self, program: str, kind: str, language: str) -> tuple[str, str]:
        """Return the text of a program's reply, and the language that it is in."""
        key = (program, kind, language)
        if key not in self._wordings:
            found = self.programs.get(program)
            self._wordings[key] = reply_text(found, kind, language) if found else ("", language)
        return self._wordings[key]


def without_keyword_sets(settings: Settings) -> Content:
    """Return the content of what neither receives nor explains texts: no sets are read."""
    none = Classifiers(KeywordSetCache(None, (), settings.data_dir), ())
    return Content(settings.programs, OperatorSets(), none, {}, "", SavedContent())


class CurrentContent:
    """Holds the newest content of a process. Read ``value`` once for each request or job."""

    __slots__ = ("value",)

    def __init__(self, value: Content) -> None:
        self.value = value
