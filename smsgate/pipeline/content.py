"""The content of a process: keyword sets, compiled, and the wording of replies. One frozen value.

A request or a job uses the value that it began with; ``content_watch.py`` puts the next one in its
place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from pydantic import TypeAdapter, ValidationError

from smsgate.classifier import Classifiers, OperatorSets, Wordings
from smsgate.domain.errors import Fault
from smsgate.settings import Programs, Replies, Settings
from smsgate.settings.read import fault_of

_REPLIES = TypeAdapter[Mapping[str, Mapping[str, str]]](Replies)


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
    wordings: Wordings
    """Of the replies of those programs."""


def read_replies(
    text: str, contact: str, place: str
) -> tuple[Mapping[str, Mapping[str, str]], list[Fault]]:
    """Return the wording of replies by language and kind, and what is wrong with it.

    ``text`` is TOML with a table for each language; ``contact`` is the program's, ``place`` is
    told.
    """
    try:
        return _REPLIES.validate_python(tomllib.loads(text), context={"contact": contact}), []
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(place, "replies", f"is no TOML: {error}")]
    except ValidationError as error:
        return {}, [fault_of(one, place) for one in error.errors()]


def without_keyword_sets(settings: Settings) -> Content:
    """Return the content of what neither receives nor explains texts: no sets are read."""
    none = Classifiers(None, ())
    return Content(
        settings.programs, OperatorSets(), none, {}, "", SavedContent(), Wordings(settings.programs)
    )


class CurrentContent:
    """Holds the newest content of a process. Read ``value`` once for each request or job."""

    __slots__ = ("value",)

    def __init__(self, value: Content) -> None:
        self.value = value
