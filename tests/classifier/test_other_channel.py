"""Texts that refuse calls and ask for texts, which are no opt-outs."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from smsgate.domain.messages import Intent
from tests.classifier.program import classifier
from tests.classifier.test_self_harm import SHIPPED, written_out

_FILE = resources.files("smsgate.classifier").joinpath("other_channel.toml")
TABLES = tomllib.loads(_FILE.read_text("utf-8"))


def test_every_shipped_language_has_wordings():
    assert TABLES["refused"].keys() == TABLES["asked"].keys() == SHIPPED - {"en-IN", "en-NG"}


@pytest.mark.parametrize("language", sorted(TABLES["refused"]))
def test_a_refusal_of_calls_beside_a_wish_for_texts_asks_for_nothing(language):
    asked = written_out(TABLES["asked"][language])[0]
    for refused in written_out(TABLES["refused"][language]):
        for text in (f"{refused}, {asked}", f"{asked}. {refused}!", f"{refused} - {asked}, thanks"):
            decision = classifier().classify(text)
            assert (decision.intent, decision.rule) == (Intent.NONE, "other_channel"), text


def test_the_rest_of_the_text_counts():
    assert classifier().classify("Ring inte, skicka sms. STOPP").intent is Intent.OPT_OUT
    assert classifier().classify("Ring inte, skicka inte sms").intent.stops
    assert classifier().classify("别打电话，也别发短信").intent.stops


@pytest.mark.parametrize(
    "text",
    [
        "别打电话，发短信也不要",
        "别打电话，发短信也不行",
        "ne hívj, írj se",
        "Ruf nicht an, schreib mir auch nicht",
        "No llame, mande mensajes tampoco",
        "Jangan telepon, sms juga jangan",
    ],
)
def test_texts_that_are_refused_too_are_not_asked_for(text):
    decision = classifier().classify(text)
    assert decision.intent.stops or decision.intent is Intent.REVIEW, decision
