"""Keyword sets in the console: who owns which, what a change would do, and saving it.

The console's set stands in for a file of the same name as a whole, until it is reverted. Each save
is a new version, and nothing of an older one is ever lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec
import tomlkit

from smsgate.classifier import Classifier, OperatorSets, load_sets, make_classifiers
from smsgate.classifier.sets import ANY_LANGUAGE, EVERY, shipped
from smsgate.content import Content, CurrentContent, first_content
from smsgate.content_versions import ContentVersion, ContentVersions
from smsgate.domain.errors import ConfigurationError, NotFound, Unfit, UnknownProgram
from smsgate.features.keyword_editor.replay import DraftEffect, find_effect
from smsgate.interface.operation import Progress
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store.store import Store

MAX_BYTES = 48_000
"""Of a set in the console. Larger ones are better kept as files."""
SAMPLE_S = 1.0
"""How long texts are decided before a change is saved, to see whether it looks like a mistake."""


class KeywordSetInfo(msgspec.Struct, frozen=True):
    """One keyword set."""

    name: str
    owner: str
    """``shipped``, ``file`` or ``console``."""
    place: str
    """Where its owner has it."""
    version: int
    """The newest of the console, 0 where it never had one."""
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


@dataclass(frozen=True)
class KeywordEditor:
    """Finds keyword sets, tries changes of them, and saves them.

    Every method raises ``RecordsUnavailable``.
    """

    settings: Settings
    content: CurrentContent
    store: Store
    records: Records

    @property
    def versions(self) -> ContentVersions:
        """What the console saved."""
        return ContentVersions(self.records, "keywords")

    def active(self) -> Content:
        """Return the content in force. A command, which seldom needs one, reads it now.

        Raises ``ConfigurationError``.
        """
        current = self.content
        if self.settings.programs and not current.value.classifiers:
            files = OperatorSets.read(self.settings.config_dir / "keywords")
            current.value = replace(current.value, sets=files)
            current.value, _ = first_content(self.settings, files, self.records)
        return current.value

    def classifiers(self, program: str) -> list[Classifier]:
        """Return a program's classifier; without a name those of all programs.

        Raises ``UnknownProgram`` and ``ConfigurationError``.
        """
        found = self.active().classifiers
        if not found or (program and program not in found):
            known = ", ".join(found) or "none"
            raise UnknownProgram(f"there is no program {program[:40]!r}; there are: {known}")
        return [found[name] for name in ([program] if program else found)]

    def sets(self) -> list[KeywordSetInfo]:
        """Return every set that there is or that a program names, by name."""
        newest = self._newest()
        own = self._own({})
        named = {one for program in self.settings.programs for one in program.keywords}
        names = {*shipped(), *own.texts, *named, *newest} - {EVERY}
        return [self._info(name, own, newest.get(name)) for name in sorted(names)]

    def find(self, name: str) -> KeywordSetInfo:
        """Return one set. Raises ``NotFound``."""
        found = next((one for one in self.sets() if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no keyword set {name[:40]!r}: the list has them all")
        return found

    def try_content(
        self, name: str, content: str, timeout_s: float, progress: Progress = lambda *_: None
    ) -> DraftEffect:
        """Return what a content of a set would change; texts are read so many seconds at most.

        Raises ``Unfit`` where it is too long, ``ConfigurationError`` with every fault, as
        ``smsgate config check`` finds them, and ``StoreUnavailable``.
        """
        size, settings = len(content.encode()), self.settings
        if size > MAX_BYTES:
            raise Unfit(
                f"The set has {size:,} bytes, and the console keeps at most {MAX_BYTES:,}: make "
                f"it a file, {settings.config_dir}/keywords/{name}.toml"
            )
        own = self._own({name: content})
        drafted, faults = make_classifiers(own, settings.programs)
        users = self._users(name)
        if content and not users and not faults:
            faults = load_sets(own, [name])[1]  # which the first program to use it would meet
        if faults:
            raise ConfigurationError(faults)
        active = self.content.value.classifiers
        pairs = {one: (active[one], drafted[one]) for one in users if one in active}
        return find_effect(self.store, self.records, pairs, timeout_s, progress)

    def save(
        self, name: str, content: str, base: int, author: str, note: str, *, sure: bool = False
    ) -> ContentVersion:
        """Make a content the newest version of a set; an empty one reverts to file or shipped set.

        ``base`` is the version that the author saw; ``sure`` says that the author knows that it
        opts out many more people. Raises ``ContentChanged``, ``Unfit``, ``ConfigurationError`` with
        every fault, and ``StoreUnavailable``; nothing is saved then.
        """
        content = content.replace("\r\n", "\n").strip()
        info = self.find(name)
        if content == (info.content.strip() if info.owner == "console" else ""):
            raise Unfit("Nothing has changed, so there is nothing to save.")
        if self.try_content(name, content, SAMPLE_S).is_alarming and not sure:
            raise Unfit(
                "This opts out many more people than before, which looks like a mistake. Look at "
                "the texts that change; if it is meant so, say that you are sure, and save again."
            )
        return self.versions.add(name, content, base, author, note)

    def restore(
        self, name: str, number: int, base: int, author: str, note: str = ""
    ) -> ContentVersion:
        """Save an older version as the newest one; 0 reverts. Raises what ``save`` raises."""
        content = self.versions.content_of(name, number)
        note = note or (f"restored version {number}" if number else "reverted")
        return self.save(name, content, base, author, note, sure=True)

    def _newest(self) -> dict[str, ContentVersion]:
        return {one.name: one for one in self.versions.newest()}

    def _own(self, drafts: Mapping[str, str]) -> OperatorSets:
        """Return the operator's sets with other contents of some; an empty one is none."""
        with suppress(ConfigurationError):  # what is saved and cannot be used may be replaced
            self.active()
        newest = {name: one.content for name, one in self._newest().items()}
        saved = {name: text for name, text in {**newest, **drafts}.items() if text.strip()}
        return replace(self.content.value.sets, console=saved)

    def _info(self, name: str, own: OperatorSets, version: ContentVersion | None) -> KeywordSetInfo:
        file, found = own.files.get(name), own.texts.get(name)
        place = f"shipped keywords/{name}.toml" if name in shipped() else "nowhere"
        return KeywordSetInfo(
            name=name,
            owner="console" if name in own.console else "file" if file else "shipped",
            place=found[0] if found else place,
            version=version.version if version else 0,
            file=file[0] if file else "",
            programs=self._users(name),
            content=found[1] if found else "",
        )

    def _users(self, name: str) -> tuple[str, ...]:
        """Return the programs that use a set."""
        return tuple(
            one.name
            for one in self.settings.programs
            if name == ANY_LANGUAGE or {name, EVERY} & {*one.keywords}
        )
