"""Each phenomenon in each language, put together from the classes of its keyword set."""

from __future__ import annotations

import itertools

import pytest

from smsgate.classifier import load_sets
from smsgate.classifier.sets.keyword_sets import Language, listed
from tests.accuracy.texts import OUT, classifier

PHENOMENA = {
    "stop sending": ("stop", "send"),
    "stop the messages": ("stop", "msg"),
    "take me off": ("remove", "target"),
    "no more messages": ("nomore", "msg"),
    "unsubscribe": ("unsub",),
    "do not": ("dont",),
    "wrong number": ("wrong",),
    "go away": ("away",),
}
LANGUAGES = load_sets(None, ("*",))[0].languages
EACH = 4
"""Words of each class."""


def generated(language: Language, classes: tuple[str, ...]) -> list[str]:
    """The first words of each class in all combinations, or nothing where a class is missing."""
    words = [list(listed(language.classes.get(name, "")))[:EACH] for name in classes]
    blank = " " if language.spaced else ""
    return [blank.join(row).replace("*", "") for row in itertools.product(*words)]


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_a_phenomenon_is_understood_in_each_language(phenomenon):
    missed, count = [], 0
    for name, language in LANGUAGES.items():
        for text in generated(language, PHENOMENA[phenomenon]):
            count += 1
            intent = classifier().classify(text).intent
            if intent not in (*OUT, "review"):
                missed.append((name, text, intent.value))
    assert count > len(LANGUAGES)
    assert len(missed) <= 0.05 * count, missed
