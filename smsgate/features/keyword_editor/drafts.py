"""A keyword set as it would be: what is wrong with it, and how programs would decide with it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence

from smsgate.classifier import Classifier, Classifiers, KeywordSetCache, load_sets
from smsgate.classifier.keywords import KeywordIndex
from smsgate.classifier.sets.compiler import KeywordCompiler
from smsgate.classifier.sets.conflicts import (
    contradictions,
    missing,
    unknown_classes,
    without_effect,
)
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE, EVERY, KeywordSets
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.domain.errors import Fault
from smsgate.settings import Program, Settings

MOST_BYTES = 48_000
"""Of a set in the console. Larger ones are better kept as files, and what is typed in is checked
at every pause."""
_NOWHERE = "no drafts"
"""A folder that there never is: what drafts compile to is not kept."""


def uses(program: Program, name: str) -> bool:
    """Whether a program reads a set."""
    return name == ANY_LANGUAGE or name in program.keywords or EVERY in program.keywords


class Draft:
    """All sets of the configuration, one of them with another content."""

    def __init__(
        self, settings: Settings, of_console: Mapping[str, str], name: str, content: str
    ) -> None:
        """Keep what is needed; nothing is read yet. An empty content: the set is not there."""
        own = OperatorSets(settings.config_dir / "keywords", of_console, {name: content})
        programs = tuple(settings.programs)
        self.programs = [program for program in programs if uses(program, name)]
        """Those that would decide with it."""
        self._own = own
        self._all = programs
        self._cache = KeywordSetCache(own, programs, settings.data_dir / _NOWHERE)
        self._classifiers = Classifiers(self._cache, programs)

    def faults(self) -> list[Fault]:
        """All that is wrong: the same as ``smsgate config check`` says of keyword sets."""
        return self._cache.faults()

    def soon(self) -> list[Fault]:
        """The same in a quarter of the time, without all that only texts need."""
        names = dict.fromkeys(name for program in self._all for name in program.keywords)
        sets, faults = load_sets(self._own, names)
        if faults:
            return faults
        found = [fault for program in self._all for fault in _conflicts(program, sets)]
        return [*dict.fromkeys(found)]

    def classifier(self, program: str) -> Classifier:
        """How a program would decide. Raises ``ConfigurationError`` where there are faults."""
        return self._classifiers[program]


def _conflicts(program: Program, sets: KeywordSets) -> list[Fault]:
    own = sets.only(program.keywords)
    gathered = KeywordCompiler(own)
    names = [*own.languages]
    found = [*contradictions(own, gathered.shared()), *unknown_classes(own)]
    if program.region == "US" or program.printed:
        places = {name: at for at, name in enumerate(names)}
        keywords = KeywordIndex(gathered.tables(places), names)
        found += missing(own, keywords) if program.region == "US" else ()
        found += without_effect(program, keywords)
    return found


class Drafts:
    """The newest draft of this process: checking, trying and saving ask for the same one."""

    def __init__(self, settings: Settings) -> None:
        """Begin without any."""
        self._settings = settings
        self._lock = threading.Lock()
        self._key = b""
        self._newest: Draft | None = None

    def get(self, of_console: Mapping[str, str], name: str, content: str) -> Draft:
        """The draft of one content of a set, beside the sets that the console has now."""
        key = _digest([*of_console.items(), (name, content)])
        with self._lock:
            if self._newest is None or self._key != key:
                self._newest, self._key = Draft(self._settings, of_console, name, content), key
            return self._newest

    def forget(self) -> None:
        """Free the memory of the newest."""
        with self._lock:
            self._newest, self._key = None, b""


def _digest(sets: Sequence[tuple[str, str]]) -> bytes:
    digest = hashlib.sha256()
    for name, content in sets:
        digest.update(f"{name} {len(content)}\n{content}".encode())
    return digest.digest()
