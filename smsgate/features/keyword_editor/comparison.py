"""Two configurations of one program beside each other, and a classifier beside labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from smsgate.classifier.classifier import Classifier
from smsgate.domain.messages import Decision


class Difference(NamedTuple):
    """A text that two configurations decide differently."""

    text: str
    before: Decision
    after: Decision


class Active(NamedTuple):
    """A keyword as it is in force."""

    word: str
    intent: str
    match: str
    risk: str
    language: str


class Changed(NamedTuple):
    """A keyword that one configuration has and the other has not, or has with another meaning."""

    typed: str
    before: Active | None
    after: Active | None


def active(classifier: Classifier) -> dict[str, Active]:
    """Every keyword of a program, by what people type."""
    found = {}
    for typed, keyword in classifier.keywords:
        entry = keyword.entry
        found[typed] = Active(keyword.word, entry.intent, entry.match, entry.risk, keyword.language)
    return found


def changed(before: Classifier, after: Classifier) -> list[Changed]:
    """Keywords that are added, gone, or mean something else."""
    old, new = active(before), active(after)
    return [
        Changed(typed, old.get(typed), new.get(typed))
        for typed in sorted(old.keys() | new.keys())
        if old.get(typed) != new.get(typed)
    ]


def replayed(
    texts: Iterable[tuple[str, str]], before: Classifier, after: Classifier
) -> Iterator[Difference]:
    """Texts (with their numbers) whose intent, scope or condition would be another one."""
    for text, number in texts:
        one, other = before.classify(text, number), after.classify(text, number)
        if (one.intent, one.scope, one.condition) != (other.intent, other.scope, other.condition):
            yield Difference(text, one, other)


def outcome(decision: Decision) -> str:
    """The label that a decision amounts to: a conditional opt-in is none until it is settled."""
    return "none" if decision.condition else decision.intent.value
