"""Languages are whole: what is understood in a language is answered in it, everywhere."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from smsgate.classifier.sets import shipped
from smsgate.classifier.wording import defaults
from smsgate.domain.messages import Intent
from tests.accuracy.texts import labelled
from tests.classifier.program import classifier

VARIANTS = {"en-IN": "en", "en-NG": "en", "und": "en"}
"""Keyword sets of a country, or of no language, and whose texts answer there."""
LANGUAGES = sorted({VARIANTS.get(name, name) for name in shipped()})
ASKED_FOR = {
    "opt_out": {Intent.OPT_IN},
    "opt_in": {Intent.OPT_OUT, Intent.OPT_OUT_ALL, Intent.HELP},
    "help": {Intent.OPT_OUT, Intent.OPT_OUT_ALL},
}
NO_KEYWORDS = {"SMS", "СМС"}


def _table(package: str, name: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_understood_is_answered_and_has_an_opt_out_line_and_a_page(language):
    assert set(defaults().get(language, ())) >= {"opt_out", "opt_in", "help"}
    assert language in _table("smsgate.consent", "opt_out_lines.toml")
    assert language in _table("smsgate.features.links", "page_text.toml")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ASKED_FOR)
def test_the_words_that_a_reply_asks_for_are_understood(language, kind):
    text = re.sub(r"\{\w+\}", "", defaults()[language][kind])
    for word in re.findall(r"\w{2,}", text):
        if word == word.upper() != word.lower() and word not in NO_KEYWORDS:
            assert classifier().classify(word).intent in ASKED_FOR[kind], word


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_asks_us_not_to_stop_is_never_suppressed(language):
    asked = [one.text for one in labelled("written/negated") if one.language == language]
    assert asked
    assert [text for text in asked if classifier().classify(text).intent.stops] == []


@pytest.mark.parametrize(
    ("text", "number", "language"),
    [
        ("Stopp", "+4915112345678", "de"),
        ("Stopp, danke!", "+4915112345678", "de"),
        ("Guten Tag. Stopp", "+4915112345678", "de"),
        ("Stopp", "+4740612345", "nb"),
        ("Stopp", "+14155550123", "en"),
        ("Стоп", "+79161234567", "ru"),
        ("Стоп", "+359881234567", "bg"),
        ("停止", "+8613812345678", "zh-Hans"),
        ("停止", "+886912345678", "zh-Hant"),
        ("停止", "+819012345678", "ja"),
    ],
)
def test_the_country_of_the_sender_tells_apart_languages_with_one_word(text, number, language):
    decision = classifier().classify(text, number)
    assert (decision.intent, decision.language) == (Intent.OPT_OUT, language)


@pytest.mark.parametrize(("number", "language"), [("+819012345678", "sv"), ("+4520123456", "da")])
def test_where_the_country_says_nothing_the_first_language_of_the_program_counts(number, language):
    decision = classifier(keywords=("sv", "da", "en")).classify("Stopp", number)
    assert decision.language == language
