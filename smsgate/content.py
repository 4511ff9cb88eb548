"""The content of a process: keyword sets, compiled, and the wording of replies. One frozen value.

A set or reply that the console saves is a version in the records. A thread notices it, builds the
next value and puts it in place of the old one; a request or a job uses the one it began with.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import structlog
from pydantic import TypeAdapter, ValidationError

from smsgate.background_thread import BackgroundThread
from smsgate.classifier import Classifier, OperatorSets, make_classifiers
from smsgate.content_versions import ContentVersions, content_mark
from smsgate.domain.errors import ConfigurationError, Fault, RecordsNotReady, RecordsUnavailable
from smsgate.files import replace_file
from smsgate.records import Records
from smsgate.settings import Program, Programs, Replies, Settings
from smsgate.settings.read import fault_of

PERIOD_S = 4.0
"""How often a process looks for newer content."""
FILE = "content.json"
"""In the data directory: what was taken last, so that a process starts while the records are
away."""
MAY_BE_OLD = "keyword sets and replies of the console are those that were read last"
"""How the warning begins that the records could not be asked for newer content."""

_log = structlog.get_logger("smsgate.content")
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
    classifiers: Mapping[str, Classifier]
    """By program."""
    version: str
    """Hash of all of it."""
    saved: SavedContent


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
    return Content(settings.programs, OperatorSets(), {}, "", SavedContent())


class CurrentContent:
    """Holds the newest content of a process. Read ``value`` once for each request or job."""

    __slots__ = ("value",)

    def __init__(self, value: Content) -> None:
        self.value = value


def read_saved(records: Records) -> SavedContent:
    """Return what the console owns. Raises ``RecordsUnavailable``."""
    records.check()
    mark = content_mark(records)
    sets, replies = (
        {one.name: one.content for one in ContentVersions(records, kind).newest() if one.content}
        for kind in ("keywords", "replies")
    )
    return SavedContent(sets, replies, mark)


def build_content(settings: Settings, files: OperatorSets, saved: SavedContent) -> Content:
    """Compile the content. Raises ``ConfigurationError`` with every fault."""
    faults: list[Fault] = []
    programs = Programs(_with_replies(one, saved, faults) for one in settings.programs)
    sets = replace(files, console=saved.keyword_sets)
    classifiers, found = make_classifiers(sets, programs)
    faults += found
    if faults:
        raise ConfigurationError(faults)
    versions = {name: one.version for name, one in classifiers.items()}
    said = msgspec.json.encode([versions, saved.replies], order="deterministic")
    version = hashlib.sha256(said).hexdigest()[:8]
    return Content(programs, sets, classifiers, version, saved)


def _with_replies(program: Program, saved: SavedContent, faults: list[Fault]) -> Program:
    """The program with the replies that the console owns in place of all of the file's."""
    text = saved.replies.get(program.name)
    if text is None:
        return program
    replies, found = read_replies(text, program.contact, f"console replies of {program.name}")
    faults += found
    return replace(program, replies=replies)


def first_content(
    settings: Settings, files: OperatorSets, records: Records
) -> tuple[Content, list[str]]:
    """Return the content that a process starts with, and warnings.

    Without the records, and where what they have cannot be used, it is what was taken last. Raises
    ``ConfigurationError`` with every fault where that cannot be used either.
    """
    path, warnings = settings.data_dir / FILE, list[str]()
    try:
        saved = read_saved(records)
    except RecordsUnavailable as error:
        saved = _kept(path)
        if path.exists() or not isinstance(error, RecordsNotReady):
            warnings.append(f"{MAY_BE_OLD}, and may be old or missing: {error}")
        return build_content(settings, files, saved), warnings
    try:
        content = build_content(settings, files, saved)
    except ConfigurationError as error:
        kept = _kept(path)
        if not kept.mark or kept == saved:
            raise
        with suppress(ConfigurationError):
            return build_content(settings, files, kept), [f"{MAY_BE_OLD}: {error}"]
        raise
    warnings += keep_saved(path, saved)
    return content, warnings


def _kept(path: Path) -> SavedContent:
    """What was taken last; nothing where that cannot be read."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=SavedContent)
    return SavedContent()


def keep_saved(path: Path, saved: SavedContent) -> list[str]:
    """Keep what was taken; return a warning where that fails."""
    if _kept(path) == saved:
        return []
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, msgspec.json.encode(saved))
    except OSError as error:
        problem = (
            f"the console's keyword sets and replies cannot be kept in {path} ({error.strerror}): "
            "they will be missing at a start while the records are away"
        )
        return [problem]
    return []


class ContentWatch:
    """Puts newer content in place of what a process has."""

    def __init__(self, settings: Settings, records: Records, current: CurrentContent) -> None:
        self._settings, self._records = settings, records
        self._current = current
        self._seen = current.value.saved.mark
        self.problem = ""
        """Why newer content could not be used; empty where all of it is."""

    def thread(self) -> BackgroundThread:
        """The thread that looks; without the records the process goes on with what it has."""
        return BackgroundThread("content", self.look, PERIOD_S)

    def look(self) -> None:
        """Look for newer content, and take it. Raises ``RecordsUnavailable``."""
        if content_mark(self._records) != self._seen:
            self._take(read_saved(self._records))

    def _take(self, saved: SavedContent) -> None:
        try:
            content = build_content(self._settings, self._current.value.sets, saved)
        except ConfigurationError as error:
            self.problem = str(error)
            _log.warning("content not taken", problem=self.problem)
        else:
            for warning in keep_saved(self._settings.data_dir / FILE, saved):
                _log.warning("content", problem=warning)
            self._current.value = content
            self.problem = ""
            _log.info("content", version=content.version)
        self._seen = saved.mark
