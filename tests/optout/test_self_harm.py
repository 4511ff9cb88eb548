"""Texts in which somebody speaks of ending their life."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from smsgate.messages import Intent
from tests.optout.program import classifier

_PACKAGE = resources.files("smsgate.optout")
WORDINGS = tomllib.loads(_PACKAGE.joinpath("self_harm.toml").read_text("utf-8"))
SHIPPED = {
    file.name.removesuffix(".toml")
    for file in _PACKAGE.joinpath("keywords").iterdir()
    if file.name.endswith(".toml") and not file.name.startswith(("_", "und"))
}


def test_every_shipped_language_has_wordings():
    assert WORDINGS.keys() == SHIPPED


@pytest.mark.parametrize("language", sorted(WORDINGS))
def test_each_wording_goes_to_a_person(language):
    for written in WORDINGS[language].split(","):
        text = written.strip().rstrip("*")
        for dressed in (text, f"{text.upper()}!!!", f"hi, {text}. bye"):
            decision = classifier().classify(dressed)
            assert (decision.intent, decision.rule) == (Intent.REVIEW, "self_harm"), dressed


def test_the_languages_of_the_program_do_not_matter():
    decision = classifier(keywords=("en",)).classify("Ich will nicht mehr leben.")
    assert (decision.rule, decision.language) == ("self_harm", "de")


def test_it_is_found_anywhere_in_a_long_text_and_beside_an_opt_out():
    long = "nothing of this matters to me any longer, " * 30
    for text in (f"{long} I am going to kill myself. {long}", "I want to die. Stop texting me."):
        assert classifier().classify(text).rule == "self_harm"


def test_a_keyword_alone_stays_an_opt_out():
    assert classifier().classify("END").intent is Intent.OPT_OUT
    assert classifier().classify("End all").intent is Intent.OPT_OUT_ALL


@pytest.mark.parametrize(
    "text",
    [
        "this traffic is killing me",
        "I'm dying to see you",
        "my phone died",
        "Liked “I want to die”",
        "end my subscription",
        "call the suicide hotline at 988, they can help",
        "that joke killed me lol",
        "live your life",
    ],
)
def test_what_only_sounds_like_it_is_left_alone(text):
    assert classifier().classify(text).rule != "self_harm"
