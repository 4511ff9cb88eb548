"""Texts about ending one's life or danger, and those that refuse calls and ask for texts."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from smsgate.classifier.sets import shipped
from smsgate.domain.messages import Intent
from tests.classifier.program import classifier

_PACKAGE = resources.files("smsgate.classifier")
TABLES, CHANNELS = (
    tomllib.loads(_PACKAGE.joinpath(file).read_text("utf-8"))
    for file in ("self_harm.toml", "other_channel.toml")
)
WORDINGS, DANGER, OTHER_SENSES, EVERYTHING = (
    TABLES[name] for name in ("life", "danger", "other_senses", "everything")
)
SHIPPED = {*shipped()} - {"und"}


def written_out(wordings: str) -> list[str]:
    """Each wording by itself: those with ``{a|b}`` as their first and their last form."""
    forms = [
        re.sub(r"{([^}]*)}", lambda found, at=at: found[1].split("|")[at], written)
        for written in wordings.split(",")
        for at in (0, -1)
    ]
    return [" ".join(form.split()) for form in dict.fromkeys(forms)]


def test_every_shipped_language_has_wordings():
    assert WORDINGS.keys() == SHIPPED
    assert EVERYTHING.keys() == SHIPPED - {"en-NG"}
    others = SHIPPED - {"en-IN", "en-NG"}
    assert TABLES["messages"].keys() == CHANNELS["refused"].keys() == others
    assert CHANNELS["asked"].keys() == others


@pytest.mark.parametrize("language", sorted(WORDINGS))
def test_each_wording_goes_to_a_person(language):
    for written in written_out(f"{WORDINGS[language]}, {DANGER.get(language, '')}".strip(", ")):
        text = written.rstrip("*")
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


CRIES = """
i wanna kms|im gonna unalive myself|i wana die|i want 2 die|i'm feeling sucidal|kill myslef
my son wants to kill himself|I don't want to be here anymore|i hope i dont wake up tomorrow
I'm done living|no one would miss me if I died|i took all my pills
I don't want to live in this town. I don't want to live.|kiero morir|jveux mourir
n quero mais viver|ich will mich umbringen|mi voglio ammazzare|ne hochu zhit|3ayez amoot
mikham bemiram|mujhe nahi jeena|yasamak istemiyorum|k muon song nua|pengen mati aja
gusto ko ng mamatay|我不想活了|죽고싶다
"""
"""With slang, with typos, and in Latin letters."""


@pytest.mark.parametrize("text", CRIES.strip().replace("\n", "|").split("|"))
def test_slang_slips_and_romanised_spellings_are_known(text):
    assert classifier().classify(text).rule == "self_harm"


@pytest.mark.parametrize("language", sorted(EVERYTHING))
def test_a_wish_for_everything_to_end_goes_to_a_person_unless_it_is_about_messages(language):
    message = written_out(TABLES["messages"].get(language, "sms"))[0].rstrip("*")
    for text in written_out(EVERYTHING[language]):
        decision = classifier().classify(f"123, {text}!")
        assert (decision.intent, decision.rule) == (Intent.REVIEW, "self_harm"), text
        assert classifier().classify(f"{text}, {message}").rule != "self_harm", text


@pytest.mark.parametrize("language", sorted(TABLES["orders"]))
def test_an_order_to_stop_everything_goes_to_a_person_only_with_other_words(language):
    for text in written_out(TABLES["orders"][language]):
        assert classifier().classify(f"{text}!").rule != "self_harm", text
        assert classifier().classify(f"{text}, 123 xyz").rule == "self_harm", text


@pytest.mark.parametrize("language", sorted(OTHER_SENSES))
def test_each_other_sense_is_left_alone(language):
    for text in written_out(OTHER_SENSES[language]):
        assert classifier().classify(text).rule != "self_harm", text


@pytest.mark.parametrize(
    "text", ["end my subscription", "I don't want to live in this town anymore"]
)
def test_what_a_person_decides_for_another_reason_is_no_cry_for_help(text):
    decision = classifier().classify(text)
    assert (decision.intent, decision.rule) == (Intent.REVIEW, "model")


@pytest.mark.parametrize("language", sorted(CHANNELS["refused"]))
def test_a_refusal_of_calls_beside_a_wish_for_texts_asks_for_nothing(language):
    asked = written_out(CHANNELS["asked"][language])[0]
    for refused in written_out(CHANNELS["refused"][language]):
        for text in (f"{refused}, {asked}", f"{asked}. {refused}!", f"{refused} - {asked}, thanks"):
            decision = classifier().classify(text)
            assert (decision.intent, decision.rule) == (Intent.NONE, "other_channel"), text
