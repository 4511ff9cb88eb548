"""The keywords that a program acts on, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from smsgate.classifier import Classifier
from smsgate.classifier.keywords import Keyword
from smsgate.classifier.sets.keyword_sets import read_set
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.domain.errors import Fault

SOURCES = ("shipped", "file", "console")


class Listed(NamedTuple):
    """One keyword in force."""

    word: str
    intent: str
    match: str
    risk: str
    language: str
    """The set that it stands in."""
    source: str
    """``shipped``, ``file`` or ``console``."""
    countries: str
    asked: bool
    """Only an answer to a question of ours."""
    note: str


class Wanted(NamedTuple):
    """Which of them somebody asks for; what is empty matters not."""

    text: str = ""
    """Stands in the keyword or its note."""
    language: str = ""
    intent: str = ""
    source: str = ""

    def fits(self, one: Listed) -> bool:
        """Whether it is one of them."""
        text = self.text.casefold().strip()
        return (
            self.language in ("", one.language)
            and self.intent in ("", one.intent)
            and self.source in ("", one.source)
            and (text in one.word.casefold() or text in one.note.casefold())
        )


class Listing:
    """Keeps the list of each program until its sets change."""

    def __init__(self, classifiers: Mapping[str, Classifier]) -> None:
        """Use the classifiers in force, by program."""
        self._classifiers = classifiers
        self._kept: dict[str, tuple[object, Sequence[Listed]]] = {}

    def of(self, program: str, own: OperatorSets) -> Sequence[Listed]:
        """The keywords of a program in a fixed order; ``own`` are the operator's sets."""
        classifier = self._classifiers[program]
        sources = _sources(own)
        known = classifier.version, sources
        kept = self._kept.get(program)
        if kept is None or kept[0] != known:
            kept = self._kept[program] = known, _listed(classifier, sources)
        return kept[1]


def _sources(own: OperatorSets) -> dict[tuple[str, str], str]:
    """By language and word those that stand in a set of the operator, and what kind that is."""
    found = {}
    faults: list[Fault] = []
    for name in own.names():
        text = own.text(name, faults)
        read = read_set(text[1], text[0], faults) if text else None
        source = "console" if own.owned_by_console(name) else "file"
        for entry in read.entries if read else ():
            found.update({(name, word): source for word in entry.each()})
    return found


def _listed(classifier: Classifier, sources: Mapping[tuple[str, str], str]) -> Sequence[Listed]:
    keywords: Iterable[Keyword] = dict.fromkeys(keyword for _, keyword in classifier.keywords)
    rows = (
        Listed(
            word=one.word,
            intent=one.entry.intent,
            match=one.entry.match,
            risk=one.entry.risk,
            language=one.language,
            source=sources.get((one.language, one.word), "shipped"),
            countries=", ".join(one.entry.countries),
            asked=one.entry.ask,
            note=one.entry.note,
        )
        for one in keywords
    )
    return sorted(rows, key=lambda row: (row.language, row.intent, row.word))
