"""The keywords that a program acts on, where each comes from, and two classifiers compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from smsgate.classifier.classifier import Classifier
from smsgate.classifier.sets.keyword_sets import read_set
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.domain.messages import Decision
from smsgate.pipeline.content import Content

SOURCES = ("shipped", "file", "console")


class ActiveKeyword(NamedTuple):
    """A keyword that a program acts on."""

    word: str
    intent: str
    match: str
    risk: str
    language: str


class ListedKeyword(NamedTuple):
    """An active keyword with everything that the list shows."""

    word: str
    intent: str
    match: str
    risk: str
    language: str
    """The set that has it."""
    source: str
    """One of ``SOURCES``."""
    countries: str
    asked: bool
    """Only an answer to a question of ours."""
    note: str


class KeywordFilter(NamedTuple):
    """What to list; an empty field matches everything."""

    text: str = ""
    """Part of the keyword or its note."""
    language: str = ""
    intent: str = ""
    source: str = ""

    def matches(self, one: ListedKeyword) -> bool:
        """Whether a keyword is to be listed."""
        text = self.text.casefold().strip()
        return (
            self.language in ("", one.language)
            and self.intent in ("", one.intent)
            and self.source in ("", one.source)
            and (text in one.word.casefold() or text in one.note.casefold())
        )


class KeywordList:
    """Keeps the list of each program until its sets change."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, Sequence[ListedKeyword]]] = {}

    def of(self, program: str, content: Content) -> Sequence[ListedKeyword]:
        """Return a program's keywords by set, intent and word."""
        classifier, sources = content.classifiers[program], _sources(content.sets)
        version = classifier.version, sources
        kept = self._kept.get(program)
        if kept is None or kept[0] != version:
            kept = self._kept[program] = version, _listed(classifier, sources)
        return kept[1]


def _sources(own: OperatorSets) -> dict[tuple[str, str], str]:
    """Return by language and word where the operator's keywords come from."""
    found = {}
    for name in own.names():
        text = own.text(name)
        language = read_set(text[1], text[0], []) if text else None
        source = "console" if name in own.console else "file"
        for entry in language.entries if language else ():
            found.update({(name, word): source for word in entry.each()})
    return found


def _listed(
    classifier: Classifier, sources: Mapping[tuple[str, str], str]
) -> Sequence[ListedKeyword]:
    rows = (
        ListedKeyword(
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
        for one in dict.fromkeys(keyword for _, keyword in classifier.keywords)
    )
    return sorted(rows, key=lambda row: (row.language, row.intent, row.word))


class KeywordChange(NamedTuple):
    """A keyword that only one of two classifiers has, or that means something else in each."""

    typed: str
    before: ActiveKeyword | None
    after: ActiveKeyword | None


def active_keywords(classifier: Classifier) -> dict[str, ActiveKeyword]:
    """Return every keyword of a program, by what people type."""
    found = {}
    for typed, one in classifier.keywords:
        entry = one.entry
        found[typed] = ActiveKeyword(one.word, entry.intent, entry.match, entry.risk, one.language)
    return found


def compare_keywords(before: Classifier, after: Classifier) -> list[KeywordChange]:
    """Return the keywords that are added, gone, or mean something else."""
    old, new = active_keywords(before), active_keywords(after)
    return [
        KeywordChange(typed, old.get(typed), new.get(typed))
        for typed in sorted(old.keys() | new.keys())
        if old.get(typed) != new.get(typed)
    ]


class DecisionChange(NamedTuple):
    """A text that two classifiers decide differently."""

    text: str
    before: Decision
    after: Decision


def compare_decisions(
    texts: Iterable[tuple[str, str]], before: Classifier, after: Classifier
) -> Iterator[DecisionChange]:
    """Yield the texts (with their numbers) whose intent, scope or condition differs."""
    for text, number in texts:
        one, other = before.classify(text, number), after.classify(text, number)
        if (one.intent, one.scope, one.condition) != (other.intent, other.scope, other.condition):
            yield DecisionChange(text, one, other)


def label_of(decision: Decision) -> str:
    """Return the decision's label: a conditional opt-in is ``none`` until it is settled."""
    return "none" if decision.condition else decision.intent.value
