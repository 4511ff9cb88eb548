"""Keyword sets in the console: who owns which, what a change would do, and saving it.

A set is owned by a file or by the console, never by both. Each save is a new version, and nothing
of an older one is ever lost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from smsgate.classifier import Classifier
from smsgate.classifier.sets.keyword_sets import EVERY, shipped
from smsgate.classifier.sets.operator_sets import OperatorSets, place_in_console
from smsgate.domain.errors import (
    ConfigurationError,
    Fault,
    KeywordSetChanged,
    KeywordSetOwned,
    KeywordSetUnfit,
    NoSuchKeywordSet,
)
from smsgate.features.keyword_editor.drafts import MOST_BYTES, Draft, Drafts, uses
from smsgate.features.keyword_editor.entries import begun
from smsgate.features.keyword_editor.received_texts import Place, Texts
from smsgate.features.keyword_editor.replay import Replay, Replaying
from smsgate.pipeline.console_keyword_sets import NAME, console_sets
from smsgate.records import KeywordVersion, Records
from smsgate.settings import Settings
from smsgate.store import Store

SAMPLE_S = 1.0
"""How long texts are decided before a change is saved, to see whether it looks like a mistake."""
PAGE = 50
"""Versions of a set that are shown at once."""
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class About:
    """One keyword set."""

    name: str
    owner: str
    """``shipped``, ``file``, ``console``, or ``both``, which is a fault."""
    place: str
    """Where its owner has it."""
    content: str
    """What the operator's part of it says; empty where there is none."""
    version: int
    """The newest of the console, 0 where it never had one."""
    is_shipped: bool
    programs: tuple[str, ...]
    """Those that use it."""

    @property
    def editable(self) -> str:
        """What a change begins with."""
        return self.content or begun(self.name)


class Editing:
    """Raises ``RecordsUnavailable`` and ``RecordsNotReady`` wherever it asks for versions."""

    def __init__(
        self,
        settings: Settings,
        classifiers: Mapping[str, Classifier],
        store: Store,
        records: Records,
    ) -> None:
        """Use these collaborators; nothing is asked yet."""
        self._settings = settings
        self._classifiers = classifiers
        self._texts = Texts(store, records)
        self._records = records
        self._versions = records.keyword_versions
        self._drafts = Drafts(settings)
        self._kept: tuple[Draft, Replaying] | None = None

    # --- what there is ----------------------------------------------------------------------

    def sets(self) -> list[About]:
        """Every set there is or that a program names, by name."""
        newest = self._newest()
        own = self._own(_contents(newest))
        return [self._about(name, own, newest) for name in sorted(self._names(own, newest))]

    def about(self, name: str) -> About:
        """One set. Raises ``NoSuchKeywordSet``."""
        newest = self._newest()
        own = self._own(_contents(newest))
        if not NAME.fullmatch(name) or name not in self._names(own, newest):
            raise NoSuchKeywordSet(f"there is no keyword set {name[:40]!r}: the list has them all")
        return self._about(name, own, newest)

    def in_force(self) -> tuple[OperatorSets, list[str]]:
        """The operator's sets as processes find them, and what has to be said about it.

        Also while the records are away.
        """
        of_console, warnings = console_sets(self._records, self._settings.data_dir)
        return self._own(of_console), warnings

    def history(self, name: str, before: int | None = None) -> list[KeywordVersion]:
        """The versions of a set in the console, the newest first, a page of them."""
        return self._versions.of(name, PAGE, before)

    def version(self, name: str, number: int) -> KeywordVersion:
        """One of them; 0 is what was there before the first. Raises ``NoSuchKeywordSet``."""
        if number == 0:
            return KeywordVersion(name, 0, "", "", 0, "as shipped")
        found = self._versions.of(name, 1, number + 1)
        if not found or found[0].version != number:
            raise NoSuchKeywordSet(f"{name} has no version {number}")
        return found[0]

    # --- what a change would do ---------------------------------------------------------------

    def draft(self, name: str, content: str) -> Draft:
        """All sets with another content of one. Raises ``KeywordSetUnfit`` where it is too long."""
        size = len(content.encode())
        if size > MOST_BYTES and not self._own({}).file(name):
            raise KeywordSetUnfit(
                f"The set has {size:,} bytes, and the console keeps at most {MOST_BYTES:,}: make "
                f"it a file, {self._settings.config_dir}/keywords/{name}.toml"
            )
        return self._drafts.get(_contents(self._newest()), name, content)

    def replay(self, draft: Draft, place: Place, most_s: float) -> Replay:
        """What the draft would decide differently, from a place on, for so many seconds at most.

        Raises ``StoreUnavailable``.
        """
        return self._replaying(draft).run(self._texts, place, most_s)

    # --- changing it --------------------------------------------------------------------------

    def save(
        self, name: str, content: str, base: int, author: str, note: str, *, sure: bool = False
    ) -> KeywordVersion:
        """Make a content the newest version of a set; an empty one gives the set up.

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
        about = self.about(name)
        _refuse(about, content, base)
        # What is given up twice over is the file from then on.
        draft = self.draft(name, about.content if about.owner == "both" else content)
        if faults := draft.faults():
            raise ConfigurationError(faults)
        if not sure and self.replay(draft, Place(), SAMPLE_S).alarming:
            raise KeywordSetUnfit(
                "This opts out many more people than before, which looks like a mistake. Look at "
                "the texts below; if it is meant so, say that you are sure, and save again."
            )
        made = KeywordVersion(
            name, base + 1, content, author, time.time_ns() // 1000, note.strip()[:_LONGEST_NOTE]
        )
        self._versions.save(made)
        self._drafts.forget()
        self._kept = None
        return made

    # --- inside -------------------------------------------------------------------------------

    def _replaying(self, draft: Draft) -> Replaying:
        """What decides for a draft; it goes on with what it knows from the last request."""
        kept = self._kept
        if kept is None or kept[0] is not draft:
            concerned = {program.name for program in draft.programs}
            made = Replaying(
                lambda name: self._classifiers.get(name) if name in concerned else None,
                lambda name: draft.classifier(name) if name in concerned else None,
            )
            kept = self._kept = draft, made
        return kept[1]

    def _newest(self) -> dict[str, KeywordVersion]:
        return {one.set_name: one for one in self._versions.newest()}

    def _names(self, own: OperatorSets, newest: Mapping[str, KeywordVersion]) -> set[str]:
        named = {one for program in self._settings.programs for one in program.keywords}
        return {*shipped(), *own.names(), *named, *newest} - {EVERY}

    def _own(self, of_console: Mapping[str, str]) -> OperatorSets:
        return OperatorSets(self._settings.config_dir / "keywords", of_console)

    def _about(self, name: str, own: OperatorSets, newest: Mapping[str, KeywordVersion]) -> About:
        file, version = own.file(name), newest.get(name)
        in_console = own.owned_by_console(name)
        is_shipped = name in shipped()
        owner = "both" if file and in_console else "file" if file else "console"
        place = str(file) if file else place_in_console(name)
        if not (file or in_console):
            owner, place = "shipped", f"shipped keywords/{name}.toml"
        faults: list[Fault] = []
        found = self._own({}).text(name, faults) if file else None
        content = version.content if version and in_console and not file else ""
        using = (one.name for one in self._settings.programs if uses(one, name))
        return About(
            name,
            owner,
            place if owner != "shipped" or is_shipped else "nowhere",
            found[1] if found else content,
            version.version if version else 0,
            is_shipped,
            tuple(using),
        )


def _contents(newest: Mapping[str, KeywordVersion]) -> dict[str, str]:
    """By name what the console's sets say; those that were given up are none."""
    return {name: one.content for name, one in newest.items() if one.content.strip()}


def _refuse(about: About, content: str, base: int) -> None:
    """Raise where this content cannot be saved over that version, whatever it says."""
    if about.owner == "file" or (about.owner == "both" and content):
        raise KeywordSetOwned(
            f"{about.name} is the file {about.place}, so it is changed there: take the changed "
            "file from this page, put it in its place, and run `smsgate config apply`"
        )
    if base != about.version:
        raise KeywordSetChanged(
            f"{about.name} was saved by somebody else while you worked on version {base}; now it "
            f"has version {about.version}: look at what changed, and save yours again if it still "
            "holds"
        )
    if content.strip() == about.content.strip():
        raise KeywordSetUnfit("Nothing has changed, so there is nothing to save.")
