"""The classifiers of all programs, made when the first text needs one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping

from smsgate.classifier.checks import faults_of
from smsgate.classifier.classifier import Classifier
from smsgate.classifier.near import NearKeywords, near_keywords
from smsgate.classifier.sets import KeywordSets, OperatorSets, load_sets
from smsgate.domain.errors import ConfigurationError, Fault
from smsgate.domain.program import ProgramProfile


class Classifiers(Mapping[str, Classifier]):
    """By program its classifier. Programs with the same sets share what these know."""

    def __init__(self, own: OperatorSets | None, programs: Iterable[ProgramProfile]) -> None:
        self._own = own
        self._programs = {program.name: program for program in programs}
        self._made: dict[str, Classifier] = {}
        self._known: list[NearKeywords] = []
        self._lock = threading.Lock()
        names = dict.fromkeys(name for one in self._programs.values() for name in one.keywords)
        self._sets, self._faults = load_sets(own, names)
        self.versions = {name: self._of(one).version for name, one in self._programs.items()}
        """By program the hash of its sets."""

    def _of(self, program: ProgramProfile) -> KeywordSets:
        return self._sets.only(program.keywords)

    def faults(self) -> list[Fault]:
        """All that is wrong with the sets, each fault once."""
        if self._faults:
            return self._faults
        found: dict[Fault, None] = {}
        for program in self._programs.values():
            known = near_keywords(self._of(program))
            self._known.append(known)  # for the classifier, which is made later
            found |= dict.fromkeys(faults_of(program, known.keywords))
        return list(found)

    def __getitem__(self, name: str) -> Classifier:
        """The classifier of a program. Raises ``ConfigurationError`` where its sets have faults."""
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    if self._faults:
                        raise ConfigurationError(self._faults)
                    program = self._programs[name]
                    self._made[name] = Classifier(program, self._of(program))
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
