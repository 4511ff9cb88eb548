"""Programs and long bodies for the tests of the rules."""

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


BODIES = {
    "stops": "stop " * 13_000,
    "one word": "a" * 65_000,
    "quotes": "“" * 20_000,
    "open quotes": '"stop' * 12_000,
    "marks": "e" + "\u0301" * 60_000,
    "spaces": " " * 65_000,
    "lines": "stop\n" * 13_000,
    "letters": "s t o p " * 8_000,
    "negations": "don't stop texting me all " * 2_500,
    "chinese": "退订" * 20_000,
    "thai": "ยกเลิก" * 10_000,
    "korean": "문자 그만 보내지 마세요 " * 4_000,
    "arabic": "إلغاء الاشتراك " * 4_000,
    "emoji": "🛑" * 16_000,
    "zero width": "\u200b" * 60_000,
    "quoted lines": "> stop\n" * 9_000,
    "mojibake": "â€œ" * 20_000,
    "commas": "stop, " * 10_000,
    "gaps": "stop the the texting " * 3_000,
    "typos": "stpo sotp " * 6_000,
    "long stem": "unsubscri" * 7_000,
    "ligatures": "ﬃ" * 21_000,
    "phrases in a letter": "ﷺ" * 21_000,
    "words": "would you please stop with the order and take me off the list of the bus " * 900,
}
