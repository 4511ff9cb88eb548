"""The keywords that programs act on: where each comes from, and what a change does to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from smsgate.classifier import Classifier, OperatorSets
from smsgate.classifier.sets import read_set

KeywordSource = Literal["shipped", "file", "console"]


class ActiveKeyword(msgspec.Struct, frozen=True, order=True):
    """A keyword that a program acts on."""

    language: str
    """The set that has it."""
    intent: str
    word: str
    match: str
    risk: str
    source: KeywordSource
    countries: tuple[str, ...]
    """Calling codes; elsewhere it means nothing."""
    answers_only: bool
    """Only an answer to a question of ours."""
    note: str


def list_active(classifiers: Iterable[Classifier], own: OperatorSets) -> list[ActiveKeyword]:
    """Return the keywords of programs by set, intent and word, each once."""
    sources: dict[tuple[str, str], KeywordSource] = {}
    for name in own.names():
        place, text = own.text(name) or ("", "")
        language = read_set(text, place, [])
        source: KeywordSource = "console" if name in own.console else "file"
        for entry in language.entries if language else ():
            sources |= {(name, word): source for word in entry.each()}
    found = {
        ActiveKeyword(
            language=one.language,
            intent=one.entry.intent,
            word=one.word,
            match=one.entry.match,
            risk=one.entry.risk,
            source=sources.get((one.language, one.word), "shipped"),
            countries=one.entry.countries,
            answers_only=one.entry.ask,
            note=one.entry.note,
        )
        for classifier in classifiers
        for _, one in classifier.keywords
    }
    return sorted(found)


class KeywordChange(msgspec.Struct, frozen=True):
    """A keyword that only one of two classifiers has, or that means something else in each."""

    typed: str
    before: str
    """Intent, match, risk and set; empty where it is no keyword."""
    after: str


def compare_keywords(before: Classifier, after: Classifier) -> list[KeywordChange]:
    """Return the keywords that are added, gone, or mean something else."""
    old, new = _meanings(before), _meanings(after)
    return [
        KeywordChange(typed, old.get(typed, ""), new.get(typed, ""))
        for typed in sorted(old.keys() | new.keys())
        if old.get(typed) != new.get(typed)
    ]


def _meanings(classifier: Classifier) -> dict[str, str]:
    """Return what every keyword means, by what people type."""
    return {
        typed: f"{one.entry.intent}, {one.entry.match}, {one.entry.risk} risk ({one.language})"
        for typed, one in classifier.keywords
    }
