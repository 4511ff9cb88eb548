"""The classifiers of all programs, made when the first text needs one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from weakref import WeakValueDictionary

from smsgate.classifier.checks import faults_of
from smsgate.classifier.classifier import Classifier
from smsgate.classifier.program import ProgramProfile
from smsgate.classifier.sets import KeywordSets, OperatorSets, load_sets
from smsgate.classifier.vocabulary import Vocabulary
from smsgate.domain.errors import ConfigurationError, Fault

_in_use: WeakValueDictionary[str, Vocabulary] = WeakValueDictionary()
"""By version what sets know: a configuration shares it with the one before."""


def sets_in_use(sets: KeywordSets) -> Vocabulary:
    """What some sets know, once for all that use them at a time."""
    known = _in_use.get(sets.version)
    if known is None:
        known = _in_use[sets.version] = Vocabulary(sets)
    return known


class Classifiers(Mapping[str, Classifier]):
    """By program its classifier. Programs with the same sets share what these know."""

    def __init__(self, own: OperatorSets | None, programs: Iterable[ProgramProfile]) -> None:
        self._own = own
        self._programs = {program.name: program for program in programs}
        self._made: dict[str, Classifier] = {}
        self._known: list[Vocabulary] = []
        self._lock = threading.Lock()
        names = dict.fromkeys(name for one in self._programs.values() for name in one.keywords)
        self._sets, self._faults = load_sets(own, names)
        self.versions = {name: self._of(one).version for name, one in self._programs.items()}
        """By program the hash of its sets."""

    def _of(self, program: ProgramProfile) -> KeywordSets:
        return self._sets.only(program.keywords)

    def _knows(self, program: ProgramProfile) -> Vocabulary:
        known = sets_in_use(self._of(program))
        self._known.append(known)
        return known

    def faults(self) -> list[Fault]:
        """All that is wrong with the sets, each fault once."""
        if self._faults:
            return self._faults
        found = {
            fault: None
            for one in self._programs.values()
            for fault in faults_of(one, self._of(one), self._knows(one).keywords)
        }
        return list(found)

    def __getitem__(self, name: str) -> Classifier:
        """The classifier of a program. Raises ``ConfigurationError`` where its sets have faults."""
        made = self._made.get(name)
        if made is not None:
            return made
        with self._lock:
            if name not in self._made:
                program = self._programs[name]
                known = self._knows(program)
                faults = self._faults or faults_of(program, self._of(program), known.keywords)
                if faults:
                    raise ConfigurationError(faults)
                self._made[name] = Classifier(program, known)
            return self._made[name]

    @property
    def in_use(self) -> tuple[str, ...]:
        """The programs whose classifiers were made."""
        return tuple(self._made)

    def __iter__(self) -> Iterator[str]:
        """The names of the programs."""
        return iter(self._programs)

    def __len__(self) -> int:
        """How many programs there are."""
        return len(self._programs)
