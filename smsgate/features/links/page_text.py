"""The text of the page behind an opt-out link, in each language of ``page_text.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import islice

import msgspec

FALLBACK = "en"
_MAX_TAGS, _MAX_SUBTAGS = 20, 3
"""Languages of a request that are considered, and parts of each: a header may hold thousands."""
_RIGHT_TO_LEFT = frozenset({"ar", "he", "ur", "fa"})
_ALIASES = {
    "zh": "zh-hans",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
    "no": "nb",
    "nn": "nb",
    "tl": "fil",
    "iw": "he",
    "in": "id",
}
"""What browsers and telephones call a language that has another name here."""
_ISOLATED = "\u2068{}\u2069"
"""A program's title keeps its own direction inside a sentence (Unicode UAX 9, FSI and PDI)."""


class PageText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page's text in one language."""

    language: str
    title: str
    sender: str
    choose: str
    one: str
    stop_all: str
    also: str
    done: str
    one_done: str
    done_all: str
    resume: str
    broken: str
    broken_text: str
    later: str
    later_text: str

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return "rtl" if self.language in _RIGHT_TO_LEFT else "ltr"


def choose_language(preferred: Iterable[str]) -> PageText:
    """The text in the first language (BCP 47 tag, any case, most preferred first) that we have."""
    known = load_texts()
    for tag in islice(preferred, _MAX_TAGS):
        parts = tag.lower().replace("_", "-").split("-", _MAX_SUBTAGS)[:_MAX_SUBTAGS]
        for size in range(len(parts), 0, -1):
            name = "-".join(parts[:size])
            found = known.get(_ALIASES.get(name, name))
            if found is not None:
                return found
    return known[FALLBACK]


@functools.cache
def load_texts() -> Mapping[str, PageText]:
    """By lower-case tag."""
    text = resources.files("smsgate.features.links").joinpath("page_text.toml").read_text("utf-8")
    return {
        language.lower(): msgspec.convert({"language": language, **table}, PageText)
        for language, table in tomllib.loads(text).items()
    }


def fill(sentence: str, program: str) -> str:
    """A sentence with the title of a program in it."""
    return sentence.replace("{program}", _ISOLATED.format(program))
