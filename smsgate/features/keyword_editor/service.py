"""Keyword sets in the console: who owns which, what a change would do, and saving it.

The console's set stands in for a file of the same name as a whole, until it is reverted. Each save
is a new version, and nothing of an older one is ever lost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import msgspec
import tomlkit

from smsgate.classifier import Classifiers, OperatorSets, load_sets
from smsgate.classifier.sets import ANY_LANGUAGE, EVERY, shipped
from smsgate.content import first_content
from smsgate.domain.errors import ConfigurationError, ContentChanged, SmsGateError, Unfit
from smsgate.domain.line_diff import compare_texts
from smsgate.domain.signed_times import time_of
from smsgate.features.keyword_editor.replay import DraftEffect, Progress, find_effect
from smsgate.process.services import Services
from smsgate.records import ContentVersion

MAX_BYTES = 48_000
"""Of a set in the console. Larger ones are better kept as files."""
SAMPLE_S = 1.0
"""How long texts are decided before a change is saved, to see whether it looks like a mistake."""
PAGE_SIZE = 50
"""Versions of a set that are shown at once."""
_MAX_NOTE_CHARACTERS = 500


class NoSuchKeywordSet(SmsGateError):
    """There is no keyword set of that name, or no such version of it."""

    status = 404


class KeywordSetInfo(msgspec.Struct, frozen=True):
    """One keyword set."""

    name: str
    owner: str
    """``shipped``, ``file`` or ``console``."""
    place: str
    """Where its owner has it."""
    version: int
    """The newest of the console, 0 where it never had one."""
    is_shipped: bool
    file: str
    """The path of its file, which the console's set may stand in for; empty where it has none."""
    programs: tuple[str, ...]
    """Those that use it."""
    content: str
    """The operator's part of it (TOML), or empty."""

    @property
    def editable(self) -> str:
        """What a change begins with: else a set that adds nothing to the shipped one yet."""
        return self.content or tomlkit.dumps({"language": self.name, "extends": True})

    def with_keyword(self, **entry: str) -> str:
        """Return the content with one more entry; fields without a value are left out."""
        values = {name: value for name, value in entry.items() if value}
        return f"{self.editable.rstrip()}\n\n{tomlkit.dumps({'entries': [values]})}"


class SetVersion(msgspec.Struct, frozen=True):
    """A set as somebody saved it in the console; without content it was reverted."""

    version: int
    saved: datetime
    author: str
    note: str
    changes: str
    """Lines that came (+) and went (-)."""
    content: str


def load_content(services: Services) -> None:
    """Read the keyword sets where this process has none, as a command, which seldom needs them.

    Raises ``ConfigurationError``; the sets of files can be replaced even then.
    """
    current, settings = services.content, services.settings
    if settings.programs and not current.value.classifiers:
        files = OperatorSets.read(settings.config_dir / "keywords")
        current.value = replace(current.value, sets=files)
        current.value, _ = first_content(settings, files, services.records)


class KeywordEditor:
    """Finds keyword sets, tries changes of them, and saves them.

    Every method raises ``RecordsUnavailable``.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._versions = services.records.keyword_versions

    def sets(self) -> list[KeywordSetInfo]:
        """Return every set that there is or that a program names, by name."""
        newest = self._newest()
        own = self._own(newest)
        named = {one for program in self._services.settings.programs for one in program.keywords}
        names = {*shipped(), *own.names(), *named, *newest} - {EVERY}
        return [self._info(name, own, newest.get(name)) for name in sorted(names)]

    def find(self, name: str) -> KeywordSetInfo:
        """Return one set. Raises ``NoSuchKeywordSet``."""
        found = next((one for one in self.sets() if one.name == name), None)
        if found is None:
            raise NoSuchKeywordSet(f"there is no keyword set {name[:40]!r}: the list has them all")
        return found

    def history(self, name: str, before: int | None = None) -> list[SetVersion]:
        """Return a page of the versions of a set in the console, newest first."""
        rows = self._versions.of(name, PAGE_SIZE + 1, before)
        older = [*(one.content for one in rows[1:]), *([""] if rows else [])]
        return [
            SetVersion(
                version=one.version,
                saved=time_of(one.saved_us),
                author=one.author,
                note=one.note,
                changes="\n".join(
                    f"{line.sign} {line.text}".rstrip() for line in compare_texts(old, one.content)
                ),
                content=one.content,
            )
            for one, old in zip(rows, older, strict=True)
        ][:PAGE_SIZE]

    def try_content(
        self, name: str, content: str, timeout_s: float, progress: Progress = lambda *_: None
    ) -> DraftEffect:
        """Return what a content of a set would change; texts are read so many seconds at most.

        Raises ``Unfit`` where it is too long, ``ConfigurationError`` with every fault, as
        ``smsgate config check`` finds them, and ``StoreUnavailable``.
        """
        size, settings = len(content.encode()), self._services.settings
        if size > MAX_BYTES:
            raise Unfit(
                f"The set has {size:,} bytes, and the console keeps at most {MAX_BYTES:,}: make "
                f"it a file, {settings.config_dir}/keywords/{name}.toml"
            )
        own, programs = self._own(self._newest()).with_draft(name, content), [*settings.programs]
        drafted = Classifiers(own, programs)
        faults, users = drafted.faults(), self._users(name)
        if content and not users and not faults:
            faults = load_sets(own, [name])[1]  # which the first program to use it would meet
        if faults:
            raise ConfigurationError(faults)
        active = self._services.content.value.classifiers
        pairs = {one: (active[one], drafted[one]) for one in users if one in active}
        return find_effect(self._services, pairs, timeout_s, progress)

    def save(
        self, name: str, content: str, base: int, author: str, note: str, *, sure: bool = False
    ) -> ContentVersion:
        """Make a content the newest version of a set; an empty one reverts to file or shipped set.

        ``base`` is the version that the author saw; ``sure`` says that the author knows that it
        opts out many more people. Raises ``ContentChanged``, ``Unfit``, ``ConfigurationError`` with
        every fault, and ``StoreUnavailable``; nothing is saved then.
        """
        content = content.replace("\r\n", "\n").strip()
        content = f"{content}\n" if content else ""
        info = self.find(name)
        if base != info.version:
            raise ContentChanged(
                f"{name} was saved by someone else while you worked on version {base}; now it has "
                f"version {info.version}: look at what changed, and save yours again if it still "
                "holds"
            )
        if content.strip() == (info.content.strip() if info.owner == "console" else ""):
            raise Unfit("Nothing has changed, so there is nothing to save.")
        if self.try_content(name, content, SAMPLE_S).is_alarming and not sure:
            raise Unfit(
                "This opts out many more people than before, which looks like a mistake. Look at "
                "the texts that change; if it is meant so, say that you are sure, and save again."
            )
        note = note.strip()[:_MAX_NOTE_CHARACTERS]
        saved = ContentVersion(name, base + 1, content, author, time.time_ns() // 1000, note)
        self._versions.save(saved)
        return saved

    def restore(
        self, name: str, number: int, base: int, author: str, note: str = ""
    ) -> ContentVersion:
        """Save an older version as the newest one; 0 reverts. Raises what ``save`` raises."""
        found = self._versions.of(name, 1, number + 1) if number else []
        if number and (not found or found[0].version != number):
            raise NoSuchKeywordSet(f"{name} has no version {number}")
        note = note or (f"restored version {number}" if number else "reverted")
        return self.save(name, found[0].content if found else "", base, author, note, sure=True)

    def _newest(self) -> dict[str, ContentVersion]:
        return {one.name: one for one in self._versions.newest()}

    def _own(self, newest: Mapping[str, ContentVersion]) -> OperatorSets:
        saved = {name: one.content for name, one in newest.items() if one.content.strip()}
        return self._services.content.value.sets.with_console(saved)

    def _info(self, name: str, own: OperatorSets, version: ContentVersion | None) -> KeywordSetInfo:
        file, found, is_shipped = own.files.get(name), own.text(name), name in shipped()
        place = f"shipped keywords/{name}.toml" if is_shipped else "nowhere"
        return KeywordSetInfo(
            name=name,
            owner="console" if name in own.console else "file" if file else "shipped",
            place=found[0] if found else place,
            version=version.version if version else 0,
            is_shipped=is_shipped,
            file=file[0] if file else "",
            programs=self._users(name),
            content=found[1] if found else "",
        )

    def _users(self, name: str) -> tuple[str, ...]:
        """Return the programs that use a set."""
        return tuple(
            one.name
            for one in self._services.settings.programs
            if name == ANY_LANGUAGE or {name, EVERY} & {*one.keywords}
        )
