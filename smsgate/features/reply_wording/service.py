"""The wording of a program's replies: who owns it, how it looks on a phone, and saving it.

All replies of a program that the console saves replace those of the file as a whole, until they
are reverted. Each save is a new version, and nothing of an older one is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import tomlkit

from smsgate.classifier import reply_text
from smsgate.classifier.wording import defaults
from smsgate.content import read_replies
from smsgate.content_versions import ContentVersion, ContentVersions
from smsgate.domain.errors import ConfigurationError, Fault, Unfit, UnknownProgram
from smsgate.domain.gsm import SegmentCount, count
from smsgate.records import Records
from smsgate.settings import Program, Settings

KINDS: Mapping[str, str] = {
    "opt_out": "Opt-out confirmation",
    "opt_in": "Opt-in confirmation",
    "help": "HELP reply",
    "question": "Question of a double opt-in",
}
"""Each text of a language, and how pages name it."""
NO_OWN_TEXT = "# Every reply has the shipped wording.\n"
"""A version without any text: an empty one would bring the file's replies back."""


@dataclass(frozen=True, slots=True)
class ReplyWording:
    """The wording of all replies of a program, as it was saved last."""

    program: Program
    """With this wording."""
    owner: str
    """``console``, ``file`` or ``shipped``."""
    content: str
    """TOML with a table for each language; empty where the wording is the shipped one."""
    version: int
    """The newest of the console, 0 where it never had one."""

    def texts(self, language: str) -> Mapping[str, str]:
        """Return the program's own texts in a language by kind."""
        return self.program.replies.get(language, {})

    def with_texts(self, language: str, texts: Mapping[str, str]) -> str:
        """Return the content with the texts of one language replaced; others keep their order."""
        changed = {**self.program.replies, language: texts}
        return _toml({code: own for code, own in changed.items() if own}) or NO_OWN_TEXT


@dataclass(frozen=True, slots=True)
class ReplyPreview:
    """One text of a program as a phone shows it."""

    kind: str
    own: str
    """What is typed; empty where the shipped wording is sent."""
    text: str
    """As it is sent; empty where there is none."""
    counted: SegmentCount
    problem: str
    """What is wrong with it, to follow the name of the field; empty where nothing is."""


@dataclass(frozen=True)
class WordingEditor:
    """Finds and saves the wording of replies. Every method raises ``RecordsUnavailable``."""

    settings: Settings
    records: Records

    @property
    def versions(self) -> ContentVersions:
        """What the console saved."""
        return ContentVersions(self.records, "replies")

    def find(self, name: str) -> ReplyWording:
        """Return the wording of a program's replies. Raises ``UnknownProgram``."""
        program = self.settings.programs.get(name)
        if program is None:
            known = ", ".join(one.name for one in self.settings.programs) or "none"
            raise UnknownProgram(f"there is no program {name[:40]!r}; there are: {known}")
        newest = next(iter(self.versions.of(name, 1)), None)
        version = newest.version if newest else 0
        if newest is None or not newest.content:
            owner = "file" if program.replies else "shipped"
            return ReplyWording(program, owner, _toml(program.replies), version)
        replies, _ = read_replies(newest.content, program.contact, "")
        return ReplyWording(replace(program, replies=replies), "console", newest.content, version)

    def save(self, name: str, content: str, base: int, author: str, note: str) -> ContentVersion:
        """Make a content the newest version of a program's replies; an empty one reverts them.

        ``base`` is the version that the author saw. Raises ``ContentChanged``, ``Unfit``,
        ``UnknownProgram``, and ``ConfigurationError`` with every fault; nothing is saved then.
        """
        content = content.replace("\r\n", "\n").strip()
        wording = self.find(name)
        program = wording.program
        replies, faults = read_replies(content, program.contact, f"replies of {name}")
        if faults:
            raise ConfigurationError(faults)
        is_same = [*replies.items()] == [*program.replies.items()]  # the order of languages counts
        if is_same if content else wording.owner != "console":
            raise Unfit("Nothing has changed, so there is nothing to save.")
        return self.versions.add(name, content, base, author, note)


def previews(wording: ReplyWording, language: str, texts: Mapping[str, str]) -> list[ReplyPreview]:
    """Return each text in a language, with what is typed in it."""
    program = wording.program
    _, faults = read_replies(_toml({language: texts}), program.contact, "")
    problems = by_kind(faults, language)
    shown = replace(program, replies={**program.replies, language: texts})
    found = []
    for kind in KINDS:
        own = texts.get(kind, "")
        if kind == "question" and not (program.double_opt_in or own):
            continue
        text = reply_text(shown, kind, language)[0] if kind in defaults()["en"] else own
        found.append(ReplyPreview(kind, own, text, count(text), problems.get(kind, "")))
    return found


def by_kind(faults: Sequence[Fault], language: str) -> dict[str, str]:
    """Return what is wrong by the text of a language that it is about; ``""``: about none."""
    found: dict[str, str] = {}
    for fault in faults:
        of, _, kind = fault.key.rpartition(".")
        known = of == language and kind in KINDS
        found.setdefault(kind if known else "", fault.problem if known else str(fault))
    return found


def _toml(replies: Mapping[str, Mapping[str, str]]) -> str:
    return tomlkit.dumps({language: dict(texts) for language, texts in replies.items()})
