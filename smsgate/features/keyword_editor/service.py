"""Keyword sets in the console: who owns which, what a change would do, and saving it.

A set is owned by a file or by the console, never by both. Each save is a new version, and nothing
of an older one is ever lost.
"""

from __future__ import annotations

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
from smsgate.domain.errors import ConfigurationError, Fault, KeywordSetChanged
from smsgate.features.keyword_editor.errors import (
    KeywordSetOwned,
    KeywordSetUnfit,
    NoSuchKeywordSet,
)
from smsgate.features.keyword_editor.replay import (
    ReadPosition,
    ReplayResult,
    TextReplay,
    TextSource,
)
from smsgate.features.keyword_editor.set_text import empty_set
from smsgate.pipeline.console_keyword_sets import NAME, read_console_sets
from smsgate.pipeline.services import Services
from smsgate.records import KeywordVersion
from smsgate.settings import Program, Settings
from smsgate.settings.operator_sets import OperatorSets, place_in_console

MAX_BYTES = 48_000
"""Of a set in the console. Larger ones are better kept as files, and what is typed in is checked
at every pause."""
SAMPLE_S = 1.0
"""How long texts are decided before a change is saved, to see whether it looks like a mistake."""
PAGE_SIZE = 50
"""Versions of a set that are shown at once."""
_MAX_NOTE_CHARACTERS = 500
_UNCACHED = "no drafts"
"""A folder that never exists: what drafts compile to is not kept."""


@dataclass(frozen=True, slots=True)
class KeywordSetInfo:
    """One keyword set."""

    name: str
    owner: str
    """``shipped``, ``file``, ``console``, or ``both``, which is a fault."""
    place: str
    """Where its owner has it."""
    content: str
    """The operator's part of it (TOML), or empty."""
    version: int
    """The newest of the console, 0 where it never had one."""
    is_shipped: bool
    programs: tuple[str, ...]
    """Those that use it."""

    @property
    def editable(self) -> str:
        """What a change begins with."""
        return self.content or empty_set(self.name)


class KeywordDraft:
    """All sets of the configuration, one of them with another content."""

    def __init__(
        self, settings: Settings, of_console: Mapping[str, str], name: str, content: str
    ) -> None:
        """Read nothing yet. An empty ``content``: the set is not there."""
        self._own = OperatorSets(settings.config_dir / "keywords", of_console, {name: content})
        self._all = tuple(settings.programs)
        self.programs = [program for program in self._all if _uses(program, name)]
        """Those that would decide with it."""
        self._cache = KeywordSetCache(self._own, self._all, settings.data_dir / _UNCACHED)
        self._classifiers = Classifiers(self._cache, self._all)

    def faults(self) -> list[Fault]:
        """Return all that is wrong, as ``smsgate config check`` does."""
        return self._cache.faults()

    def quick_faults(self) -> list[Fault]:
        """Return the same in a quarter of the time: nothing is compiled that only texts need."""
        names = dict.fromkeys(name for program in self._all for name in program.keywords)
        sets, faults = load_sets(self._own, names)
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
        self._classifiers = services.classifiers
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
        own = self._own(_contents(newest))
        return [self._info(name, own, newest) for name in sorted(self._names(own, newest))]

    def find(self, name: str) -> KeywordSetInfo:
        """Return one set. Raises ``NoSuchKeywordSet``."""
        newest = self._newest()
        own = self._own(_contents(newest))
        if not NAME.fullmatch(name) or name not in self._names(own, newest):
            raise NoSuchKeywordSet(f"there is no keyword set {name[:40]!r}: the list has them all")
        return self._info(name, own, newest)

    def active_sets(self) -> tuple[OperatorSets, list[str]]:
        """Return the operator's sets as processes find them, and warnings about them.

        Also while the records are away.
        """
        of_console, warnings = read_console_sets(self._records, self._settings.data_dir)
        return self._own(of_console), warnings

    def history(self, name: str, before: int | None = None) -> list[KeywordVersion]:
        """Return a page of the versions of a set in the console, newest first."""
        return self._versions.of(name, PAGE_SIZE, before)

    def version(self, name: str, number: int) -> KeywordVersion:
        """Return a version; 0 is what was there before the first. Raises ``NoSuchKeywordSet``."""
        if number == 0:
            return KeywordVersion(name, 0, "", "", 0, "as shipped")
        found = self._versions.of(name, 1, number + 1)
        if not found or found[0].version != number:
            raise NoSuchKeywordSet(f"{name} has no version {number}")
        return found[0]

    def draft(self, name: str, content: str) -> KeywordDraft:
        """Return all sets with another content of one. Raises ``KeywordSetUnfit`` if too long."""
        size = len(content.encode())
        if size > MAX_BYTES and not self._own({}).file(name):
            raise KeywordSetUnfit(
                f"The set has {size:,} bytes, and the console keeps at most {MAX_BYTES:,}: make "
                f"it a file, {self._settings.config_dir}/keywords/{name}.toml"
            )
        of_console = _contents(self._newest())
        key = of_console, name, content
        with self._lock:
            if self._newest_draft is None or self._newest_draft[0] != key:
                draft = KeywordDraft(self._settings, of_console, name, content)
                self._newest_draft = key, draft
            return self._newest_draft[1]

    def replay(self, draft: KeywordDraft, position: ReadPosition, timeout_s: float) -> ReplayResult:
        """Return what the draft decides differently, from a position on.

        Raises ``StoreUnavailable``.
        """
        newest = self._newest_replay
        if newest is None or newest[0] is not draft:
            names = {program.name for program in draft.programs}
            replay = TextReplay(
                lambda name: self._classifiers.get(name) if name in names else None,
                lambda name: draft.classifier(name) if name in names else None,
            )
            newest = self._newest_replay = draft, replay
        return newest[1].run(self._texts, position, timeout_s)

    def save(
        self, name: str, content: str, base: int, author: str, note: str, *, sure: bool = False
    ) -> KeywordVersion:
        """Make a content the newest version of a set; an empty one reverts the set.

        Args:
            name: of the set.
            content: TOML.
            base: the version that the author saw.
            author: who saves it.
            note: why, for those who read it later.
            sure: whether the author knows that it opts out many more people.

        Raises ``KeywordSetOwned``, ``KeywordSetChanged``, ``KeywordSetUnfit``,
        ``ConfigurationError`` with every fault, and ``StoreUnavailable``; nothing is saved then.
        """
        content = content.replace("\r\n", "\n").strip()
        content = f"{content}\n" if content else ""
        info = self.find(name)
        _refuse(info, content, base)
        # A set with two owners that is reverted is the file from then on.
        draft = self.draft(name, info.content if info.owner == "both" else content)
        if faults := draft.faults():
            raise ConfigurationError(faults)
        if not sure and self.replay(draft, ReadPosition(), SAMPLE_S).is_alarming:
            raise KeywordSetUnfit(
                "This opts out many more people than before, which looks like a mistake. Look at "
                "the texts below; if it is meant so, say that you are sure, and save again."
            )
        note = note.strip()[:_MAX_NOTE_CHARACTERS]
        saved = KeywordVersion(name, base + 1, content, author, time.time_ns() // 1000, note)
        self._versions.save(saved)
        with self._lock:
            self._newest_draft = self._newest_replay = None  # frees the memory
        return saved

    def _newest(self) -> dict[str, KeywordVersion]:
        return {one.set_name: one for one in self._versions.newest()}

    def _names(self, own: OperatorSets, newest: Mapping[str, KeywordVersion]) -> set[str]:
        named = {one for program in self._settings.programs for one in program.keywords}
        return {*shipped(), *own.names(), *named, *newest} - {EVERY}

    def _own(self, of_console: Mapping[str, str]) -> OperatorSets:
        return OperatorSets(self._settings.config_dir / "keywords", of_console)

    def _info(
        self, name: str, own: OperatorSets, newest: Mapping[str, KeywordVersion]
    ) -> KeywordSetInfo:
        file, version = own.file(name), newest.get(name)
        in_console, is_shipped = own.owned_by_console(name), name in shipped()
        owner = "both" if file and in_console else "file" if file else "console"
        place = str(file) if file else place_in_console(name)
        content = version.content if version and in_console else ""
        if file:
            found = self._own({}).text(name, [])
            content = found[1] if found else ""
        elif not in_console:
            owner, place = "shipped", f"shipped keywords/{name}.toml" if is_shipped else "nowhere"
        return KeywordSetInfo(
            name,
            owner,
            place,
            content,
            version.version if version else 0,
            is_shipped,
            tuple(one.name for one in self._settings.programs if _uses(one, name)),
        )


def _uses(program: Program, name: str) -> bool:
    return name == ANY_LANGUAGE or name in program.keywords or EVERY in program.keywords


def _contents(newest: Mapping[str, KeywordVersion]) -> dict[str, str]:
    """Return the content of the console's sets by name, without those that were reverted."""
    return {name: one.content for name, one in newest.items() if one.content.strip()}


def _refuse(info: KeywordSetInfo, content: str, base: int) -> None:
    """Raise where this content cannot be saved over that version, whatever it says."""
    if info.owner == "file" or (info.owner == "both" and content):
        raise KeywordSetOwned(
            f"{info.name} is the file {info.place}, so it is changed there: take the changed "
            "file from this page, put it in its place, and run `smsgate config apply`"
        )
    if base != info.version:
        raise KeywordSetChanged(
            f"{info.name} was saved by someone else while you worked on version {base}; now it "
            f"has version {info.version}: look at what changed, and save yours again if it still "
            "holds"
        )
    if content.strip() == info.content.strip():
        raise KeywordSetUnfit("Nothing has changed, so there is nothing to save.")


def _conflicts(program: Program, sets: KeywordSets) -> list[Fault]:
    own = sets.only(program.keywords)
    compiler = KeywordCompiler(own)
    names = [*own.languages]
    found = [*contradictions(own, compiler.shared()), *unknown_classes(own)]
    if program.region == "US" or program.printed:
        places = {name: at for at, name in enumerate(names)}
        keywords = KeywordIndex(compiler.tables(places), names)
        found += missing(own, keywords) if program.region == "US" else ()
        found += without_effect(program, keywords)
    return found
