"""Programs for the tests of the rules."""

from __future__ import annotations

from functools import cache

from smsgate.classifier import Classifier, KeywordSets, load_sets
from smsgate.settings import Program


def program(**changes: object) -> Program:
    """A program with every language, for the United States."""
    settings = {
        "name": "alerts",
        "title": "Acme Alerts",
        "account": "twilio",
        "senders": ("*",),
        "keywords": ("*",),
        "region": "US",
        **changes,
    }
    return Program(**settings)


@cache
def classifier(**changes: object) -> Classifier:
    """Its classifier, with the shipped keyword sets."""
    made = program(**changes)
    return Classifier(made, _sets(made.keywords))


@cache
def _sets(keywords: tuple[str, ...]) -> KeywordSets:
    sets, faults = load_sets(None, keywords)
    assert faults == []
    return sets
