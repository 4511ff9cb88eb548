"""Programs for the tests of the rules."""

from __future__ import annotations

from functools import cache

from smsgate.classifier import Classifier, Vocabulary, load_sets
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
    return Classifier(made, _known(made.keywords))


@cache
def _known(keywords: tuple[str, ...]) -> Vocabulary:
    """What the sets know, which is the same for every program."""
    sets, faults = load_sets(None, keywords)
    assert faults == []
    return Vocabulary(sets)
