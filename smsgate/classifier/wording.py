"""What we answer, in the language of the text.

The default wordings lie in ``wording.toml``; an operator's own come first. Rules of the texts:
47 CFR 64.1200(a)(12) allows one confirmation without marketing; carriers want brand, "no more
messages" and optionally how to resume (CTIA Messaging Principles 5.1.2 and 5.1.3).
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources

from smsgate.domain.program import ProgramProfile

FALLBACK = "en"
_OPTIONAL = re.compile(r"\[([^\]]*)\]")


@functools.cache
def defaults() -> Mapping[str, Mapping[str, str]]:
    """The shipped wordings: language, then ``opt_out``, ``opt_in`` or ``help``."""
    text = resources.files(__package__ or "").joinpath("wording.toml").read_text("utf-8")
    return tomllib.loads(text)


def languages_of(program: ProgramProfile) -> list[str]:
    """The languages of a program's replies: the operator's own first, then the keyword sets'."""
    shipped = defaults()
    sets = shipped if "*" in program.keywords else program.keywords
    return list(dict.fromkeys([*program.replies, *(name for name in sets if name in shipped)]))


def reply_text(program: ProgramProfile, kind: str, language: str) -> tuple[str, str]:
    """The text of a reply and the language it is in.

    Args:
        program: whose title and contact are named, and whose own wordings come first.
        kind: ``opt_out``, ``opt_in`` or ``help``.
        language: BCP 47 tag of what was texted; ``zh-Hant-HK`` falls back to ``zh-Hant``, ``zh``,
            then to the program's first language and English.
    """
    parts = language.split("-")
    tags = ("-".join(parts[:size]) for size in range(len(parts), 0, -1))
    for candidate in (*tags, *program.replies, *program.keywords):
        own = program.replies.get(candidate, {}).get(kind)
        if template := own or defaults().get(candidate, {}).get(kind):
            return _filled(template, program), candidate
    return _filled(defaults()[FALLBACK][kind], program), FALLBACK


def _filled(template: str, program: ProgramProfile) -> str:
    """Names filled in; what stands in brackets goes where there is no contact to name."""
    kept = _OPTIONAL.sub(r"\1" if program.contact else "", template)
    text = kept.replace("{program}", program.title or program.name)
    return text.replace("{contact}", program.contact)
