"""What the opt-out page says, by language; the words themselves lie in ``page_text.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import islice

import msgspec

FALLBACK = "en"
_TAGS = 20
_PARTS = 3
"""Languages of a request that are looked at, and the parts of each; a header may hold thousands."""
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
"""What browsers and telephones say for a language that has another name here."""
_ISOLATED = "\u2068{}\u2069"
"""A program's title keeps its own direction inside a sentence (Unicode UAX 9, FSI and PDI)."""


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page's words in one language."""

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

    def sent_by(self, program: str) -> str:
        """Who sent the text that the link came in."""
        return _with(self.sender, program)

    def stop_one(self, program: str) -> str:
        """What the button for one program says."""
        return _with(self.one, program)

    def done_one(self, program: str) -> str:
        """That one program has stopped."""
        return _with(self.one_done, program)


def best(wanted: Iterable[str]) -> Texts:
    """The first of the languages (BCP 47, any case, the dearest first) that there are texts in."""
    known = _known()
    for tag in islice(wanted, _TAGS):
        parts = tag.lower().replace("_", "-").split("-", _PARTS)[:_PARTS]
        for size in range(len(parts), 0, -1):
            name = "-".join(parts[:size])
            found = known.get(_ALIASES.get(name, name))
            if found is not None:
                return found
    return known[FALLBACK]


@functools.cache
def _known() -> Mapping[str, Texts]:
    """The texts by lower-case tag."""
    text = resources.files("smsgate.features.links").joinpath("page_text.toml").read_text("utf-8")
    return {
        language.lower(): msgspec.convert({"language": language, **table}, Texts)
        for language, table in tomllib.loads(text).items()
    }


def _with(sentence: str, program: str) -> str:
    return sentence.replace("{program}", _ISOLATED.format(program))
