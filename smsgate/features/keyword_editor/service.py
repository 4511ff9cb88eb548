"""Keyword sets in the console: who owns which, what a change would do, and saving it.

The console's set stands in for a file of the same name as a whole, until it is reverted. Each save
is a new version, and nothing of an older one is ever lost.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from smsgate.classifier import Classifier, Classifiers, KeywordSetCache, KeywordSets, load_sets
from smsgate.classifier.keywords import KeywordIndex
from smsgate.classifier.sets.compiler import KeywordCompiler
from smsgate.classifier.sets.conflicts import (
    contradictions,
    missing,
    unknown_classes,
    without_effect,
)
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE, EVERY, shipped
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.domain.errors import ConfigurationError, ContentChanged, Fault
from smsgate.features.keyword_editor.errors import KeywordSetUnfit, NoSuchKeywordSet
from smsgate.features.keyword_editor.replay import (
    ReadPosition,
    ReplayResult,
    TextReplay,
    TextSource,
)
from smsgate.features.keyword_editor.set_text import empty_set
from smsgate.pipeline.services import Services
from smsgate.records import ContentVersion
from smsgate.settings import Program, Settings

MAX_BYTES = 48_000
"""Of a set in the console. Larger ones are better kept as files, and what is typed in is checked
at every pause."""
SAMPLE_S = 1.0
"""How long texts are decided before a change is saved, to see whether it looks like a mistake."""
PAGE_SIZE = 50
"""Versions of a set that are shown at once."""
_MAX_NOTE_CHARACTERS = 500
NAME = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
"""A language tag as in file names."""
_UNCACHED = "no drafts"
"""A folder that never exists: what drafts compile to is not kept."""


@dataclass(frozen=True, slots=True)
class KeywordSetInfo:
    """One keyword set."""

    name: str
    owner: str
    """``shipped``, ``file`` or ``console``."""
    place: str
    """Where its owner has it."""
    content: str
    """The operator's part of it (TOML), or empty."""
    version: int
    """The newest of the console, 0 where it never had one."""
    is_shipped: bool
    file: str
    """The path of its file, which the console's set may stand in for; empty where it has none."""
    programs: tuple[str, ...]
    """Those that use it."""

    @property
    def editable(self) -> str:
        """What a change begins with."""
        return self.content or empty_set(self.name)


class KeywordDraft:
    """All sets of the configuration, one of them with another content."""

    def __init__(self, settings: Settings, sets: OperatorSets, name: str, content: str) -> None:
        """Compile nothing yet. An empty ``content``: the console has no such set."""
        self._own = sets.with_draft(name, content)
        self._all = tuple(settings.programs)
        self.programs = [program for program in self._all if _uses(program, name)]
        """Those that would decide with it."""
        self._cache = KeywordSetCache(self._own, self._all, settings.data_dir / _UNCACHED)
        self._classifiers = Classifiers(self._cache, self._all)
        # A set that no program uses would hinder the start with the first one that does.
        self._unused = () if self.programs or not content else (name,)

    def faults(self) -> list[Fault]:
        """Return all that is wrong, as ``smsgate config check`` does."""
        unused = load_sets(self._own, self._unused)[1] if self._unused else []
        return self._cache.faults() or unused

    def quick_faults(self) -> list[Fault]:
        """Return the same in a quarter of the time: nothing is compiled that only texts need."""
        names = [name for program in self._all for name in program.keywords]
        sets, faults = load_sets(self._own, dict.fromkeys([*names, *self._unused]))
        if not faults:
            faults = [fault for program in self._all for fault in _conflicts(program, sets)]
        return [*dict.fromkeys(faults)]

    def classifier(self, program: str) -> Classifier:
        """Return the program's classifier. Raises ``ConfigurationError`` where there are faults."""
        return self._classifiers[program]


class KeywordEditor:
    """Raises ``RecordsUnavailable`` wherever it reads versions."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._content = services.content
        self._texts = TextSource(services.store, services.records)
        self._records = services.records
        self._versions = services.records.keyword_versions
        self._lock = threading.Lock()
        self._newest_draft: tuple[object, KeywordDraft] | None = None
        """With what it was made of: checking, trying and saving ask for the same one."""
        self._newest_replay: tuple[KeywordDraft, TextReplay] | None = None

    def sets(self) -> list[KeywordSetInfo]:
        """Return every set that there is or that a program names, by name."""
        newest = self._newest()
        own = self._own(newest)
        return [self._info(name, own, newest) for name in sorted(self._names(own, newest))]

    def find(self, name: str) -> KeywordSetInfo:
        """Return one set. Raises ``NoSuchKeywordSet``."""
        newest = self._newest()
        own = self._own(newest)
        if not NAME.fullmatch(name) or name not in self._names(own, newest):
            raise NoSuchKeywordSet(f"there is no keyword set {name[:40]!r}: the list has them all")
        return self._info(name, own, newest)

    def history(self, name: str, before: int | None = None) -> list[ContentVersion]:
        """Return a page of the versions of a set in the console, newest first."""
        return self._versions.of(name, PAGE_SIZE, before)

    def version(self, name: str, number: int) -> ContentVersion:
        """Return a version; 0 is what was there before the first. Raises ``NoSuchKeywordSet``."""
        if number == 0:
            return ContentVersion(name, 0, "", "", 0, "as shipped")
        found = self._versions.of(name, 1, number + 1)
        if not found or found[0].version != number:
            raise NoSuchKeywordSet(f"{name} has no version {number}")
        return found[0]

    def draft(self, name: str, content: str) -> KeywordDraft:
        """Return all sets with another content of one. Raises ``KeywordSetUnfit`` if too long."""
        size = len(content.encode())
        if size > MAX_BYTES:
            raise KeywordSetUnfit(
                f"The set has {size:,} bytes, and the console keeps at most {MAX_BYTES:,}: make "
                f"it a file, {self._settings.config_dir}/keywords/{name}.toml"
            )
        newest = self._newest()
        key = newest, name, content
        with self._lock:
            if self._newest_draft is None or self._newest_draft[0] != key:
                draft = KeywordDraft(self._settings, self._own(newest), name, content)
                self._newest_draft = key, draft
            return self._newest_draft[1]

    def replay(self, draft: KeywordDraft, position: ReadPosition, timeout_s: float) -> ReplayResult:
        """Return what the draft decides differently, from a position on.

        Raises ``StoreUnavailable``.
        """
        newest = self._newest_replay
        if newest is None or newest[0] is not draft:
            names = {program.name for program in draft.programs}
            active = self._content.value.classifiers
            replay = TextReplay(
                lambda name: active.get(name) if name in names else None,
                lambda name: draft.classifier(name) if name in names else None,
            )
            newest = self._newest_replay = draft, replay
        return newest[1].run(self._texts, position, timeout_s)

    def save(
        self, name: str, content: str, base: int, author: str, note: str, *, sure: bool = False
    ) -> ContentVersion:
        """Make a content the newest version of a set; an empty one reverts to file or shipped set.

        Args:
            name: of the set.
            content: TOML.
            base: the version that the author saw.
            author: who saves it.
            note: why, for those who read it later.
            sure: whether the author knows that it opts out many more people.

        Raises ``ContentChanged``, ``KeywordSetUnfit``,
        ``ConfigurationError`` with every fault, and ``StoreUnavailable``; nothing is saved then.
        """
        content = content.replace("\r\n", "\n").strip()
        content = f"{content}\n" if content else ""
        info = self.find(name)
        _refuse(info, content, base)
        draft = self.draft(name, content)
        if faults := draft.faults():
            raise ConfigurationError(faults)
        if not sure and self.replay(draft, ReadPosition(), SAMPLE_S).is_alarming:
            raise KeywordSetUnfit(
                "This opts out many more people than before, which looks like a mistake. Look at "
                "the texts that change; if it is meant so, say that you are sure, and save again."
            )
        note = note.strip()[:_MAX_NOTE_CHARACTERS]
        saved = ContentVersion(name, base + 1, content, author, time.time_ns() // 1000, note)
        self._versions.save(saved)
        with self._lock:
            self._newest_draft = self._newest_replay = None  # frees the memory
        return saved

    def _newest(self) -> dict[str, ContentVersion]:
        return {one.name: one for one in self._versions.newest()}

    def _names(self, own: OperatorSets, newest: Mapping[str, ContentVersion]) -> set[str]:
        named = {one for program in self._settings.programs for one in program.keywords}
        return {*shipped(), *own.names(), *named, *newest} - {EVERY}

    def _own(self, newest: Mapping[str, ContentVersion]) -> OperatorSets:
        saved = {name: one.content for name, one in newest.items() if one.content.strip()}
        return self._content.value.sets.with_console(saved)

    def _info(
        self, name: str, own: OperatorSets, newest: Mapping[str, ContentVersion]
    ) -> KeywordSetInfo:
        file, version, found = own.files.get(name), newest.get(name), own.text(name)
        is_shipped = name in shipped()
        owner = "console" if name in own.console else "file" if file else "shipped"
        place = found[0] if found else f"shipped keywords/{name}.toml" if is_shipped else "nowhere"
        return KeywordSetInfo(
            name,
            owner,
            place,
            found[1] if found else "",
            version.version if version else 0,
            is_shipped,
            file[0] if file else "",
            tuple(one.name for one in self._settings.programs if _uses(one, name)),
        )


def _uses(program: Program, name: str) -> bool:
    return name == ANY_LANGUAGE or name in program.keywords or EVERY in program.keywords


def _refuse(info: KeywordSetInfo, content: str, base: int) -> None:
    """Raise where this content cannot be saved over that version, whatever it says."""
    if base != info.version:
        raise ContentChanged(
            f"{info.name} was saved by someone else while you worked on version {base}; now it "
            f"has version {info.version}: look at what changed, and save yours again if it still "
            "holds"
        )
    if content.strip() == (info.content.strip() if info.owner == "console" else ""):
        raise KeywordSetUnfit("Nothing has changed, so there is nothing to save.")


def _conflicts(program: Program, sets: KeywordSets) -> list[Fault]:
    own = sets.only(program.keywords)
    compiler = KeywordCompiler(own)
    names = [*own.languages]
    found = [*contradictions(own, compiler.shared()), *unknown_classes(own)]
    if program.region == "US" or program.opt_out_words:
        places = {name: at for at, name in enumerate(names)}
        keywords = KeywordIndex(compiler.tables(places), names)
        found += missing(own, keywords) if program.region == "US" else ()
        found += without_effect(program, keywords)
    return found
